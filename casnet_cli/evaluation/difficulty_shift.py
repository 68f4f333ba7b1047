"""Whether images are clearly harder for a network than those it was validated on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CHANCE, SIGMAS = 0.65, 3.0
"""Both must be reached for a warning: the size of the effect, and its distance from accident."""


@dataclass(frozen=True)
class DifficultyShift:
    """The Mann-Whitney test of the images of a folder against those of validation."""

    chance: float
    """Chance that an image of the folder is more difficult than one of validation, ties half; 0.5: alike."""
    sigmas: float
    """Distance of `chance` from 0.5 in standard deviations (normal approximation, no correction for ties)."""

    @property
    def harder(self) -> bool:
        """Whether a warning is due."""
        return self.chance >= CHANCE and self.sigmas >= SIGMAS


def difficulty_shift(folder: Sequence[float], validation: Sequence[float]) -> DifficultyShift | None:
    """Compare the mean difficulties of images, 0..1; None if one side has none."""
    pairs = len(folder) * len(validation)
    if not pairs:
        return None
    known = np.sort(validation)
    # U, counted here: the import of scipy.stats takes longer than the prediction of a picture.
    below = (np.searchsorted(known, folder, side) for side in ("left", "right"))
    chance = float(sum(count.sum() for count in below)) / 2 / pairs
    spread = np.sqrt((len(folder) + len(validation) + 1) / (12 * pairs))
    return DifficultyShift(chance, float((chance - 0.5) / spread))
