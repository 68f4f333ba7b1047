"""How well a score separates wrong pixels from right ones, by counts whose size is fixed."""

from dataclasses import dataclass, field

import numpy as np

SHIFT = 14
"""Bits dropped from a float32: scores of one bin differ by less than 0.2 %, however near to zero they are."""

SCORE_BINS = int(np.float32(2.0).view(np.uint32) >> SHIFT)
"""Bins of scores 0 ≤ s < 2."""


def bins(scores: np.ndarray) -> np.ndarray:
    """(N,) float32 0 ≤ s < 2 → (N,) int64 bins in the order of the scores: positive floats are ordered as integers."""
    return (np.maximum(scores, 0, dtype=np.float32).view(np.uint32) >> SHIFT).astype(np.int64)


@dataclass
class ErrorDetection:
    """Counts of each bin of a score that should be high where a pixel is wrong, (BINS,) each."""

    right: np.ndarray = field(default_factory=lambda: np.zeros(SCORE_BINS, np.int64))
    """Right pixels."""
    wrong: np.ndarray = field(default_factory=lambda: np.zeros(SCORE_BINS, np.int64))
    """Wrong pixels."""

    def add(self, scores: np.ndarray, wrong: np.ndarray) -> None:
        """Count pixels. scores: (N,) float32. wrong: (N,) bool."""
        counts = np.bincount(2 * bins(scores) + wrong, minlength=2 * SCORE_BINS).reshape(SCORE_BINS, 2)
        self.right += counts[:, 0]
        self.wrong += counts[:, 1]

    @property
    def base_rate(self) -> float | None:
        """The share of wrong pixels, which is the average precision of a score that knows nothing."""
        total = int(self.right.sum() + self.wrong.sum())
        return int(self.wrong.sum()) / total if total else None

    def auroc(self) -> float | None:
        """The chance that a wrong pixel has a higher score than a right one, ties half; None without one of each."""
        right, wrong = int(self.right.sum()), int(self.wrong.sum())
        if not right or not wrong:
            return None
        below = np.cumsum(self.right) - self.right
        return float((self.wrong * (below + self.right / 2)).sum() / (right * wrong))

    def average_precision(self) -> float | None:
        """Σ (recall − the recall before) · precision over falling thresholds; None without a wrong pixel."""
        found, taken = np.cumsum(self.wrong[::-1]), np.cumsum((self.right + self.wrong)[::-1])
        if not found[-1]:
            return None
        precision = found / np.maximum(1, taken)
        return float((np.diff(found, prepend=0) * precision).sum() / found[-1])

    def risk_coverage(self) -> tuple[np.ndarray, np.ndarray]:
        """Coverage rising to 1, and the risk: the share of wrong pixels among those of the lowest scores.

        One point a bin that has pixels (Geifman and El-Yaniv, 2017).
        """
        taken = self.right + self.wrong
        kept = taken > 0
        total, errors = np.cumsum(taken[kept]), np.cumsum(self.wrong[kept])
        return total / max(1, total[-1] if len(total) else 0), errors / np.maximum(1, total)

    def aurc(self) -> float | None:
        """The mean risk over all coverages, pixels of one bin in random order; None without pixels."""
        taken = self.right + self.wrong
        kept = taken > 0
        if not kept.any():
            return None
        taken, wrong = taken[kept].astype(np.float64), self.wrong[kept].astype(np.float64)
        before, errors = np.cumsum(taken) - taken, np.cumsum(wrong) - wrong
        # Within a bin the risk at n pixels is (errors + rate · (n − before)) / n; its sum over n by 1/n ≈ log.
        rate = wrong / taken
        logs = np.log((before + taken + 0.5) / (before + 0.5))
        return float((rate * taken + (errors - rate * before) * logs).sum() / taken.sum())

    def coverage_at(self, accuracy: float) -> float | None:
        """The largest share of pixels, those of the lowest scores, of which so many are right; None without pixels."""
        coverage, risk = self.risk_coverage()
        if not len(coverage):
            return None
        enough = coverage[risk <= 1 - accuracy]
        return float(enough[-1]) if len(enough) else 0.0

    def by_quantile(self, parts: int) -> list[tuple[int, int]]:
        """Pixels and wrong pixels of each of `parts` equal parts of the pixels, from the lowest scores to the highest.

        A bin on the border of two parts is shared out in proportion.
        """
        taken = np.concatenate([[0], np.cumsum(self.right + self.wrong)])
        errors = np.concatenate([[0], np.cumsum(self.wrong)])
        cuts = np.linspace(0, taken[-1], parts + 1)
        pixels, wrong = np.diff(np.rint(cuts)), np.diff(np.rint(np.interp(cuts, taken, errors)))
        return [(int(own), int(bad)) for own, bad in zip(pixels, wrong, strict=True)]
