"""Whether the outputs for an image are what every network gives: classes that there are, numbers from 0 to 1."""

import numpy as np

from casnet_cli.errors import RunError
from casnet_cli.inference.protocol import PixelOutputs

FRACTIONS = ("difficulty", "confidence")
"""Outputs that lie between 0 and 1."""

ROUNDING = 0.01
"""How far beyond 0 and 1 a file of integers may lie."""


class NotNumbers(RunError, ValueError):
    """The outputs for one image are no numbers; those for others may be."""


def check_numbers(outputs: PixelOutputs, classes: int, absent: np.ndarray | None = None) -> None:
    """Raises NotNumbers for a `mask` of other ids than those of the classes, and for NaN or infinity.

    A logit that is no number makes all classes of a pixel unequal to the largest, which gives an id of no class.
    absent: (H, W) bool, pixels that may be void; None: there are none.
    """
    mask = outputs.get("mask")
    if mask is not None and mask.max(initial=0) >= classes:
        wrong = mask >= classes
        if (wrong if absent is None else wrong & ~absent).any():
            raise _not_numbers()
    for x in (outputs[name] for name in FRACTIONS if name in outputs):
        if not (x.min(initial=0) >= -ROUNDING and x.max(initial=0) <= 1 + ROUNDING):  # NaN is neither
            raise _not_numbers()


def _not_numbers() -> NotNumbers:
    return NotNumbers(
        "its probabilities are no numbers (the network's training has diverged, or its precision is too low)"
    )
