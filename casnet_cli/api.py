"""Use a trained network from Python.

from casnet_cli import load

model = load("runs/sift-flow-lite-001/checkpoints/best.h5")     # or the run's folder
result = model.predict("photo.jpg")                             # or an array (H, W, 3) uint8, or a Pillow image
result.mask, result.difficulty, result.probabilities
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from casnet_cli import backend
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet

if TYPE_CHECKING:
    from casnet_cli.inference.protocol import Predictor


WIDE = ("I", "F")
"""How Pillow's modes of more than 8 bits begin."""


@dataclass(frozen=True)
class Prediction:
    """The outputs for the pixels of one image."""

    mask: np.ndarray
    """(H, W) uint8 class ids."""
    difficulty: np.ndarray
    """(H, W) float32, 0..1: 1 − p_a, or entropy / log K where there is no attention branch."""
    probabilities: np.ndarray
    """(H, W, K) float32; the sum over the classes is 1."""


class Segmenter:
    """A trained network and its classes, as `load` gives it."""

    def __init__(self, predictor: "Predictor", labels: LabelSet, intensities: Intensities = PLAIN):
        """intensities: of the pictures that the network was trained on."""
        self._predictor, self.labels, self.intensities = predictor, labels, intensities

    def predict(self, image: np.ndarray | Image.Image | str | PathLike[str]) -> Prediction:
        """Label one image of any size: an array (H, W, N), a Pillow image, or a file.

        An array has the type and bands of the pictures that the network was trained on, mostly (H, W, 3) uint8 RGB, and
        so has a Pillow image if these are others; else it may be of any mode of 8 bits. Where nothing was measured the
        mask is 255. Raises InputError for a file that is no image, and for an array of another shape or kind.
        """
        outputs = self._predictor.predict(_as_array(image, self.intensities))
        return Prediction(outputs["mask"], outputs["difficulty"], np.moveaxis(outputs["probabilities"], 0, -1))


def load(run: str | PathLike[str]) -> Segmenter:
    """The network of a run folder or a checkpoint file, as `casnet predict` uses it. Raises RunError."""
    from casnet_cli.runs.trained import find_run

    found = find_run(Path(run))
    backend.start()
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import mask_outputs

    predictor = open_predictor(found, lambda pixels: mask_outputs(pixels) | {"probabilities": pixels["fused"]})
    return Segmenter(predictor, found.meta.labels, found.meta.intensities)


def _as_array(image: np.ndarray | Image.Image | str | PathLike[str], intensities: Intensities) -> np.ndarray:
    """(H, W, N) of the type and bands of the intensities. Raises InputError."""
    from casnet_cli.data.images import UNREADABLE, as_array, rgb
    from casnet_cli.data.pixels.take import take

    if isinstance(image, Image.Image):
        ordinary = intensities.rgb and not image.mode.startswith(WIDE)
        image = as_array(rgb(image)) if ordinary else _with_bands(np.asarray(image))
    if isinstance(image, np.ndarray):
        bands = len(intensities.bands)
        if image.dtype != intensities.dtype or image.ndim != 3 or image.shape[2] != bands or 0 in image.shape:
            own = "(H, W, 3) uint8 RGB" if intensities.plain else f"(H, W, {bands}) {intensities.dtype}"
            raise InputError(f"image: {image.dtype} {image.shape} ({own})")
        return image
    try:
        return take(Path(image).read_bytes(), intensities, oriented=True)
    except UNREADABLE as error:
        raise InputError(f"{image}: {reason(error)}") from None


def _with_bands(pixels: np.ndarray) -> np.ndarray:
    """(H, W) as (H, W, 1)."""
    return pixels[..., None] if pixels.ndim == 2 else pixels
