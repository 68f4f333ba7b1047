"""Counting truth against prediction, and the figures that follow from the counts alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.labels import VOID

METRIC_NAMES = ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou")


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64, rows = truth, columns = prediction, over the labelled pixels of two equal-shaped id arrays."""
    known = truth != VOID
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Metrics:
    """Fractions, one of each leading index of the counts. Class means go over the classes that occur in the truth.

    accuracy: (..., K) recall of each class; iou: (..., K) intersection over union; nan where the truth lacks the class,
    and everywhere where nothing is labelled.
    """

    pixel_accuracy: np.ndarray
    class_accuracy: np.ndarray
    mean_iou: np.ndarray
    frequency_weighted_iou: np.ndarray
    accuracy: np.ndarray
    iou: np.ndarray

    def summary(self) -> dict[str, float | None]:
        """The four figures of a single set of counts by name; None where there was no labelled pixel."""
        values = {key: float(getattr(self, key)) for key in METRIC_NAMES}
        return {key: None if np.isnan(value) else value for key, value in values.items()}


@dataclass(frozen=True)
class Counts:
    """Labelled pixels of each class, (..., K) each: said rightly, in the truth, and claimed by the answer.

    The leading indices may be images, or resamples of them; counts of several images add up.
    """

    correct: np.ndarray
    truth: np.ndarray
    claimed: np.ndarray

    def metrics(self) -> Metrics:
        """As defined by Long et al. 2015, section 5."""
        correct, truth, claimed = (np.asarray(part, np.float64) for part in (self.correct, self.truth, self.claimed))
        present, total = truth > 0, truth.sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracy = np.where(present, correct / truth, np.nan)
            iou = np.where(present, correct / (truth + claimed - correct), np.nan)
            kinds = present.sum(-1)
            return Metrics(
                correct.sum(-1) / total,
                np.nansum(accuracy, -1) / kinds,
                np.nansum(iou, -1) / kinds,
                np.nansum(truth * iou, -1) / total,
                accuracy,
                iou,
            )


def counts_of(matrix: np.ndarray) -> Counts:
    """From a confusion matrix (..., K, K), rows = truth."""
    return Counts(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1), matrix.sum(-2))


def stacked(counts: Sequence[Counts], classes: int) -> Counts:
    """(N, K) of N images, (K,) each."""
    parts = zip(*((own.correct, own.truth, own.claimed) for own in counts), strict=True)
    arrays = [np.stack(part) for part in parts] or [np.zeros((0, classes), np.int64)] * 3
    return Counts(*arrays)


def metrics_of(matrix: np.ndarray) -> Metrics:
    """The figures of a confusion matrix (..., K, K), rows = truth."""
    return counts_of(matrix).metrics()
