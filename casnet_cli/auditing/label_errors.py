"""Regions of an image that are easy for a network, and where it is sure of another class than the label."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from casnet_cli.labels import VOID

UNLIKELY, EASY = 0.1, 0.4
"""Largest probability of the label, and largest difficulty, of a pixel that is suspect."""

FLOOR = 1e-4
"""Least probability; lower ones count as this."""

LEAST, MOST = 1 / 1000, 30
"""Least share of an image's pixels that a region has, and most regions that are listed of one image."""

SLIVER = 0.04
"""Share of the image's shorter side: a region that is nowhere thicker concerns the course of a boundary."""

OBJECT, BOUNDARY = "object", "boundary"
"""Kinds of regions."""


@dataclass(frozen=True)
class Suspect:
    """A connected region of one label and one proposal."""

    kind: str
    """`object`, or `boundary` for a thin one."""
    label: int
    """Class id of the label."""
    proposal: int
    """Class id that the network proposes."""
    x: int
    """First column of its box."""
    y: int
    """First row of its box."""
    pixels: int
    """Its size."""
    confidence: float
    """1 − the geometric mean of the label's probability, 0..1."""
    difficulty: float
    """Mean difficulty, 0..1."""
    score: float
    """Mean suspicion · (share of the image's pixels)^¼."""
    inside: np.ndarray
    """(height, width) bool: its pixels in its box."""

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of its box."""
        height, width = self.inside.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)


def suspicion(p: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(H, W) nats: − log p of the label, at most 9.2; 0 where the label is void.

    p (K, H, W): probabilities of the fused output (eq. 8), 0..1.
    """
    known = label != VOID
    own = np.take_along_axis(p, np.where(known, label, 0)[None].astype(np.intp), 0)[0]
    return np.where(known, -np.log(np.maximum(own, FLOOR)), 0.0)


def contradicted(surprisal: np.ndarray, label: np.ndarray, proposal: np.ndarray, difficulty: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that are easy for the network, with an unlikely label and another proposal.

    surprisal: `suspicion`, nats. difficulty 0..1: 1 − p_a, or the output's entropy / log K.
    """
    return (surprisal >= -np.log(UNLIKELY)) & (difficulty <= EASY) & (proposal != label)


def suspects(p: np.ndarray, label: np.ndarray, proposal: np.ndarray, difficulty: np.ndarray) -> list[Suspect]:
    """The regions of one image, the most suspicious first. proposal (H, W): the class of the largest probability."""
    surprisal = suspicion(p, label)
    return ranked(surprisal, contradicted(surprisal, label, proposal, difficulty), label, proposal, difficulty)


def ranked(
    surprisal: np.ndarray, suspect: np.ndarray, label: np.ndarray, proposal: np.ndarray, difficulty: np.ndarray
) -> list[Suspect]:
    """The connected regions of `suspect`, by their mean `surprisal` in nats; all (H, W)."""
    return sorted(_regions(surprisal, suspect, label, proposal, difficulty), key=lambda region: -region.score)[:MOST]


def _regions(
    surprisal: np.ndarray, suspect: np.ndarray, label: np.ndarray, proposal: np.ndarray, difficulty: np.ndarray
) -> Iterator[Suspect]:
    pairs = label.astype(np.int64) * 256 + proposal
    for pair in np.unique(pairs[suspect]):
        regions, _ = ndimage.label(suspect & (pairs == pair), np.ones((3, 3)))
        for number, box in enumerate(ndimage.find_objects(regions), 1):
            inside = regions[box] == number
            pixels = int(inside.sum())
            if pixels < LEAST * label.size:
                continue
            mean = float(surprisal[box][inside].mean())
            yield Suspect(
                _kind(inside, min(label.shape)),
                int(pair // 256),
                int(pair % 256),
                box[1].start,
                box[0].start,
                pixels,
                1 - float(np.exp(-mean)),
                float(difficulty[box][inside].mean()),
                mean * (pixels / label.size) ** 0.25,
                inside,
            )


def _kind(inside: np.ndarray, side: int) -> str:
    """By its thickness, twice the largest distance of a pixel to the outside."""
    thickness = 2 * ndimage.distance_transform_edt(np.pad(inside, 1)).max() - 1
    return BOUNDARY if thickness <= SLIVER * side else OBJECT
