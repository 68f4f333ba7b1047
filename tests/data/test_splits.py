import pytest

from casnet_cli.data.splits import assign, fold_members, held_out, shuffled_positions
from casnet_cli.errors import DataError

NAMES = [f"image-{index:04d}" for index in range(715)]


def test_five_folds_of_143_cover_everything_once() -> None:
    folds = [fold_members(NAMES, 5, fold) for fold in range(1, 6)]
    assert [len(fold) for fold in folds] == [143] * 5
    assert sorted(index for fold in folds for index in fold) == list(range(715))


def test_folds_follow_the_names_not_their_order() -> None:
    backwards = NAMES[::-1]
    ours = {NAMES[index] for index in fold_members(NAMES, 5, 2)}
    assert {backwards[index] for index in fold_members(backwards, 5, 2)} == ours


def test_the_order_is_the_same_on_every_machine() -> None:
    assert shuffled_positions(["a", "b", "c", "d", "e"], 0) == [2, 1, 4, 3, 0]


def test_validation_comes_from_training_and_never_from_the_test_fold() -> None:
    parts = assign({"train": NAMES}, 5, 3, 0.1, 0)
    rows = {split: set(positions) for split, (_, positions) in parts.items()}
    assert {split: len(found) for split, found in rows.items()} == {"test": 143, "val": 57, "train": 515}
    assert not rows["test"] & rows["val"] and not rows["train"] & (rows["val"] | rows["test"])


def test_stored_splits_are_taken_as_they_are() -> None:
    parts = assign({"train": NAMES[:6], "val": NAMES[6:8], "test": NAMES[8:9]}, None, None, 0.1, 0)
    assert {split: (group, len(rows)) for split, (group, rows) in parts.items()} == {
        "train": ("train", 6),
        "val": ("val", 2),
        "test": ("test", 1),
    }


def test_stored_validation_images_are_left_alone_where_they_are_for_metrics_alone() -> None:
    names = {"train": NAMES[:20], "val": NAMES[20:26]}
    training = assign(names, None, None, 0.1, 0, stored=False)
    assert {split: (group, len(rows)) for split, (group, rows) in training.items()} == {
        "train": ("train", 18),
        "val": ("train", 2),
    }
    assert not set(training["train"][1]) & set(training["val"][1])
    assert assign(names, None, None, 0.1, 0)["val"] == ("val", list(range(6)))


def test_held_out_is_seeded_and_never_empty() -> None:
    assert held_out(NAMES, 0.1, 0) != held_out(NAMES, 0.1, 1)
    assert len(held_out(NAMES[:3], 0.1, 0)) == 1


@pytest.mark.parametrize(
    ("folds", "fold", "reason"), [(5, 6, "1..5"), (5, 0, "1..5"), (None, 1, "not cross-validated")]
)
def test_a_fold_that_does_not_exist(folds: int | None, fold: int, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        assign({"train": NAMES}, folds, fold, 0.1, 0)
