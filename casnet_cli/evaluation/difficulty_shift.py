"""Whether images are clearly harder to a network than those it was validated on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CHANCE, SIGMAS = 0.65, 3.0
"""Both must be exceeded for a warning: the effect, and how far it is from accident."""


@dataclass(frozen=True)
class DifficultyShift:
    """chance: that an image of the folder is more difficult than one of validation, 0.5 if they are alike. sigmas: of
    the Mann-Whitney test (normal approximation, no correction for ties) from 0.5."""

    chance: float
    sigmas: float

    @property
    def harder(self) -> bool:
        return self.chance >= CHANCE and self.sigmas >= SIGMAS


def difficulty_shift(folder: Sequence[float], validation: Sequence[float]) -> DifficultyShift | None:
    """Mean difficulties of the images of each; None if one of them has none."""
    ours, theirs = np.asarray(folder, np.float64), np.sort(np.asarray(validation, np.float64))
    if not len(ours) or not len(theirs):
        return None
    below = np.searchsorted(theirs, ours, "left") + np.searchsorted(theirs, ours, "right")
    chance = float(below.sum() / 2 / (len(ours) * len(theirs)))
    spread = np.sqrt((len(ours) + len(theirs) + 1) / (12 * len(ours) * len(theirs)))
    return DifficultyShift(chance, float((chance - 0.5) / spread))
