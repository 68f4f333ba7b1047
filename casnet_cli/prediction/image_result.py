"""The prediction for one image, collected block by block in one or two bytes a pixel."""

from collections.abc import Container
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.labels import VOID
from casnet_cli.util.mapped_array import mapped, release

NO_CONFIDENCE = np.full((1, 1), np.nan, np.float32)
"""In place of a block's confidence where the network gives none."""


@dataclass
class ImageResult:
    """What is kept of the network's outputs for an image of H x W pixels and K classes."""

    mask: np.ndarray
    """(H, W) uint8 class ids, VOID where rejected."""
    difficulty: np.ndarray
    """(H, W) uint8, 255 = surely difficult."""
    confidence: np.ndarray | None
    """(H, W) uint8, 255 = certain; None: not needed."""
    probabilities: np.ndarray | None
    """(H, W, K) float16; None: not needed."""
    reject_below: float
    """Pixels of a lower confidence become VOID; 0: none."""
    counts: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    """(256,) pixels of each class id."""
    _sums: np.ndarray = field(default_factory=lambda: np.zeros(2))
    """Of difficulty and confidence over all pixels."""

    @classmethod
    def empty(
        cls,
        size: tuple[int, ...],
        classes: int,
        reject_below: float,
        needs: Container[str],
        on_disk: Path | None = None,
    ) -> "ImageResult":
        """For an image of that height and width. needs: see `OutputKind.needs`. on_disk: keep it in files without a
        name in that folder, not in memory; then raises OSError where there is no room."""
        make = partial(mapped, folder=on_disk) if on_disk else np.empty
        confidence = make(size, np.uint8) if "confidence" in needs else None
        probabilities = make((*size, classes), np.float16) if "probabilities" in needs else None
        return cls(make(size, np.uint8), make(size, np.uint8), confidence, probabilities, reject_below)

    def add(self, rows: slice, columns: slice, outputs: dict[str, np.ndarray]) -> None:
        """Put in a block: `mask` and `difficulty` (H, W), `confidence` (H, W) unless the network gives none, and
        `probabilities` (K, H, W) where needed."""
        confidence, difficulty = outputs.get("confidence", NO_CONFIDENCE), outputs["difficulty"]
        mask = outputs["mask"].astype(np.uint8)
        if self.reject_below:
            mask = np.where(confidence < self.reject_below, np.uint8(VOID), mask)
        self.mask[rows, columns] = mask
        self.difficulty[rows, columns] = as_bytes(difficulty)
        if self.confidence is not None:
            self.confidence[rows, columns] = as_bytes(confidence)
        if self.probabilities is not None:
            self.probabilities[rows, columns] = np.moveaxis(outputs["probabilities"], 0, -1)
        self.counts += np.bincount(mask.ravel(), minlength=256)
        self._sums += difficulty.sum(dtype=np.float64), confidence.sum(dtype=np.float64)
        for kept in (self.mask, self.difficulty, self.confidence, self.probabilities):
            if kept is not None:
                release(kept)

    @property
    def difficulty_mean(self) -> float:
        """Over all pixels, 0..1."""
        return float(self._sums[0] / self.mask.size)

    @property
    def confidence_mean(self) -> float | None:
        """Over all pixels, 0..1; None where the network gives none."""
        return None if np.isnan(self._sums[1]) else float(self._sums[1] / self.mask.size)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """0..1 → uint8 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
