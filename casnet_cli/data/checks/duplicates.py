"""Images that are there twice: the same bytes, or the same picture but for its size or compression."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.data.checks.sample_facts import SampleFacts

NEAR = 10.0
"""Root mean square difference of two thumbnails, in 0..255, up to which two images count as one picture.

Copies that were compressed or scaled again differ by less than 1, views of one place from nearly one spot and frames of
one film by up to 10; of other pictures none came as close among the 3,403 of SIFT Flow and Stanford Background.
"""

OF_CONTRAST = 0.2
"""The difference must also be less than this part of the thumbnails' own standard deviation: flat ones say nothing."""

BLOCK = 512


@dataclass(frozen=True)
class DuplicatePair:
    """Two images, in the order of the file. difference: 0 for the same bytes, else that of their thumbnails."""

    first: SampleFacts
    second: SampleFacts
    difference: float


def identical_pairs(seen: Sequence[SampleFacts]) -> list[DuplicatePair]:
    """Each image with the first one of the same bytes."""
    groups: dict[bytes, list[SampleFacts]] = defaultdict(list)
    for one in seen:
        groups[one.digests[0]].append(one)
    return [DuplicatePair(group[0], other, 0.0) for group in groups.values() for other in group[1:]]


def near_identical_pairs(seen: Sequence[SampleFacts]) -> list[DuplicatePair]:
    """All pairs of different bytes whose thumbnails differ by at most `NEAR` and by less than `OF_CONTRAST` says.

    Every image is compared with every other, as products of matrices.
    """
    if not seen:
        return []
    thumbs = np.stack([one.thumb for one in seen]).reshape(len(seen), -1).astype(np.float32)
    limits = np.minimum(NEAR, OF_CONTRAST * thumbs.std(axis=1))
    return [
        DuplicatePair(seen[row], seen[column], difference)
        for row, column, difference in _close(thumbs, limits)
        if seen[row].digests[0] != seen[column].digests[0]
    ]


def _close(thumbs: np.ndarray, limits: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Row, column > row and difference of what is closer than the limits of both. thumbs: (N, D). limits: (N,)."""
    length = (thumbs**2).sum(axis=1)
    rounding = 1e-5 * length.max()
    for start in range(0, len(thumbs), BLOCK):
        block = thumbs[start : start + BLOCK]
        # ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b, in place: there are as many of these as pairs of images.
        squares = block @ thumbs[start:].T
        squares *= -2
        squares += length[start : start + BLOCK, None]
        squares += length[start:]
        squares -= limits[start:] ** 2 * thumbs.shape[1] + rounding
        for row, column in zip(*np.nonzero(squares <= 0), strict=True):
            if column > row:
                difference = float(np.sqrt(((thumbs[start + row] - thumbs[start + column]) ** 2).mean()))
                if difference < min(limits[start + row], limits[start + column]):
                    yield start + int(row), start + int(column), difference
