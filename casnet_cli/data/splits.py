"""Division of the images into train, val and test: by stored split, by fold, and by a seeded share of train."""

import hashlib
from collections.abc import Sequence

from casnet_cli.errors import DataError

SPLITS = ("train", "val", "test")

FOLD_SEED = 0
"""Of the order that is cut into folds; the same for everybody, so that folds can be compared."""


def shuffled_positions(names: Sequence[str], seed: int) -> list[int]:
    """Positions of `names` in a random order that depends on the names and the seed alone, on every machine."""
    return sorted(range(len(names)), key=lambda index: hashlib.sha256(f"{seed}/{names[index]}".encode()).digest())


def fold_members(names: Sequence[str], folds: int, fold: int) -> list[int]:
    """Positions of fold 1..folds: the shuffled names cut into pieces whose sizes differ by at most one."""
    if not 1 <= fold <= folds:
        raise DataError(f"--fold {fold}: no such fold (1..{folds})")
    order = shuffled_positions(names, FOLD_SEED)
    bounds = [len(names) * part // folds for part in (fold - 1, fold)]
    return sorted(order[bounds[0] : bounds[1]])


def folds_of(names: Sequence[str], folds: int | None) -> dict[str, int]:
    """The fold, from 1, of each name; empty if there are no folds."""
    members = {fold: fold_members(names, folds, fold) for fold in range(1, folds + 1)} if folds else {}
    return {names[position]: fold for fold, positions in members.items() for position in positions}


def held_out(names: Sequence[str], fraction: float, seed: int) -> list[int]:
    """Positions of a validation part, in ascending order: `fraction` of the names, at least one."""
    return sorted(shuffled_positions(names, seed)[: max(1, round(len(names) * fraction))])


def assign(
    names: dict[str, list[str]],
    folds: int | None,
    fold: int | None,
    fraction: float,
    seed: int,
    stored: bool = True,
) -> dict[str, tuple[str, list[int]]]:
    """The stored group, and the positions in it, of each of train, val and test that exist.

    names: of the samples of each stored group. folds: number of folds of the set; `test` is then the images of `fold`,
    by default the first. stored: use the stored `val` images; if not, or if there are none, `val` is the share
    `fraction` of the training images, by `seed`. Raises DataError if there is no such fold.
    """
    if fold is not None and not folds:
        raise DataError(f"--fold {fold}: this data set is not cross-validated (leave --fold away)")
    parts: dict[str, tuple[str, list[int]]] = {}
    train = list(range(len(names.get("train", ()))))
    if folds:
        test = fold_members(names["train"], folds, 1 if fold is None else fold)
        parts["test"] = ("train", test)
        train = sorted(set(train) - set(test))
    elif "test" in names:
        parts["test"] = ("test", list(range(len(names["test"]))))
    if "val" in names and stored:
        parts["val"] = ("val", list(range(len(names["val"]))))
    elif len(train) > 1:
        validation = held_out([names["train"][index] for index in train], fraction, seed)
        parts["val"] = ("train", [train[index] for index in validation])
        train = sorted(set(train) - set(parts["val"][1]))
    if train:
        parts["train"] = ("train", train)
    return parts
