"""What a network says of one image, kept in a byte a pixel while it comes in block by block."""

from collections.abc import Container
from dataclasses import dataclass, field

import numpy as np

from casnet_cli.labels import VOID

NOT_SAID = np.full((1, 1), np.nan, np.float32)


@dataclass
class ImageResult:
    """mask (H, W) uint8 class ids, VOID where rejected; difficulty (H, W) uint8, 255 = surely difficult; confidence
    likewise, and probabilities (H, W, K) float16, where they were asked for. counts: (256,) pixels of each id."""

    mask: np.ndarray
    difficulty: np.ndarray
    confidence: np.ndarray | None
    probabilities: np.ndarray | None
    reject_below: float
    counts: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    _sums: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def empty(cls, size: tuple[int, ...], classes: int, reject_below: float, further: Container[str]) -> "ImageResult":
        grey = np.empty(size, np.uint8) if "confidence" in further else None
        probabilities = np.empty((*size, classes), np.float16) if "probabilities" in further else None
        return cls(np.empty(size, np.uint8), np.empty(size, np.uint8), grey, probabilities, reject_below)

    def add(self, rows: slice, columns: slice, said: dict[str, np.ndarray]) -> None:
        """A block: `mask`, `difficulty` (H, W), `confidence` (H, W) unless the network does not say it, and
        `probabilities` (K, H, W) where asked for."""
        confidence, difficulty = said.get("confidence", NOT_SAID), said["difficulty"]
        mask = said["mask"].astype(np.uint8)
        if self.reject_below:
            mask = np.where(confidence < self.reject_below, np.uint8(VOID), mask)
        self.mask[rows, columns] = mask
        self.difficulty[rows, columns] = in_bytes(difficulty)
        if self.confidence is not None:
            self.confidence[rows, columns] = in_bytes(confidence)
        if self.probabilities is not None:
            self.probabilities[rows, columns] = np.moveaxis(said["probabilities"], 0, -1)
        self.counts += np.bincount(mask.ravel(), minlength=256)
        self._sums += difficulty.sum(dtype=np.float64), confidence.sum(dtype=np.float64)

    @property
    def difficulty_mean(self) -> float:
        return float(self._sums[0] / self.mask.size)

    @property
    def confidence_mean(self) -> float | None:
        """None where it was not said."""
        return None if np.isnan(self._sums[1]) else float(self._sums[1] / self.mask.size)


def in_bytes(values: np.ndarray) -> np.ndarray:
    """0..1 → uint8 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
