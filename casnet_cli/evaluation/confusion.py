"""Counting truth against prediction, and the figures that follow from the counts alone."""

from dataclasses import dataclass

import numpy as np

from casnet_cli.labels import VOID


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) int64, rows = truth, columns = prediction, over the labelled pixels of two equal-shaped id arrays."""
    known = truth != VOID
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Figures:
    """Fractions from a confusion matrix. Class means go over the classes that occur in the truth.

    accuracy: (K,) recall of each class; iou: (K,) intersection over union; nan where the truth lacks the class.
    """

    pixel_accuracy: float
    class_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    accuracy: np.ndarray
    iou: np.ndarray

    def summary(self) -> dict[str, float | None]:
        """The four figures by name; None where there was no labelled pixel."""
        keys = ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou")
        values = {key: getattr(self, key) for key in keys}
        return {key: None if np.isnan(value) else value for key, value in values.items()}


def figures(matrix: np.ndarray) -> Figures:
    """The figures of a (K, K) confusion matrix, rows = truth (Long et al. 2015, section 5)."""
    matrix = matrix.astype(np.float64)
    correct, truth, claimed = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    present, total = truth > 0, truth.sum()
    if not total:
        nothing = np.full(len(matrix), np.nan)
        return Figures(np.nan, np.nan, np.nan, np.nan, nothing, nothing)
    accuracy = np.divide(correct, truth, out=np.full(len(matrix), np.nan), where=present)
    iou = np.divide(correct, truth + claimed - correct, out=np.full(len(matrix), np.nan), where=present)
    return Figures(
        float(correct.sum() / total),
        float(accuracy[present].mean()),
        float(iou[present].mean()),
        float((truth[present] / total * iou[present]).sum()),
        accuracy,
        iou,
    )
