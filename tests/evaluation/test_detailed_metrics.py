"""The keys of metrics.json beside the confusion matrix, against scikit-learn on all pixels together."""

from typing import Any

import numpy as np
import pytest
from helpers.segmentation import K, evaluation_outputs, regions
from sklearn import metrics

from casnet_cli.evaluation.boundary import WIDTH
from casnet_cli.evaluation.calibration import ReliabilityBins
from casnet_cli.evaluation.detailed_metrics import METRICS, DetailedMetrics
from casnet_cli.evaluation.error_scores import DETECTORS
from casnet_cli.evaluation.metric import MetricSetup
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID, with_colors

LABELS = with_colors(("a", "b", "c", "d", "e"))


def measured(**changes: Any) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """The metrics of two images, and their labelled pixels in a row."""
    detailed = DetailedMetrics(LABELS, **{"temperature": 2.0, "attention": True, **changes})
    truths = [regions(4), regions(5, 31, 44)]
    images = [evaluation_outputs(seed, truth) for seed, truth in enumerate(truths)]
    for truth, outputs in zip(truths, images, strict=True):
        detailed.add(truth, outputs)
    known = [truth != VOID for truth in truths]
    flat = {name: np.concatenate([a[name][k] for a, k in zip(images, known, strict=True)]) for name in images[0]}
    return detailed.summary(), np.concatenate([t[k] for t, k in zip(truths, known, strict=True)]), flat


def test_all_keys_are_those_of_the_pixels_together() -> None:
    summary, truth, flat = measured()
    for target, key, name in (("coarse_errors", "coarse", "coarse"), ("final_errors", "mask", "final")):
        wrong = flat[key] != truth
        assert summary["difficulty"][target]["base_rate"] == pytest.approx(wrong.mean())
        for detector in DETECTORS:
            scores = flat["difficulty" if detector == "one_minus_p_a" else f"{name}_{detector}"]
            assert summary["difficulty"][target][detector] == {
                "auroc": pytest.approx(metrics.roc_auc_score(wrong, scores), abs=1e-3),
                "average_precision": pytest.approx(metrics.average_precision_score(wrong, scores), abs=5e-3),
            }
    before, now = flat["coarse"] == truth, flat["mask"] == truth
    refine = summary["refine"]
    assert refine["fixed"] == (now & ~before).sum() and refine["broken"] == (before & ~now).sum()
    assert refine["fixed"] + refine["broken"] + refine["unchanged"] == len(truth)
    for k, row in enumerate(refine["per_class"]):
        assert row["name"] == LABELS.names[k] and row["broken"] == (before & ~now & (truth == k)).sum()
    for key, name in (("ece", "confidence"), ("ece_calibrated", "calibrated")):
        own = ReliabilityBins()
        own.add(flat[name], now)
        assert summary["calibration"][key] == pytest.approx(own.error())
    assert summary["calibration"]["temperature"] == 2.0 and summary["boundary"]["width_px"] == WIDTH
    for found, scores in (
        (summary["selective"], "final_max_softmax"),
        (summary["selective"]["by_difficulty"], "difficulty"),
    ):
        errors = np.cumsum(~now[np.argsort(flat[scores], kind="stable")])
        assert found["aurc"] == pytest.approx((errors / np.arange(1, len(truth) + 1)).mean(), abs=5e-3)
    assert sum(row["pixels"] for row in summary["accuracy_by"]["difficulty_decile"]) == len(truth)


def test_what_a_variant_lacks_is_none() -> None:
    summary, _, _ = measured(attention=False, temperature=None)
    assert summary["difficulty"]["final_errors"]["one_minus_p_a"] is None
    assert summary["calibration"]["ece_calibrated"] is None and summary["calibration"]["temperature"] is None
    detailed = DetailedMetrics(LABELS, None, False)
    outputs = {key: x for key, x in evaluation_outputs(0, regions(6)).items() if not key.startswith("coarse")}
    detailed.add(regions(6), outputs)
    summary = detailed.summary()
    assert summary["difficulty"]["coarse_errors"] is None and summary["refine"] is None
    empty = DetailedMetrics(LABELS, None, True).summary()
    assert empty["difficulty"] == {"coarse_errors": None, "final_errors": None} and empty["boundary"]["iou"] is None
    assert DetailedMetrics(LABELS, None, True).risk_coverage() == []


class LabelledPixels:
    """A metric of its own file, as an extension would be."""

    def __init__(self, setup: MetricSetup):
        self.classes, self.pixels = len(setup.labels), 0

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        self.pixels += int((truth != VOID).sum())

    def summary(self) -> dict[str, object]:
        return {"pixels_of_classes": [self.pixels, self.classes], "boundary": {"also": 1}}


def test_a_further_metric_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    before, truth, _ = measured()
    monkeypatch.setitem(METRICS, "labelled", LabelledPixels)
    after, _, _ = measured()
    assert after["pixels_of_classes"] == [len(truth), K]
    assert after.pop("boundary") == before.pop("boundary") | {"also": 1}, "keys of a shared key stand together"
    assert {key: value for key, value in after.items() if key != "pixels_of_classes"} == before
