"""Whether confidence equals accuracy: expected calibration error, and the temperature that corrects it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special

from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID

CONFIDENCE_BINS = 15
"""Equally wide bins of confidence, as many as in Guo et al. 2017."""

PIXELS = 200_000
"""Pixels that a temperature is fitted on, of all images together."""

COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures that are tried."""

Samples = Iterable[tuple[np.ndarray, np.ndarray]]
"""Log-probabilities (N, K) and class ids (N,) of labelled pixels, an image each."""


@dataclass
class ReliabilityBins:
    """Counts of each bin of confidence, (`CONFIDENCE_BINS`,) each."""

    pixels: np.ndarray = field(default_factory=lambda: np.zeros(CONFIDENCE_BINS, np.int64))
    """Labelled pixels."""
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(CONFIDENCE_BINS))
    """Sum of their confidences."""
    right: np.ndarray = field(default_factory=lambda: np.zeros(CONFIDENCE_BINS, np.int64))
    """Those that are right."""

    def add(self, confidence: np.ndarray, right: np.ndarray) -> None:
        """Count pixels. confidence: (N,) 0..1. right: (N,) bool."""
        place = np.minimum((confidence * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
        self.pixels += np.bincount(place, minlength=CONFIDENCE_BINS)
        self.confidence += np.bincount(place, weights=confidence, minlength=CONFIDENCE_BINS)
        self.right += np.bincount(place, weights=right, minlength=CONFIDENCE_BINS).astype(np.int64)

    def error(self) -> float | None:
        """Σ n_b / n · |accuracy − mean confidence| over the bins (Guo et al. 2017, eq. 3); None without pixels."""
        total = self.pixels.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else None


@dataclass
class CalibrationErrors:
    """Calibration of the final output, plain and at the checkpoint's temperature."""

    temperature: float | None
    """None: the checkpoint has none."""
    plain: ReliabilityBins = field(default_factory=ReliabilityBins)
    """Of the output `confidence`."""
    calibrated: ReliabilityBins = field(default_factory=ReliabilityBins)
    """Of the output `calibrated`."""

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image. truth: (H, W) ids. outputs: (H, W) each."""
        known = truth != VOID
        right = (outputs["mask"] == truth)[known]
        self.plain.add(outputs["confidence"][known], right)
        if self.temperature:
            self.calibrated.add(outputs["calibrated"][known], right)

    def summary(self) -> dict[str, object]:
        """The key `calibration`."""
        return {
            "calibration": {
                "ece": self.plain.error(),
                "ece_calibrated": self.calibrated.error(),
                "temperature": self.temperature,
            }
        }


def generator(place: int) -> np.random.Generator:
    """The generator that draws pixels of the image at that place: the same in every call."""
    return np.random.default_rng([0, place])


def chosen_pixels(label: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Flat positions of at most `most` labelled pixels of (H, W) ids, drawn without replacement."""
    known = np.flatnonzero(label.ravel() != VOID)
    return known if len(known) <= most else rng.choice(known, most, replace=False)


def fit_temperature(samples: Samples) -> float | None:
    """T > 0 that minimizes the negative log-likelihood of softmax(log p / T) (Guo et al. 2017, section 4.2).

    None without pixels, or if so many classes are right, or wrong, that no T in 0.05..20 is best.
    """
    scores, truth = _together(samples)
    if not len(truth):
        return None

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float((special.logsumexp(scaled, axis=1) - scaled[np.arange(len(truth)), truth]).mean())

    bounds = np.log(COLDEST), np.log(HOTTEST)
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    # Where every class is right, colder is always better; the loss is then as low at the bound.
    inside = found.fun < min(map(loss, bounds)) - 1e-9
    return round(float(np.exp(found.x)), 4) if inside else None


def _together(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    parts = list(samples)
    if not parts:
        return np.zeros((0, 1)), np.zeros(0, np.int64)
    scores, truth = zip(*parts, strict=True)
    return np.concatenate(scores).astype(np.float64), np.concatenate(truth).astype(np.int64)


def selective(samples: Samples, temperature: float | None) -> list[tuple[float, float, float]]:
    """Points of selective prediction: a threshold of the calibrated largest probability, the share of the pixels that
    reach it, and the accuracy among them.

    Thresholds rise from 0, which all pixels reach, in about a hundred steps of equally many pixels; pixels of equal
    probability stay together.
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
    """The point of `selective` that keeps most pixels at that accuracy or a higher one; None if there is none."""
    return next((point for point in points if point[2] >= accuracy), None)
