"""Metrics against scikit-learn and a matrix counted by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from sklearn import metrics

from casnet_cli.data.intensities import PLAIN
from casnet_cli.errors import RunError
from casnet_cli.evaluation.evaluator import evaluate, predict_samples, remarkable
from casnet_cli.inference.stored_pixels import unmeasured
from casnet_cli.labels import VOID, with_colors

LABELS = with_colors(("a", "b", "c", "d", "e"))


@dataclass
class Sample:
    name: str
    image: np.ndarray
    label: np.ndarray


def samples(count: int = 6) -> list[Sample]:
    rng = np.random.default_rng(0)
    found = []
    for index in range(count):
        shape = (10 + index, 13)
        label = rng.integers(0, 4, shape).astype(np.uint8)  # class e never occurs
        label[rng.random(shape) < 0.1] = VOID
        wrong = rng.random(shape) < 0.1 * index
        predicted = np.where(wrong, rng.integers(0, 5, shape), np.where(label == VOID, 0, label))
        found.append(Sample(f"image {index}", np.repeat(predicted[..., None], 3, 2).astype(np.uint8), label))
    return found


def outputs_of(image: np.ndarray) -> dict[str, np.ndarray]:
    mask = image[..., 0].astype(np.int32)
    return {"mask": mask, "coarse": np.zeros_like(mask), "difficulty": mask * 0.1, "confidence": mask * 0.1}


def test_metrics_agree_with_scikit_learn() -> None:
    everything = samples()
    scores = evaluate(predict_samples(FunctionPredictor(outputs_of), everything), LABELS)
    truth = np.concatenate([sample.label.ravel() for sample in everything])
    predicted = np.concatenate([sample.image[..., 0].ravel() for sample in everything])
    truth, predicted = truth[truth != VOID], predicted[truth != VOID]
    np.testing.assert_array_equal(scores.matrices["fused"], metrics.confusion_matrix(truth, predicted, labels=range(5)))
    found = scores.fused
    assert found.pixel_accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    recall = metrics.recall_score(truth, predicted, labels=range(4), average=None)
    iou = metrics.jaccard_score(truth, predicted, labels=range(4), average=None)
    np.testing.assert_allclose(found.accuracy[:4], recall)
    np.testing.assert_allclose(found.iou[:4], iou)
    assert found.class_accuracy == pytest.approx(recall.mean())
    assert found.mean_iou == pytest.approx(iou.mean())
    weighted = metrics.jaccard_score(truth, predicted, labels=range(4), average="weighted")
    assert found.frequency_weighted_iou == pytest.approx(weighted)


def test_metrics_name_what_is_absent_and_what_a_variant_lacks() -> None:
    found = evaluate(predict_samples(FunctionPredictor(outputs_of), samples()), LABELS).metrics().model_dump()
    assert found["absent_classes"] == ["e"] and found["images"] == 6
    assert found["per_class"][4] == {"name": "e", "accuracy": None, "iou": None, "pixels": 0}
    assert found["branches"]["fine"] is None and found["branches"]["coarse"]["pixel_accuracy"] < 0.5
    total = sum(sample.label.size for sample in samples())
    assert found["labelled_pixels"] + found["void_pixels"] == total


def test_images_of_one_size_are_predicted_together_and_counted_in_the_order_of_the_data() -> None:
    everything = samples(5) + samples(7) + samples(3)
    for place, sample in enumerate(everything):
        sample.name = str(place)
    network = FunctionPredictor(outputs_of, batch_limit=3)
    found = evaluate(predict_samples(network, everything), LABELS)
    expected = evaluate(predict_samples(FunctionPredictor(outputs_of), everything), LABELS)
    assert sorted(network.batches) == [1, 1, 2, 2, 3, 3, 3] and found.changed == expected.changed
    assert found.per_image.names == expected.per_image.names == tuple(map(str, range(15)))
    for part in ("correct", "truth", "claimed"):
        for branch, counts in expected.per_image.counts.items():
            np.testing.assert_array_equal(getattr(found.per_image.counts[branch], part), getattr(counts, part))


def test_the_remarkable_images() -> None:
    everything = samples(9)
    blank = Sample("blank", np.zeros((4, 4, 3), np.uint8), np.full((4, 4), VOID, np.uint8))
    counted: list[str] = []
    scores = evaluate(
        predict_samples(FunctionPredictor(outputs_of), [blank, *everything]),
        LABELS,
        on_image=lambda sample, predicted: counted.append(sample.name),
    )
    accuracy = {place + 1: (s.image[..., 0] == s.label)[s.label != VOID].mean() for place, s in enumerate(everything)}
    order = sorted(accuracy, key=lambda place: accuracy[place])
    found = remarkable(scores, 2)
    assert found["worst"] == order[:2] and found["best"] == order[:-3:-1] and len(counted) == 10
    assert found["median"] == order[3:5] and remarkable(scores, 99)["median"] == order
    changed = {place + 1: ((s.image[..., 0] != 0) & (s.label != VOID)).sum() for place, s in enumerate(everything)}
    assert found["changed"] == sorted(changed, key=lambda place: -changed[place])[:2]


def test_a_probability_that_is_no_number_is_refused() -> None:
    def diverged(image: np.ndarray) -> dict[str, np.ndarray]:
        mask = np.full(image.shape[:2], 255, np.uint8)
        outputs = {"mask": mask, "confidence": np.full(mask.shape, np.nan, np.float32)}
        return unmeasured(outputs, image, PLAIN, len(LABELS))

    with pytest.raises(RunError, match="image 0: its probabilities are no numbers"):
        evaluate(predict_samples(FunctionPredictor(diverged), samples()), LABELS)


def test_nothing_labelled_gives_none_not_a_number() -> None:
    blank = [Sample("blank", np.zeros((4, 4, 3), np.uint8), np.full((4, 4), VOID, np.uint8))]
    for scores in (evaluate(predict_samples(FunctionPredictor(outputs_of), blank), LABELS), evaluate([], LABELS)):
        found = scores.metrics().model_dump()
        assert found["pixel_accuracy"] is None and found["labelled_pixels"] == 0
        assert found["absent_classes"] == list(LABELS.names)
