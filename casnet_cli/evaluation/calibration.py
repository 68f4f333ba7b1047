"""Whether probabilities mean what they say: expected calibration error, and the temperature that mends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special

from casnet_cli.labels import VOID

BINS = 15
"""As Guo et al. 2017."""

PIXELS = 200_000
"""Pixels that a temperature is fitted on, of all images together."""

COLDEST, HOTTEST = 0.05, 20.0


@dataclass
class Calibration:
    """Pixels, their summed confidence, and the right ones, of each of `BINS` equally wide bins of confidence."""

    pixels: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    right: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, confidence: np.ndarray, right: np.ndarray) -> None:
        """confidence: (N,) 0..1. right: (N,) bool."""
        place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        self.pixels += np.bincount(place, minlength=BINS)
        self.confidence += np.bincount(place, weights=confidence, minlength=BINS)
        self.right += np.bincount(place, weights=right, minlength=BINS).astype(np.int64)

    def error(self) -> float | None:
        """Σ n_b / n · |accuracy − mean confidence| over the bins (Guo et al. 2017, eq. 3); None without pixels."""
        total = self.pixels.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else None


def generator(place: int) -> np.random.Generator:
    """Of the pixels of the image at that place: the same in every call."""
    return np.random.default_rng([0, place])


def chosen_pixels(label: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Flat positions of at most `most` labelled pixels of (H, W) ids, drawn without replacement."""
    known = np.flatnonzero(label.ravel() != VOID)
    return known if len(known) <= most else rng.choice(known, most, replace=False)


def fit_temperature(samples: Iterable[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """T > 0 that minimizes the negative log-likelihood of softmax(log p / T) (Guo et al. 2017, section 4.2).

    samples: log-probabilities (N, K) and class ids (N,) of labelled pixels. None without pixels, or if the answers are
    so right or so wrong that no T in 0.05..20 is best.
    """
    parts = list(samples)
    scores = np.concatenate([scores for scores, _ in parts]).astype(np.float64) if parts else np.zeros((0, 1))
    truth = np.concatenate([truth for _, truth in parts]).astype(np.int64) if parts else np.zeros(0, np.int64)
    if not len(truth):
        return None

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float((special.logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]).mean())

    bounds = np.log(COLDEST), np.log(HOTTEST)
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    # Answers that are all right want an ever colder one; the loss is then as low at the bound.
    inside = found.fun < min(map(loss, bounds)) - 1e-9
    return round(float(np.exp(found.x)), 4) if inside else None
