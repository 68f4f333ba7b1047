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
from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet

if TYPE_CHECKING:
    from casnet_cli.inference.protocol import Predictor


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

    def __init__(self, predictor: "Predictor", labels: LabelSet):
        self._predictor, self.labels = predictor, labels

    def predict(self, image: np.ndarray | Image.Image | str | PathLike[str]) -> Prediction:
        """Label one image of any size: (H, W, 3) uint8 RGB, a Pillow image of any mode, or a file.

        Raises InputError for a file that is no image, and for an array of another shape or kind.
        """
        outputs = self._predictor.predict(_as_rgb(image))
        return Prediction(outputs["mask"], outputs["difficulty"], np.moveaxis(outputs["probabilities"], 0, -1))


def load(run: str | PathLike[str]) -> Segmenter:
    """The network of a run folder or a checkpoint file, as `casnet predict` uses it. Raises RunError."""
    from casnet_cli.runs.trained import find_run

    found = find_run(Path(run))
    backend.start()
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import mask_outputs

    predictor = open_predictor(found, lambda pixels: mask_outputs(pixels) | {"probabilities": pixels["fused"]})
    return Segmenter(predictor, found.meta.labels)


def _as_rgb(image: np.ndarray | Image.Image | str | PathLike[str]) -> np.ndarray:
    from casnet_cli.data.images import UNREADABLE, as_array, decode_rgb, rgb

    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(f"image: {image.dtype} {image.shape} ((H, W, 3) uint8 RGB)")
        return image
    if isinstance(image, Image.Image):
        return as_array(rgb(image))
    try:
        with open(image, "rb") as file:
            return as_array(decode_rgb(file, oriented=True))
    except UNREADABLE as error:
        raise InputError(f"{image}: {reason(error)}") from None
