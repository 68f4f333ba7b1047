"""How well borders between classes are found: boundary IoU and boundary F1."""

from dataclasses import dataclass, field

import numpy as np

from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID

WIDTH = 3
"""Pixels on either side of a border that belong to it, by rows and columns (chessboard distance)."""

WORD = 64
"""Bits of a word: classes that share one."""


def sets_of(label: np.ndarray, classes: int) -> np.ndarray:
    """(H, W) ids → (words, H, W) uint64: the class of each pixel as a set of one bit; void is the empty set."""
    words = -(-classes // WORD)
    found = np.zeros((words, *label.shape), np.uint64)
    for word in range(words):
        ids = np.arange(256)
        own = (ids // WORD == word) & (ids < classes)
        bits = np.where(own, np.uint64(1) << (ids % WORD).astype(np.uint64), np.uint64(0))
        found[word] = bits[label]
    return found


def spread(sets: np.ndarray, width: int) -> np.ndarray:
    """The union of the sets within `width` pixels by rows and columns; the edge of the image adds nothing."""
    for axis in (-2, -1):
        moved = sets.copy()
        for distance in range(1, width + 1):
            ahead = [slice(None)] * sets.ndim
            behind = list(ahead)
            ahead[axis], behind[axis] = slice(distance, None), slice(None, -distance)
            moved[tuple(behind)] |= sets[tuple(ahead)]
            moved[tuple(ahead)] |= sets[tuple(behind)]
        sets = moved
    return sets


def band(sets: np.ndarray, width: int) -> np.ndarray:
    """(H, W) bool: labelled pixels with another class within `width`."""
    return ((spread(sets, width) & ~sets) != 0).any(axis=0) & (sets != 0).any(axis=0)


@dataclass
class Boundary:
    """Pixels of each class near borders, (K,) each. A band is `WIDTH` wide on either side of a border."""

    classes: int
    """Number of classes."""
    both: np.ndarray = field(init=False)
    """In the bands of truth and mask, with the same class."""
    truth: np.ndarray = field(init=False)
    """In the band of the truth."""
    claimed: np.ndarray = field(init=False)
    """In the band of the mask."""
    met: np.ndarray = field(init=False)
    """On a border of the truth, with one of the same class in the mask within `WIDTH`."""
    border: np.ndarray = field(init=False)
    """On a border of the truth."""
    claimed_met: np.ndarray = field(init=False)
    """On a border of the mask, with one of the same class in the truth within `WIDTH`."""
    claimed_border: np.ndarray = field(init=False)
    """On a border of the mask."""

    def __post_init__(self) -> None:
        for name in ("both", "truth", "claimed", "met", "border", "claimed_met", "claimed_border"):
            setattr(self, name, np.zeros(self.classes, np.int64))

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image, (H, W) ids each. Where the truth is void neither has a border."""
        mask = outputs["mask"]
        ours, theirs = sets_of(truth, self.classes), sets_of(np.where(truth == VOID, VOID, mask), self.classes)
        in_truth, in_mask = band(ours, WIDTH), band(theirs, WIDTH)
        self.both += self._count(truth, in_truth & in_mask & (truth == mask))
        self.truth += self._count(truth, in_truth)
        self.claimed += self._count(mask, in_mask)
        edge, claimed = band(ours, 1), band(theirs, 1)
        near_claimed = spread(np.where(claimed, theirs, 0), WIDTH)
        near_edge = spread(np.where(edge, ours, 0), WIDTH)
        self.border += self._count(truth, edge)
        self.met += self._count(truth, edge & ((ours & near_claimed) != 0).any(axis=0))
        self.claimed_border += self._count(mask, claimed)
        self.claimed_met += self._count(mask, claimed & ((theirs & near_edge) != 0).any(axis=0))

    def _count(self, ids: np.ndarray, where: np.ndarray) -> np.ndarray:
        return np.bincount(ids[where], minlength=self.classes)[: self.classes]

    def iou(self) -> float | None:
        """Boundary IoU (Cheng et al. 2021): the mean over classes with a border in the truth; the image's edge is no
        border. None without any."""
        present = self.truth > 0
        union = self.truth + self.claimed - self.both
        return float((self.both[present] / union[present]).mean()) if present.any() else None

    def f1(self) -> float | None:
        """Boundary F1 (Csurka et al. 2013): 2 P R / (P + R) of border pixels with a border of the same class within
        `WIDTH`, counted over all images; the mean over classes with a border in the truth. None without any."""
        present = self.border > 0
        with np.errstate(invalid="ignore"):
            precision = np.where(self.claimed_border > 0, self.claimed_met / np.maximum(1, self.claimed_border), 0)
            recall = self.met / np.maximum(1, self.border)
            found = np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), 0)
        return float(found[present].mean()) if present.any() else None

    def summary(self) -> dict[str, object]:
        """The key `boundary`."""
        pixels = int(self.truth.sum())
        return {"boundary": {"iou": self.iou(), "f1": self.f1(), "width_px": WIDTH, "pixels": pixels}}
