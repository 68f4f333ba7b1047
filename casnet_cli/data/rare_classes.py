"""Classes of few pixels: which these are, and crops that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.data.store import Subset

LARGEST_SHARE = 0.05
"""A class of more of the labelled pixels is not rare,"""
OF_EQUAL_SHARE = 0.25
"""nor one that has more than so much of 1 / K, its share if all K classes were alike."""


def rare_classes(pixels: Sequence[int]) -> list[int]:
    """Ids of the rare classes, the rarest first, none without a pixel. pixels: (K,) labelled pixels of each class."""
    counts = np.asarray(pixels, np.float64)
    bound = min(LARGEST_SHARE, OF_EQUAL_SHARE / len(counts)) * counts.sum()
    return [int(k) for k in np.argsort(counts, kind="stable") if 0 < counts[k] < bound]


@dataclass(frozen=True)
class ClassCrops:
    """Chooses some crops by the class that they are to hold."""

    share: float
    """Share of the crops that are chosen so."""
    holders: dict[int, np.ndarray]
    """Places in the training images of those that show a rare class, for each of these classes."""

    @classmethod
    def of(cls, images: Subset, share: float) -> "ClassCrops":
        """The crops of training images: of their rare classes, or of the rarest where none is rare.

        Raises DataError if the data do not say which pictures show which class.
        """
        pixels = images.class_pixels()
        total = pixels.sum(0)
        rarest = [int(k) for k in np.argsort(total, kind="stable") if total[k]][:1]
        return cls(share, {k: np.flatnonzero(pixels[:, k]) for k in rare_classes(total) or rarest})

    def draw(self, place: int, rng: np.random.Generator) -> tuple[int, int | None]:
        """For the picture at a place: the place of the one to crop instead, and the class to hold; itself and None."""
        if rng.random() >= self.share:
            return place, None
        held = int(rng.choice(list(self.holders)))
        return int(rng.choice(self.holders[held])), held
