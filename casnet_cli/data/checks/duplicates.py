"""Images that occur twice: of the same bytes, or of the same content in another size or compression."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.data.checks.sample_facts import SampleFacts

NEAR = 10.0
"""Root mean square difference of two thumbnails, in 0..255, up to which two images count as near-identical.

Copies that were compressed or scaled again differ by less than 1, views of one place from nearly one spot and frames of
one film by up to 10; no other images came as close among the 3,403 of SIFT Flow and Stanford Background.
"""

OF_CONTRAST = 0.2
"""The difference must also be less than this share of the thumbnails' own standard deviation, as flat images differ
little from each other."""

BLOCK = 512
"""Rows of thumbnails compared at once; bounds the memory."""


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that are the same or nearly so."""

    first: SampleFacts
    """The one that comes first in the data set."""
    second: SampleFacts
    """The other one."""
    difference: float
    """0 for the same bytes, else the root mean square difference of the thumbnails."""


def identical_pairs(samples: Sequence[SampleFacts]) -> list[DuplicatePair]:
    """Each image with the first one that has the same bytes."""
    groups: dict[bytes, list[SampleFacts]] = defaultdict(list)
    for sample in samples:
        groups[sample.digests[0]].append(sample)
    return [DuplicatePair(group[0], other, 0.0) for group in groups.values() for other in group[1:]]


def near_identical_pairs(samples: Sequence[SampleFacts]) -> list[DuplicatePair]:
    """All pairs of different bytes whose thumbnails differ by less than `NEAR` and `OF_CONTRAST` allow.

    Every image is compared with every other, as products of matrices.
    """
    if not samples:
        return []
    thumbnails = np.stack([sample.thumbnail for sample in samples]).reshape(len(samples), -1).astype(np.float32)
    limits = np.minimum(NEAR, OF_CONTRAST * thumbnails.std(axis=1))
    return [
        DuplicatePair(samples[row], samples[column], difference)
        for row, column, difference in _close(thumbnails, limits)
        if samples[row].digests[0] != samples[column].digests[0]
    ]


def _close(thumbnails: np.ndarray, limits: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Row, column > row, and difference of each pair that is closer than the limits of both.

    thumbnails: (N, D) float32. limits: (N,).
    """
    length = (thumbnails**2).sum(axis=1)
    rounding = 1e-5 * length.max()
    for start in range(0, len(thumbnails), BLOCK):
        block = thumbnails[start : start + BLOCK]
        # ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b, in place: there are as many of these as pairs of images.
        squares = block @ thumbnails[start:].T
        squares *= -2
        squares += length[start : start + BLOCK, None]
        squares += length[start:]
        squares -= limits[start:] ** 2 * thumbnails.shape[1] + rounding
        for row, column in zip(*np.nonzero(squares <= 0), strict=True):
            if column > row:
                difference = float(np.sqrt(((thumbnails[start + row] - thumbnails[start + column]) ** 2).mean()))
                if difference < min(limits[start + row], limits[start + column]):
                    yield start + int(row), start + int(column), difference
