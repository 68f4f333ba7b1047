"""Outputs for pixels, against NumPy float64 written from the definitions."""

import numpy as np
import pytest

from casnet_cli.inference.outputs import BRANCHES, MASK, evaluation_outputs
from casnet_cli.inference.pixel_outputs import (
    argmax_classes,
    calibrated,
    entropy,
    pixel_function,
    uncertainty_scores,
)

CLASSES = 5


@pytest.fixture
def p() -> np.ndarray:
    """(K, H, W), some classes tied."""
    scores = np.random.default_rng(0).normal(size=(CLASSES, 30, 40)) * 4
    scores[1, :, :5] = scores[3, :, :5] = 20
    p = np.exp(scores)
    return (p / p.sum(0)).astype(np.float32)


def test_uncertainty_scores_follow_their_definitions_ties_included(p: np.ndarray) -> None:
    found, ordered = uncertainty_scores(p), np.sort(p.astype(np.float64), axis=0)
    np.testing.assert_allclose(found["max_softmax"], 1 - ordered[-1], atol=1e-6)
    np.testing.assert_allclose(found["margin"], 1 - (ordered[-1] - ordered[-2]), atol=1e-6)
    np.testing.assert_allclose(found["entropy"], -(ordered * np.log(ordered)).sum(0) / np.log(CLASSES), atol=1e-6)


def test_the_class_is_the_first_of_the_largest(p: np.ndarray) -> None:
    np.testing.assert_array_equal(argmax_classes(p), p.argmax(0))
    assert (np.asarray(argmax_classes(p))[:, :5] == 1).all()


def test_calibrated_is_the_largest_of_the_cooled_softmax(p: np.ndarray) -> None:
    cooled = np.exp(np.log(p.astype(np.float64)) / 1.7)
    np.testing.assert_allclose(calibrated(p, 1.7), (cooled / cooled.sum(0)).max(0), atol=1e-6)
    assert np.isfinite(np.asarray(calibrated(np.float32([[[1.0]], [[0.0]]]), 2.0))).all()


def test_a_single_class_has_no_entropy() -> None:
    assert not np.asarray(entropy(np.ones((1, 3, 3), np.float32))).any()


def test_difficulty_is_attention_or_entropy(p: np.ndarray) -> None:
    hard = np.full(p.shape[1:], 0.25, np.float32)
    np.testing.assert_array_equal(
        pixel_function(MASK, ("coarse", "attention", "fine"))({"fused": p, "difficult": hard})["difficulty"], hard
    )
    np.testing.assert_allclose(pixel_function(MASK, ("coarse",))({"fused": p})["difficulty"], entropy(p))


def test_evaluation_outputs_have_the_branches_that_there_are(p: np.ndarray) -> None:
    found = pixel_function(evaluation_outputs(1.7), ("coarse",))({"fused": p, "coarse": p[::-1]})
    np.testing.assert_array_equal(found["coarse"], p[::-1].argmax(0))
    np.testing.assert_allclose(found["coarse_margin"], found["final_margin"], atol=1e-6)
    np.testing.assert_allclose(found["calibrated"], calibrated(p, 1.7))
    assert "fine" not in found and "calibrated" not in evaluation_outputs(None).of(("coarse",))
    assert "coarse_entropy" not in BRANCHES.of(("coarse",))
