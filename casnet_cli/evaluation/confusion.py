"""Confusion matrices, and the metrics that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.labels import VOID

METRIC_NAMES = ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou")
"""The four metrics of Long et al. 2015, as keys of metrics.json."""


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64, rows = truth, columns = prediction, over the labelled pixels of two equal-shaped id arrays."""
    known = truth != VOID
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Metrics:
    """Fractions, with the leading indices of the counts; nan where nothing is labelled."""

    pixel_accuracy: np.ndarray
    """Right pixels over labelled ones, (...)."""
    class_accuracy: np.ndarray
    """Mean of `accuracy` over the classes that occur in the truth, (...)."""
    mean_iou: np.ndarray
    """Mean of `iou` over the classes that occur in the truth, (...)."""
    frequency_weighted_iou: np.ndarray
    """Mean of `iou`, weighted by the classes' shares of the truth, (...)."""
    accuracy: np.ndarray
    """Recall of each class, (..., K); nan where the truth lacks the class."""
    iou: np.ndarray
    """Intersection over union of each class, (..., K); nan where the truth lacks the class."""

    def summary(self) -> dict[str, float | None]:
        """The four metrics of a single set of counts by name; None where there is no labelled pixel."""
        values = {key: float(getattr(self, key)) for key in METRIC_NAMES}
        return {key: None if np.isnan(value) else value for key, value in values.items()}


@dataclass(frozen=True)
class Counts:
    """Labelled pixels of each class, (..., K) each. Leading indices may be images, or draws of them.

    Counts of several images add up.
    """

    correct: np.ndarray
    """Pixels of the class that are predicted as it."""
    truth: np.ndarray
    """Pixels of the class."""
    claimed: np.ndarray
    """Pixels predicted as the class."""

    def metrics(self) -> Metrics:
        """The metrics as Long et al. 2015, section 5, define them."""
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
    """The counts of a confusion matrix (..., K, K), rows = truth."""
    return Counts(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1), matrix.sum(-2))


def stacked(counts: Sequence[Counts], classes: int) -> Counts:
    """The counts of N images, (K,) each, as one, (N, K)."""
    parts = zip(*((own.correct, own.truth, own.claimed) for own in counts), strict=True)
    arrays = [np.stack(part) for part in parts] or [np.zeros((0, classes), np.int64)] * 3
    return Counts(*arrays)


def metrics_of(matrix: np.ndarray) -> Metrics:
    """The metrics of a confusion matrix (..., K, K), rows = truth."""
    return counts_of(matrix).metrics()
