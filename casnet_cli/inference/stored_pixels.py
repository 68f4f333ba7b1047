"""Images in the type and bands of a run: whether they are, and what is predicted where nothing was measured in them."""

import numpy as np

from casnet_cli.data.intensities import Intensities
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.inference.sound import check_numbers
from casnet_cli.labels import VOID

ZERO = ("difficulty", "confidence", "calibrated", "entropy", "margin")
"""Outputs that are 0 where nothing was measured; `mask` is void there, and all others are as for the mean colour."""


def check_kind(image: np.ndarray, intensities: Intensities) -> None:
    """Raises ValueError, in words that follow a file's name, unless an array is (H, W, N) of the type and bands."""
    bands = len(intensities.bands)
    if image.ndim != 3 or image.shape[2] != bands or image.dtype.name != intensities.dtype:
        shape = "×".join(map(str, image.shape))
        raise ValueError(f"is {shape} {image.dtype.name}, and this run takes height×width×{bands} {intensities.dtype}")


def unmeasured(outputs: PixelOutputs, pixels: np.ndarray, intensities: Intensities, classes: int) -> PixelOutputs:
    """The outputs (H, W) of pixels (H, W, N), with void for a class and `ZERO` where nothing was measured.

    classes: how many there are. Raises NotNumbers.
    """
    absent = None if intensities.plain else intensities.absent(pixels)
    check_numbers(outputs, classes, absent)
    return outputs if absent is None else void_where(absent, outputs)


def void_where(absent: np.ndarray, outputs: PixelOutputs) -> PixelOutputs:
    """The outputs with void for a class and `ZERO` where nothing was measured, (H, W) bool."""
    if not absent.any():
        return outputs
    zeros = {name: np.where(absent, np.zeros((), x.dtype), x) for name, x in outputs.items() if name in ZERO}
    void = {name: np.where(absent, np.uint8(VOID), x) for name, x in outputs.items() if name == "mask"}
    return outputs | zeros | void
