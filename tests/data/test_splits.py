from collections import Counter

import pytest

from casnet_cli.data.splits import assign, folds_by_group, folds_of, held_out, shuffled_positions
from casnet_cli.errors import DataError

NAMES = [f"image-{index:04d}" for index in range(715)]


def test_five_folds_of_143_cover_everything_once() -> None:
    fold_of = folds_of(NAMES, 5)
    assert Counter(fold_of.values()) == dict.fromkeys(range(1, 6), 143)
    assert set(fold_of) == set(NAMES)
    assert sorted(Counter(folds_of(NAMES, 4).values()).values()) == [178, 179, 179, 179]
    assert folds_of(NAMES, None) == {}


def test_the_first_names_of_the_shuffled_order_are_fold_1() -> None:
    order = [NAMES[position] for position in shuffled_positions(NAMES, 0)]
    assert [folds_of(NAMES, 5)[name] for name in (order[0], order[142], order[143], order[-1])] == [1, 1, 2, 5]


def test_folds_follow_the_names_not_their_order() -> None:
    assert folds_of(NAMES[::-1], 5) == folds_of(NAMES, 5)


def test_groups_stay_in_one_fold_and_folds_are_of_even_size() -> None:
    group_of = {f"{patient}-{number}": f"{patient}" for patient in range(40) for number in range(1 + patient % 9)}
    fold_of = folds_by_group(group_of, 5)
    assert len({(group, fold_of[name]) for name, group in group_of.items()}) == 40
    sizes = Counter(fold_of.values())
    assert set(sizes) == {1, 2, 3, 4, 5} and max(sizes.values()) - min(sizes.values()) <= 1
    assert folds_by_group(dict(reversed(group_of.items())), 5) == fold_of


def test_one_large_group_fills_a_fold() -> None:
    group_of = {f"{number}": "film" if number < 50 else f"{number}" for number in range(80)}
    assert sorted(Counter(folds_by_group(group_of, 3).values()).values()) == [15, 15, 50]
    with pytest.raises(DataError, match="--folds 3: 2 groups"):
        folds_by_group({"a": "1", "b": "1", "c": "2"}, 3)


def test_an_image_of_no_fold_is_trained_on_in_every_fold() -> None:
    fold_of = folds_of(NAMES[:10], 5)
    for fold in range(1, 6):
        parts = assign({"train": NAMES[:11]}, fold_of, fold, 0.1, 0)
        assert len(parts["test"][1]) == 2 and 10 in parts["train"][1] + parts["val"][1]


def test_validation_is_held_out_by_whole_groups() -> None:
    group_of = {name: name[:-1] for name in NAMES}
    parts = assign({"train": NAMES}, folds_by_group(group_of, 5), 2, 0.1, 0, group_of=group_of)
    groups = [{group_of[NAMES[row]] for row in rows} for _, rows in parts.values()]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 72
    assert {split: len(rows) for split, (_, rows) in parts.items()} == {"test": 145, "val": 60, "train": 510}


def test_one_group_alone_leaves_nothing_to_hold_out() -> None:
    group_of = dict.fromkeys(NAMES[:9], "one") | {NAMES[9]: "other"}
    assert "val" not in assign({"train": NAMES[:9]}, {}, None, 0.1, 0, group_of=group_of)
    assert {"train", "val"} == set(assign({"train": NAMES[:10]}, {}, None, 0.9, 0, group_of=group_of))


def test_the_order_is_the_same_on_every_machine() -> None:
    assert shuffled_positions(["a", "b", "c", "d", "e"], 0) == [2, 1, 4, 3, 0]


def test_validation_comes_from_training_and_never_from_the_test_fold() -> None:
    parts = assign({"train": NAMES}, folds_of(NAMES, 5), 3, 0.1, 0)
    rows = {split: set(positions) for split, (_, positions) in parts.items()}
    assert {split: len(found) for split, found in rows.items()} == {"test": 143, "val": 57, "train": 515}
    assert not rows["test"] & rows["val"] and not rows["train"] & (rows["val"] | rows["test"])


def test_stored_splits_are_taken_as_they_are() -> None:
    parts = assign({"train": NAMES[:6], "val": NAMES[6:8], "test": NAMES[8:9]}, {}, None, 0.1, 0)
    assert {split: (group, len(rows)) for split, (group, rows) in parts.items()} == {
        "train": ("train", 6),
        "val": ("val", 2),
        "test": ("test", 1),
    }


def test_stored_validation_images_are_left_alone_where_they_are_for_metrics_alone() -> None:
    names = {"train": NAMES[:20], "val": NAMES[20:26]}
    training = assign(names, {}, None, 0.1, 0, stored=False)
    assert {split: (group, len(rows)) for split, (group, rows) in training.items()} == {
        "train": ("train", 18),
        "val": ("train", 2),
    }
    assert not set(training["train"][1]) & set(training["val"][1])
    assert assign(names, {}, None, 0.1, 0)["val"] == ("val", list(range(6)))


def test_held_out_is_seeded_and_never_empty() -> None:
    assert held_out(NAMES, 0.1, 0) != held_out(NAMES, 0.1, 1)
    assert len(held_out(NAMES[:3], 0.1, 0)) == 1


@pytest.mark.parametrize(
    ("folds", "fold", "reason"), [(5, 6, "1..5"), (5, 0, "1..5"), (None, 1, "not cross-validated")]
)
def test_a_fold_that_does_not_exist(folds: int | None, fold: int, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        assign({"train": NAMES}, folds_of(NAMES, folds), fold, 0.1, 0)
