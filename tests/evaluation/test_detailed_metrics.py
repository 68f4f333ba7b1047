"""Every figure of metrics.json beside the confusion matrix, against scikit-learn or plain NumPy written otherwise."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics

from casnet_cli.evaluation import stratified
from casnet_cli.evaluation.boundary import WIDTH, Boundary, band, sets_of
from casnet_cli.evaluation.calibration import Calibration, chosen_pixels, fit_temperature, generator
from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.error_detection import ErrorDetection
from casnet_cli.evaluation.error_scores import DETECTORS, RIVALS
from casnet_cli.evaluation.stratified import StratifiedAccuracy
from casnet_cli.labels import VOID, with_colors

K = 5
LABELS = with_colors(("a", "b", "c", "d", "e"))


def regions(seed: int, height: int = 40, width: int = 53, classes: int = K) -> np.ndarray:
    """(H, W) ids in smooth regions, some void."""
    rng = np.random.default_rng(seed)
    fields = ndimage.gaussian_filter(rng.normal(size=(classes + 1, height, width)), (0, 4, 4))
    label = fields.argmax(0).astype(np.uint8)
    label[label == classes] = VOID
    return label


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


def test_calibration_error_agrees_with_its_definition() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(5000).astype(np.float32)
    right = rng.random(5000) < 1 - confidence  # too modest below a half, too sure above
    found = Calibration()
    for part in np.array_split(np.arange(5000), 3):
        found.add(confidence[part], right[part])
    expected = 0.0
    for low in range(15):
        inside = (confidence >= low / 15) & (confidence < (low + 1) / 15)
        expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.error() == pytest.approx(expected, abs=1e-6)
    sure = Calibration()
    sure.add(np.ones(4, np.float32), np.array([True, True, True, False]))
    assert sure.error() == pytest.approx(0.25) and Calibration().error() is None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40000, K)) * 2
    p = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    truth = (p.cumsum(1) < rng.random((40000, 1))).sum(1)
    scores = true * temperature
    scores -= np.log(np.exp(scores).sum(1, keepdims=True))
    found = fit_temperature((scores[part], truth[part]) for part in np.array_split(np.arange(40000), 4))
    assert found == pytest.approx(temperature, rel=0.02)
    grid = np.geomspace(0.1, 10, 2000)

    def loss(t: float) -> float:
        return float(-(scores[np.arange(40000), truth] / t - np.log(np.exp(scores / t).sum(1))).mean())

    assert found is not None and loss(found) <= min(map(loss, grid[::50])) + 1e-9


def test_no_temperature_where_none_is_best() -> None:
    right = np.log(np.tile([0.9, 0.1], (50, 1)))
    assert fit_temperature([(right, np.zeros(50, int))]) is None
    assert fit_temperature([(right, np.ones(50, int))]) is None and fit_temperature([]) is None


def test_pixels_for_the_temperature_are_labelled_and_the_same_in_every_call() -> None:
    label = regions(0)
    first, again = (chosen_pixels(label, 100, generator(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(set(first.tolist())) == 100 and (label.ravel()[first] != VOID).all()
    assert len(chosen_pixels(label, 10**6, generator(0))) == (label != VOID).sum()


def near(label: np.ndarray, width: int) -> np.ndarray:
    """Labelled pixels with a labelled pixel of another class within `width`, pixel by pixel."""
    found = np.zeros(label.shape, bool)
    for row in range(label.shape[0]):
        for column in range(label.shape[1]):
            window = label[max(0, row - width) : row + width + 1, max(0, column - width) : column + width + 1]
            own = label[row, column]
            found[row, column] = own != VOID and ((window != own) & (window != VOID)).any()
    return found


@pytest.mark.parametrize("classes", [K, 70, 150])
def test_bands_agree_with_looking_at_every_window(classes: int) -> None:
    label = (regions(1) * (1 if classes == K else 14)).astype(np.uint8)
    label[regions(1) == VOID] = VOID
    for width in (1, 3):
        np.testing.assert_array_equal(band(sets_of(label, classes), width), near(label, width))


def by_dilation(truth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Boundary IoU and F1 class by class with SciPy's morphology."""
    mask = np.where(truth == VOID, VOID, mask)
    square = np.ones((2 * WIDTH + 1,) * 2, bool)
    ious, f1s = [], []
    for k in range(K):
        bands = [near(ids, WIDTH) & (ids == k) for ids in (truth, mask)]
        edges = [near(ids, 1) & (ids == k) for ids in (truth, mask)]
        if bands[0].any():
            ious.append((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum())
        if edges[0].any():
            recall = edges[0][ndimage.binary_dilation(edges[1], square)].sum() / edges[0].sum()
            hit = ndimage.binary_dilation(edges[0], square)
            precision = edges[1][hit].sum() / edges[1].sum() if edges[1].any() else 0
            f1s.append(2 * precision * recall / (precision + recall) if precision + recall else 0)
    return float(np.mean(ious)), float(np.mean(f1s))


def test_boundary_figures_agree_with_morphology() -> None:
    truth, mask = regions(2), regions(2)
    mask = np.roll(mask, 2, axis=1)
    mask[mask == VOID] = 4
    found = Boundary(K)
    found.add(truth, {"mask": mask})
    iou, f1 = by_dilation(truth, mask)
    assert found.iou() == pytest.approx(iou) and found.f1() == pytest.approx(f1) and 0.2 < iou < f1 < 1
    perfect = Boundary(K)
    perfect.add(truth, {"mask": np.where(truth == VOID, 0, truth)})
    assert perfect.iou() == perfect.f1() == 1.0
    assert Boundary(K).iou() is None and Boundary(K).f1() is None


def test_the_frame_is_no_border() -> None:
    one = np.zeros((9, 9), np.uint8)
    found = Boundary(K)
    found.add(one, {"mask": one})
    assert found.iou() is None and not band(sets_of(one, K), 2).any()


def test_strata_agree_with_distances_pixel_by_pixel() -> None:
    truth = regions(3)
    mask = np.where(np.random.default_rng(0).random(truth.shape) < 0.3, (truth + 1) % K, truth).astype(np.uint8)
    found = StratifiedAccuracy(K)
    found.add(truth, {"mask": mask})
    told = found.summary()["accuracy_by"]
    known, right = truth != VOID, truth == mask
    edges = np.argwhere(near(truth, 1))
    rows, columns = np.indices(truth.shape)
    away = np.min([np.maximum(abs(rows - r), abs(columns - c)) for r, c in edges], axis=0) + 1
    bounds = [*stratified.DISTANCES, 10**9]
    for row, low, high in zip(told["boundary_distance_px"], bounds, bounds[1:], strict=False):
        inside = known & (away >= low) & (away < high)
        assert row["from"] == low and row["pixels"] == inside.sum()
        assert row["accuracy"] == (pytest.approx(right[inside].mean()) if inside.any() else None)
    size = np.zeros(truth.shape)
    for k in range(K):
        pieces, count = ndimage.label(truth == k)
        for piece in range(1, count + 1):
            size[pieces == piece] = (pieces == piece).sum() / truth.size
    bounds = [*stratified.SIZES, 2]
    for row, low, high in zip(told["region_share_of_image"], bounds, bounds[1:], strict=False):
        inside = known & (size >= low) & (size < high)
        assert row["pixels"] == inside.sum()
        assert row["accuracy"] == (pytest.approx(right[inside].mean()) if inside.any() else None)


def said(seed: int, truth: np.ndarray, attention: bool = True) -> dict[str, np.ndarray]:
    """What a network might say: answers often right, scores at random."""
    rng = np.random.default_rng(seed)
    guess = np.where(truth == VOID, 0, truth)

    def mistaken(rate: float) -> np.ndarray:
        return np.where(rng.random(truth.shape) < rate, rng.integers(0, K, truth.shape), guess)

    names = [f"{answer}_{rival}" for answer in ("coarse", "final") for rival in RIVALS]
    found = {name: rng.random(truth.shape, np.float32) for name in (*names, "difficulty", "confidence", "calibrated")}
    return found | {"mask": mistaken(0.2), "coarse": mistaken(0.3), "fine": mistaken(0.3)}


def measured(**changes: Any) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """The figures of two images, and their labelled pixels in a row."""
    detailed = DetailedMetrics(LABELS, **{"temperature": 2.0, "attention": True, **changes})
    truths = [regions(4), regions(5, 31, 44)]
    answers = [said(seed, truth) for seed, truth in enumerate(truths)]
    for truth, answer in zip(truths, answers, strict=True):
        detailed.add(truth, answer)
    known = [truth != VOID for truth in truths]
    flat = {name: np.concatenate([a[name][k] for a, k in zip(answers, known, strict=True)]) for name in answers[0]}
    return detailed.summary(), np.concatenate([t[k] for t, k in zip(truths, known, strict=True)]), flat


def test_all_keys_are_those_of_the_pixels_together() -> None:
    told, truth, flat = measured()
    for target, key, name in (("coarse_errors", "coarse", "coarse"), ("final_errors", "mask", "final")):
        wrong = flat[key] != truth
        assert told["difficulty"][target]["base_rate"] == pytest.approx(wrong.mean())
        for detector in DETECTORS:
            scores = flat["difficulty" if detector == "one_minus_p_a" else f"{name}_{detector}"]
            assert told["difficulty"][target][detector] == {
                "auroc": pytest.approx(metrics.roc_auc_score(wrong, scores), abs=1e-3),
                "average_precision": pytest.approx(metrics.average_precision_score(wrong, scores), abs=5e-3),
            }
    before, now = flat["coarse"] == truth, flat["mask"] == truth
    refine = told["refine"]
    assert refine["fixed"] == (now & ~before).sum() and refine["broken"] == (before & ~now).sum()
    assert refine["fixed"] + refine["broken"] + refine["unchanged"] == len(truth)
    for k, row in enumerate(refine["per_class"]):
        assert row["name"] == LABELS.names[k] and row["broken"] == (before & ~now & (truth == k)).sum()
    for key, name in (("ece", "confidence"), ("ece_calibrated", "calibrated")):
        own = Calibration()
        own.add(flat[name], now)
        assert told["calibration"][key] == pytest.approx(own.error())
    assert told["calibration"]["temperature"] == 2.0 and told["boundary"]["width_px"] == WIDTH
    for found, scores in ((told["selective"], "final_max_softmax"), (told["selective"]["by_difficulty"], "difficulty")):
        errors = np.cumsum(~now[np.argsort(flat[scores], kind="stable")])
        assert found["aurc"] == pytest.approx((errors / np.arange(1, len(truth) + 1)).mean(), abs=5e-3)
    assert sum(row["pixels"] for row in told["accuracy_by"]["difficulty_decile"]) == len(truth)


def test_what_a_variant_lacks_is_none() -> None:
    told, _, _ = measured(attention=False, temperature=None)
    assert told["difficulty"]["final_errors"]["one_minus_p_a"] is None
    assert told["calibration"]["ece_calibrated"] is None and told["calibration"]["temperature"] is None
    detailed = DetailedMetrics(LABELS, None, False)
    answer = {key: x for key, x in said(0, regions(6)).items() if not key.startswith("coarse")}
    detailed.add(regions(6), answer)
    told = detailed.summary()
    assert told["difficulty"]["coarse_errors"] is None and told["refine"] is None
    empty = DetailedMetrics(LABELS, None, True).summary()
    assert empty["difficulty"] == {"coarse_errors": None, "final_errors": None} and empty["boundary"]["iou"] is None
    assert DetailedMetrics(LABELS, None, True).risk_coverage() == []
