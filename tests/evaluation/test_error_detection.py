"""How well a score separates wrong pixels from right ones, against scikit-learn and sorting."""

import numpy as np
import pytest
from sklearn import metrics

from casnet_cli.evaluation.error_detection import ErrorDetection


def scored(seed: int, count: int = 20000) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N,) float32, many of them near 0, and whether each is wrong, likelier where the score is high."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(0.3, 2, count).astype(np.float32)
    return scores, rng.random(count) < 0.1 + 0.7 * scores


def ranking(scores: np.ndarray, wrong: np.ndarray, pieces: int = 7) -> ErrorDetection:
    found = ErrorDetection()
    for part in np.array_split(np.arange(len(scores)), pieces):
        found.add(scores[part], wrong[part])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_ranking_agrees_with_scikit_learn(seed: int) -> None:
    scores, wrong = scored(seed)
    found = ranking(scores, wrong)
    assert found.base_rate == pytest.approx(wrong.mean())
    assert found.auroc() == pytest.approx(metrics.roc_auc_score(wrong, scores), abs=2e-4)
    assert found.average_precision() == pytest.approx(metrics.average_precision_score(wrong, scores), abs=2e-3)
    coarse = np.round(scores, 1)  # ties
    found = ranking(coarse, wrong)
    assert found.auroc() == pytest.approx(metrics.roc_auc_score(wrong, coarse), abs=1e-12)
    assert found.average_precision() == pytest.approx(metrics.average_precision_score(wrong, coarse), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_risk_coverage_agrees_with_sorting_all_pixels(seed: int) -> None:
    scores, wrong = scored(seed)
    found = ranking(scores, wrong)
    errors = np.cumsum(wrong[np.argsort(scores, kind="stable")])
    kept = np.arange(1, len(scores) + 1)
    assert found.aurc() == pytest.approx((errors / kept).mean(), abs=1e-3)
    for accuracy in (0.7, 0.8, 0.85):
        largest = kept[errors / kept <= 1 - accuracy].max(initial=0) / len(scores)
        assert found.coverage_at(accuracy) == pytest.approx(largest, abs=0.02)
    assert found.coverage_at(1.0) <= found.coverage_at(0.9) <= found.coverage_at(0.0) == 1.0


def test_risk_within_one_bin_is_that_of_pixels_in_random_order() -> None:
    found = ranking(np.full(1000, 0.5, np.float32), np.arange(1000) % 4 == 0)
    assert found.aurc() == pytest.approx(0.25, abs=1e-9)


def test_quantiles_share_out_all_pixels() -> None:
    scores, wrong = scored(1)
    found = ranking(scores, wrong).by_quantile(10)
    assert [pixels for pixels, _ in found] == [2000] * 10 and sum(bad for _, bad in found) == wrong.sum()
    parts = np.array_split(wrong[np.argsort(scores, kind="stable")], 10)
    np.testing.assert_allclose([bad for _, bad in found], [part.sum() for part in parts], atol=8)


def test_rankings_of_nothing() -> None:
    empty, right = ErrorDetection(), ranking(np.full(9, 0.1, np.float32), np.zeros(9, bool))
    for found in (empty.base_rate, empty.auroc(), empty.average_precision(), empty.aurc(), empty.coverage_at(0.95)):
        assert found is None
    assert right.auroc() is None and right.average_precision() is None and right.aurc() == 0
    assert right.coverage_at(0.95) == 1.0 and empty.by_quantile(2) == [(0, 0)] * 2
