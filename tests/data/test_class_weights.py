from pathlib import Path

import h5py
import helpers.counted
import numpy as np
import pytest
from helpers.counted import LABELS, sample, write_labels

from casnet_cli.data import store
from casnet_cli.data.class_weights import balanced, class_weights, effective_number, median_frequency
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.data.splits import assign
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, RecipeError
from casnet_cli.labels import VOID


@pytest.fixture
def counted(tmp_path: Path) -> Store:
    return helpers.counted.counted(tmp_path / "counted.h5")


def test_auto_takes_the_labelled_pixels_of_the_training_images(counted: Store) -> None:
    assert counted.training_pixels(None) == [16, 9, 0]
    # Shares 0.64 and 0.36, roots 0.8 and 0.6: weights 1 / (0.8 · 1.4) and 1 / (0.6 · 1.4).
    weights = class_weights("auto", counted.parts()["train"], None)
    assert weights == pytest.approx((0.8928571428571429, 1.1904761904761905, 0.0), rel=1e-12)
    assert weights and 0.64 * weights[0] + 0.36 * weights[1] == pytest.approx(1)


def test_a_rare_class_has_ten_at_most() -> None:
    # Shares 0.9999 and 0.0001: 1 / (0.01 · 1.00995) would be 99.
    assert balanced([9999, 1], "x") == pytest.approx((0.9901975395, 10.0), rel=1e-9)
    assert balanced([7, 7, 7, 7], "x") == pytest.approx((1, 1, 1, 1))
    # Counts of a large set: 10¹¹ pixels.
    assert balanced([64 * 10**9, 36 * 10**9], "x") == pytest.approx((0.8928571428571429, 1.1904761904761905))


def test_effective_numbers_are_those_of_the_geometric_series() -> None:
    # β = 1 − 1 / N in the formula of Cui et al. 2019, here with N = 10⁷ pixels.
    pixels, n = [9_000_000, 900_000, 100_000, 0], 10_000_000
    raw = [1 / ((1 - (1 - 1 / n) ** own) * n) if own else 0 for own in pixels]
    mean = sum(own / n * weight for own, weight in zip(pixels, raw, strict=True))
    assert effective_number(pixels, "x") == pytest.approx([min(10, weight / mean) for weight in raw], rel=1e-6)


def test_median_frequencies_are_those_of_the_training_images(counted: Store) -> None:
    # Of 25 pixels in images with sky 16 are sky, in those with road 9 are road; the median of 0.64 and 0.36 is 0.5.
    part = Subset(counted, "train", (0, 1))
    assert class_weights("median_frequency", part, None) == pytest.approx((0.5 / 0.64, 0.5 / 0.36, 0.0))
    # The first alone: 10 and 2 of 12.
    assert class_weights("median_frequency", part.at([0]), None) == pytest.approx((0.5 * 12 / 10, 0.5 * 12 / 2, 0.0))
    assert median_frequency(np.array([[9999, 1]])) == (pytest.approx(0.5 / 0.9999), 10.0)


def test_none_and_given_weights(counted: Store) -> None:
    assert class_weights("none", counted.parts()["train"], None) is None
    given = class_weights((2, 0.5, 0), counted.parts()["train"], None)
    assert given == (2.0, 0.5, 0.0) and all(type(weight) is float for weight in given)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ((1.0, 2.0), "2 weights for the 3 classes of counted (one each, in the order of their ids)"),
        ((1.0,) * 4, "4 weights for the 3 classes of counted (one each, in the order of their ids)"),
        ((0.0, 0.0, 0.0), "all are 0 (nothing would be learnt)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(counted: Store, given: tuple[float, ...], fault: str) -> None:
    with pytest.raises(RecipeError) as caught:
        class_weights(given, counted.parts()["train"], None)
    assert caught.value.faults == (f"training.class_weights: {fault}",)


def test_training_images_without_a_label_are_refused(tmp_path: Path) -> None:
    empty = write_labels(tmp_path / "empty.h5", [("train", [[VOID, VOID]]), ("val", [[0]])])
    with pytest.raises(DataError, match=r"empty.h5: no pixel of the training images is labelled"):
        class_weights("auto", empty.parts()["train"], None)


def test_the_images_of_the_fold_are_left_out(tmp_path: Path) -> None:
    entries = [Entry("train", f"{k}", lambda k=k: sample([[k % 3] * (k + 1)])) for k in range(10)]  # type: ignore[misc]
    store.write(tmp_path / "x.h5", Source("folded", LABELS, lambda root: entries, "", folds=5), entries, {})
    opened = Store(tmp_path / "x.h5")
    for fold in range(1, 6):
        _, held = assign(opened.names, opened.fold_of, fold, 0.1, 0)["test"]
        kept = [k for k in range(10) if k not in held]
        assert opened.training_pixels(fold) == [sum(k + 1 for k in kept if k % 3 == c) for c in range(3)]
    assert opened.training_pixels(None) == opened.training_pixels(1)


def test_a_file_without_these_counts_is_to_be_prepared_again(counted: Store) -> None:
    counted.file.close()
    with h5py.File(counted.path, "r+") as file:
        del file.attrs["split_class_pixels"]
    with pytest.raises(DataError, match=r"counted.h5: damaged or old: .*prepare it again"):
        class_weights("auto", Store(counted.path).parts()["train"], None)
