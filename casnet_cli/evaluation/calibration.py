"""Whether probabilities mean what they say: expected calibration error, and the temperature that mends it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special

from casnet_cli.labels import VOID

BINS = 15
"""As Guo et al. 2017."""

PIXELS = 200_000
"""Pixels that a temperature is fitted on, of all images together."""

COLDEST, HOTTEST = 0.05, 20.0


Samples = Iterable[tuple[np.ndarray, np.ndarray]]
"""Log-probabilities (N, K) and class ids (N,) of labelled pixels, an image each."""


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


def fit_temperature(samples: Samples) -> float | None:
    """T > 0 that minimizes the negative log-likelihood of softmax(log p / T) (Guo et al. 2017, section 4.2).

    None without pixels, or if the answers are
    so right or so wrong that no T in 0.05..20 is best.
    """
    scores, truth = _together(samples)
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


def _together(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    parts = list(samples)
    if not parts:
        return np.zeros((0, 1)), np.zeros(0, np.int64)
    scores, truth = zip(*parts, strict=True)
    return np.concatenate(scores).astype(np.float64), np.concatenate(truth).astype(np.int64)


def selective(samples: Samples, temperature: float | None) -> list[tuple[float, float, float]]:
    """Threshold of the calibrated largest probability, share of the pixels that reach it, and accuracy among them.

    Thresholds rise, from 0, which all pixels reach; every hundredth pixel is one, with all that are as sure as it.
    """
    scores, truth = _together(samples)
    if not len(truth):
        return []
    scaled = scores / (temperature or 1.0)
    confidence = np.exp(scaled.max(1) - special.logsumexp(scaled, axis=1))
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum((scores.argmax(1) == truth)[order])
    confidence = confidence[order]
    chosen = np.linspace(0, len(truth) - 1, 100).round().astype(int)
    kept = np.unique(np.searchsorted(-confidence, -confidence[chosen], "right"))[::-1]
    points = [(float(confidence[count - 1]), count / len(truth), float(right[count - 1] / count)) for count in kept]
    return [(0.0, *points[0][1:]), *points[1:]]


def threshold_for(points: Sequence[tuple[float, float, float]], accuracy: float) -> tuple[float, float, float] | None:
    """Of `selective`'s the one that keeps most pixels with at least that accuracy; None if none does."""
    return next((point for point in points if point[2] >= accuracy), None)
