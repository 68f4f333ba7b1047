"""What is read off probabilities, against NumPy float64 written from the definitions."""

import keras
import numpy as np
import pytest

from casnet_cli.inference.pixel_outputs import (
    argmax_classes,
    branch_outputs,
    calibrated,
    entropy,
    evaluation_outputs,
    mask_outputs,
    uncertainty_scores,
)
from casnet_cli.inference.postprocess import reader

CLASSES = 5


@pytest.fixture
def p() -> np.ndarray:
    """(K, H, W), some classes tied."""
    scores = np.random.default_rng(0).normal(size=(CLASSES, 30, 40)) * 4
    scores[1, :, :5] = scores[3, :, :5] = 20
    p = np.exp(scores)
    return (p / p.sum(0)).astype(np.float32)


def test_doubts_are_those_of_their_definitions_ties_included(p: np.ndarray) -> None:
    found, ordered = uncertainty_scores(p), np.sort(p.astype(np.float64), axis=0)
    np.testing.assert_allclose(found["max_softmax"], 1 - ordered[-1], atol=1e-6)
    np.testing.assert_allclose(found["margin"], 1 - (ordered[-1] - ordered[-2]), atol=1e-6)
    np.testing.assert_allclose(found["entropy"], -(ordered * np.log(ordered)).sum(0) / np.log(CLASSES), atol=1e-6)


def test_the_winner_is_the_first_of_the_largest(p: np.ndarray) -> None:
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
    np.testing.assert_array_equal(mask_outputs({"fused": p, "difficult": hard})["difficulty"], hard)
    np.testing.assert_allclose(mask_outputs({"fused": p})["difficulty"], entropy(p))


def test_measures_have_the_branches_that_there_are(p: np.ndarray) -> None:
    found = evaluation_outputs(1.7)({"fused": p, "coarse": p[::-1]})
    np.testing.assert_array_equal(found["coarse"], p[::-1].argmax(0))
    np.testing.assert_allclose(found["coarse_margin"], found["final_margin"], atol=1e-6)
    np.testing.assert_allclose(found["calibrated"], calibrated(p, 1.7))
    assert "fine" not in found and "calibrated" not in evaluation_outputs(None)({"fused": p})
    assert "coarse_entropy" not in branch_outputs({"fused": p})


def test_equation_8_on_resized_logits() -> None:
    rng = np.random.default_rng(1)
    cells = {
        name: rng.normal(size=(3, 4, count)) * 30 for name, count in (("coarse", 5), ("fine", 5), ("attention", 1))
    }
    left, right = rng.dirichlet(np.ones(3), 7), rng.dirichlet(np.ones(4), 9)
    model = reader(("coarse", "attention", "fine"), 5, lambda told: told)
    given = {name: x.astype(np.float32) for name, x in (cells | {"left": left, "right": right}).items()}
    found = {name: np.asarray(x) for name, x in model.predict_on_batch(given).items()}
    logits = {name: np.einsum("ih,jw,hwk->kij", left, right, x) for name, x in cells.items()}
    p = {name: np.exp(x - x.max(0)) / np.exp(x - x.max(0)).sum(0) for name, x in logits.items()}
    easy = 1 / (1 + np.exp(-logits["attention"][0]))
    np.testing.assert_allclose(found["coarse"], p["coarse"], atol=1e-5)
    np.testing.assert_allclose(found["difficult"], 1 - easy, atol=1e-5)
    np.testing.assert_allclose(found["fused"], easy * p["coarse"] + (1 - easy) * p["fine"], atol=1e-5)
    assert keras.config.floatx() == "float32"
