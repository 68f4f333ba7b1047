"""A confusion matrix and its metrics, counted by hand."""

import numpy as np
import pytest

from casnet_cli.evaluation.confusion import confusion, metrics_of
from casnet_cli.labels import VOID


def test_a_matrix_counted_by_hand() -> None:
    truth = np.array([[0, 0, 1], [1, 2, VOID]])
    predicted = np.array([[0, 1, 1], [1, 0, 2]])
    matrix = confusion(truth, predicted, 3)
    np.testing.assert_array_equal(matrix, [[1, 1, 0], [0, 2, 0], [1, 0, 0]])
    found = metrics_of(matrix)
    assert found.pixel_accuracy == pytest.approx(3 / 5)
    assert found.class_accuracy == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found.mean_iou == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)
    assert found.frequency_weighted_iou == pytest.approx(2 / 5 * 1 / 3 + 2 / 5 * 2 / 3)
