"""Intervals and differences against SciPy's bootstrap and against pixels drawn one image at a time."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from casnet_cli.errors import RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.confusion import Counts, confusion, counts_of, stacked
from casnet_cli.evaluation.per_image import PerImageCounts

CLASSES = 4


def pixels(seed: int, images: int = 40, skill: float = 0.7) -> list[tuple[np.ndarray, np.ndarray]]:
    """(truth, predicted) of each image; easy and hard images, so that the draw matters."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        truth = rng.integers(0, CLASSES, int(rng.integers(50, 400)))
        right = rng.random(truth.shape) < np.clip(skill + rng.normal(0, 0.2), 0, 1)
        found.append((truth, np.where(right, truth, rng.integers(0, CLASSES, truth.shape))))
    return found


def per_image_counts(images: list[tuple[np.ndarray, np.ndarray]], prefix: str = "") -> PerImageCounts:
    counts = [counts_of(confusion(truth, predicted, CLASSES)) for truth, predicted in images]
    names = tuple(f"{prefix}{index}" for index in range(len(images)))
    return PerImageCounts(names, {"fused": stacked(counts, CLASSES)})


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    images = pixels(1)
    own = per_image_counts(images)
    right = np.array([(truth == predicted).sum() for truth, predicted in images], np.float64)
    total = np.array([len(truth) for truth, _ in images], np.float64)

    def accuracy(right: np.ndarray, total: np.ndarray, axis: int = -1) -> np.ndarray:
        return right.sum(axis) / total.sum(axis)

    expected = stats.bootstrap(
        (right, total), accuracy, paired=True, n_resamples=20000, method="percentile", rng=0
    ).confidence_interval
    low, high = per_image.interval(per_image.resampled([own])["pixel_accuracy"]) or (0, 0)
    width = expected.high - expected.low
    assert abs(low - expected.low) < 0.08 * width and abs(high - expected.high) < 0.08 * width


def test_every_metric_of_a_draw_is_that_of_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(per_image, "REPLICATES", 3)
    images = pixels(2, 7)
    own = per_image_counts(images)
    found = per_image.resampled([own])
    rng = per_image._generator(own.names, 0)
    for index in range(3):
        drawn = [images[image] for image in rng.integers(0, 7, 7)]
        truth, predicted = (np.concatenate(part) for part in zip(*drawn, strict=True))
        assert found["pixel_accuracy"][index] == pytest.approx(metrics.accuracy_score(truth, predicted))
        assert found["class_accuracy"][index] == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
        assert found["mean_iou"][index] == pytest.approx(metrics.jaccard_score(truth, predicted, average="macro"))
        weighted = metrics.jaccard_score(truth, predicted, average="weighted")
        assert found["frequency_weighted_iou"][index] == pytest.approx(weighted)


def test_a_paired_difference_is_narrower_than_an_unpaired_one() -> None:
    images = pixels(3)
    better = [(truth, np.where(np.arange(len(truth)) % 20 == 0, truth, predicted)) for truth, predicted in images]
    ours, theirs = per_image_counts(better), per_image_counts(images)
    found = per_image.difference([ours], [theirs])
    value, (low, high) = found["pixel_accuracy"]["value"], found["pixel_accuracy"]["ci95"]
    expected = (per_image.means([ours])["pixel_accuracy"] or 0) - (per_image.means([theirs])["pixel_accuracy"] or 0)
    assert value == pytest.approx(expected) and 0 < low < value < high
    alone_low, alone_high = per_image.interval(per_image.resampled([theirs])["pixel_accuracy"]) or (0, 0)
    assert high - low < 0.3 * (alone_high - alone_low)


def test_parts_are_averaged_and_those_of_the_same_images_drawn_alike() -> None:
    images = pixels(4)
    own, other = per_image_counts(images), per_image_counts(pixels(5), "fold 2/")
    np.testing.assert_allclose(per_image.resampled([own, own])["mean_iou"], per_image.resampled([own])["mean_iou"])
    both, single = (
        per_image.resampled([own, other])["mean_iou"],
        [per_image.resampled([part])["mean_iou"] for part in (own, other)],
    )
    np.testing.assert_allclose(both, (single[0] + single[1]) / 2)
    assert per_image.means([own, other])["mean_iou"] == pytest.approx(
        np.mean([per_image.means([part])["mean_iou"] for part in (own, other)])
    )
    assert abs(np.corrcoef(*single)[0, 1]) < 0.2, "other images are drawn by themselves"


def test_other_images_cannot_be_compared() -> None:
    with pytest.raises(RunError, match="not measured on the same images"):
        per_image.difference([per_image_counts(pixels(1, 5))], [per_image_counts(pixels(1, 6))])


def test_what_is_saved_comes_back_and_damage_is_named(tmp_path: Path) -> None:
    own, file = per_image_counts(pixels(6, 5)), tmp_path / "counts.npz"
    own.save(file)
    again = per_image.load(file)
    assert again.names == own.names
    np.testing.assert_array_equal(again.counts["fused"].claimed, own.counts["fused"].claimed)
    whole, fused = file.read_bytes(), own.counts["fused"]
    flipped = bytearray(whole)
    flipped[len(whole) // 2 : len(whole) // 2 + 40] = b"x" * 40
    PerImageCounts(own.names, {"fused": Counts(fused.correct[:, :2], fused.truth, fused.claimed)}).save(
        tmp_path / "short.npz"
    )
    np.save(tmp_path / "array.npy", np.zeros(3))
    others = [(tmp_path / name).read_bytes() for name in ("short.npz", "array.npy")]
    for content in (whole[:200], b"", bytes(flipped), *others):
        file.write_bytes(content)
        with pytest.raises(RunError, match="not readable"):
            per_image.load(file)
    with pytest.raises(RunError, match="not readable"):
        per_image.load(tmp_path / "none.npz")


def test_images_without_labels_give_no_interval() -> None:
    nothing = Counts(*(np.zeros((3, CLASSES), np.int64) for _ in range(3)))
    own = PerImageCounts(("a", "b", "c"), {"fused": nothing})
    assert per_image.interval(per_image.resampled([own])["mean_iou"]) is None
    assert per_image.difference([own], [own])["mean_iou"] == {"value": None, "ci95": None}
