"""Accuracy of the pixels above a confidence, counted by hand."""

import numpy as np
import pytest

from casnet_cli.evaluation.calibration import selective, threshold_for

# The surer the first class, the more of its pixels are right; the last two are as sure as each other.
CONFIDENCE = np.array([0.9, 0.6, 0.8, 0.7, 0.7])
TRUTH = np.array([0, 1, 0, 1, 0])
POINTS = [(0.0, 1.0, 3 / 5), (0.7, 4 / 5, 3 / 4), (0.8, 2 / 5, 1.0), (0.9, 1 / 5, 1.0)]


def samples(confidence: np.ndarray = CONFIDENCE, truth: np.ndarray = TRUTH) -> list[tuple[np.ndarray, np.ndarray]]:
    """Log-probabilities of two classes, and the truth, as of two images."""
    scores = np.log(np.stack([confidence, 1 - confidence], 1))
    return [(scores[:2], truth[:2]), (scores[2:], truth[2:])]


def test_all_pixels_as_sure_as_a_threshold_count_at_it() -> None:
    np.testing.assert_allclose(selective(samples(), None), POINTS)


def test_what_is_promised_holds_of_the_pixels_that_reach_the_threshold() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.integers(51, 100, 3000) / 100  # many ties
    truth = (rng.random(3000) > confidence).astype(int)
    scores, thresholds = np.log(np.stack([confidence, 1 - confidence], 1)), []
    for threshold, share, accuracy in selective([(scores, truth)], None):
        reached = np.exp(scores.max(1)) >= threshold - 1e-12
        assert share == pytest.approx(reached.mean()) and accuracy == pytest.approx((truth == 0)[reached].mean())
        thresholds.append(threshold)
    assert thresholds == sorted(thresholds) and thresholds[0] == 0


def test_the_temperature_moves_thresholds_and_no_accuracy() -> None:
    odds = (CONFIDENCE / (1 - CONFIDENCE)) ** 2
    cooled = dict(zip(CONFIDENCE.tolist(), (odds / (1 + odds)).tolist(), strict=True)) | {0.0: 0.0}
    expected = [(cooled[threshold], *rest) for threshold, *rest in POINTS]
    np.testing.assert_allclose(selective(samples(), 0.5), expected)


def test_many_pixels_give_about_a_hundred_thresholds() -> None:
    confidence = np.linspace(0.999, 0.501, 5000)
    points = selective([(np.log(np.stack([confidence, 1 - confidence], 1)), np.zeros(5000, int))], None)
    assert 95 <= len(points) <= 100 and points[0] == (0.0, 1.0, 1.0) and points[-1][1] == 1 / 5000


def test_one_pixel_and_none() -> None:
    assert selective(samples(np.array([0.9]), np.array([0])), None) == [(0.0, 1.0, 1.0)]
    assert selective([], None) == []


@pytest.mark.parametrize(
    ("accuracy", "expected"), [(0, 0), (0.6, 0), (0.61, 1), (0.75, 1), (0.76, 2), (1, 2), (1.01, None)]
)
def test_the_threshold_that_keeps_most(accuracy: float, expected: int | None) -> None:
    assert threshold_for(POINTS, accuracy) == (None if expected is None else POINTS[expected])


def test_accuracies_that_do_not_rise() -> None:
    points = [(0.0, 1.0, 0.7), (0.5, 0.6, 0.9), (0.6, 0.4, 0.8), (0.7, 0.1, 0.95)]
    assert threshold_for(points, 0.85) == points[1] and threshold_for(points, 0.92) == points[3]
    assert threshold_for([], 0.5) is None
