"""Division of the images into train, val and test: by stored split, by fold, and by a seeded share of train."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from casnet_cli.errors import DataError

SPLITS = ("train", "val", "test")

FOLD_SEED = 0
"""Of the order that is cut into folds; the same for everybody, so that folds can be compared."""

NO_GROUPS: Mapping[str, str] = {}
"""Every image stands by itself."""


def shuffled_positions(names: Sequence[str], seed: int) -> list[int]:
    """Positions of `names` in a random order that depends on the names and the seed alone, on every machine."""
    return sorted(range(len(names)), key=lambda index: hashlib.sha256(f"{seed}/{names[index]}".encode()).digest())


def folds_of(names: Sequence[str], folds: int | None) -> dict[str, int]:
    """The fold, from 1, of each name: the shuffled names cut into pieces whose sizes differ by at most one; empty if
    there are no folds."""
    order = shuffled_positions(names, FOLD_SEED) if folds else []
    bounds = [len(names) * part // folds for part in range(folds + 1)] if folds else []
    pieces = [order[start:end] for start, end in pairwise(bounds)]
    return {names[position]: fold for fold, piece in enumerate(pieces, 1) for position in piece}


def folds_by_group(group_of: Mapping[str, str], folds: int) -> dict[str, int]:
    """The fold, from 1, of each name, where names of one group share it: the largest groups first, each goes to the
    fold that has the fewest names yet. Raises DataError if there are fewer groups than folds."""
    sizes = Counter(group_of.values())
    if len(sizes) < folds:
        raise DataError(f"--folds {folds}: {len(sizes)} groups (2 folds at least, a group each)")
    every = sorted(sizes)
    shuffled = [every[position] for position in shuffled_positions(every, FOLD_SEED)]
    filled, fold_of = [0] * folds, {}
    for group in sorted(shuffled, key=lambda one: -sizes[one]):
        fold_of[group] = filled.index(min(filled)) + 1
        filled[fold_of[group] - 1] += sizes[group]
    return {name: fold_of[group] for name, group in group_of.items()}


def whole_groups(groups: Sequence[str], wanted: float, seed: int) -> list[str]:
    """The first groups in shuffled order that have about `wanted` members together, at least one group.

    groups: of each member.
    """
    sizes = Counter(groups)
    every = sorted(sizes)
    chosen: list[str] = []
    taken = 0
    for position in shuffled_positions(every, seed):
        size = sizes[every[position]]
        if taken and abs(taken + size - wanted) > abs(taken - wanted):
            break
        chosen.append(every[position])
        taken += size
    return chosen


def held_out(names: Sequence[str], fraction: float, seed: int, group_of: Mapping[str, str] = NO_GROUPS) -> list[int]:
    """Positions of a validation part, in ascending order: `fraction` of the names, at least one.

    group_of: groups that stay whole, of every name; then at least one of them is not held out.
    """
    if not group_of:
        return sorted(shuffled_positions(names, seed)[: max(1, round(len(names) * fraction))])
    groups = [group_of[name] for name in names]
    chosen = whole_groups(groups, len(names) * fraction, seed)[: len(set(groups)) - 1]
    return [position for position, group in enumerate(groups) if group in chosen]


def assign(
    names: Mapping[str, Sequence[str]],
    fold_of: Mapping[str, int],
    fold: int | None,
    fraction: float,
    seed: int,
    stored: bool = True,
    group_of: Mapping[str, str] = NO_GROUPS,
    added: int = 0,
) -> dict[str, tuple[str, list[int]]]:
    """The stored split, and the positions in it, of each of train, val and test that exist.

    names: of the samples of each stored split. fold_of: the fold of each training image that is in one; if there are
    folds, `test` is the images of `fold`, by default the first. stored: use the stored `val` images; if not, or if
    there are none, `val` is the share `fraction` of the training images, by `seed`, in whole groups by `group_of`.
    added: the last training images, which came later and change nothing of it: they are trained on, or where their
    group is. Raises DataError if there is no such fold.
    """
    folds = max(fold_of.values(), default=0)
    if fold is not None and not folds:
        raise DataError(f"--fold {fold}: this data set is not cross-validated (leave --fold away)")
    if fold is not None and not 1 <= fold <= folds:
        raise DataError(f"--fold {fold}: no such fold (1..{folds})")
    parts: dict[str, tuple[str, list[int]]] = {}
    train = list(range(len(names.get("train", ()))))
    if folds:
        test = [position for position in train if fold_of.get(names["train"][position]) == (fold or 1)]
        parts["test"] = ("train", test)
        train = sorted(set(train) - set(test))
    elif "test" in names:
        parts["test"] = ("test", list(range(len(names["test"]))))
    if "val" in names and stored:
        parts["val"] = ("val", list(range(len(names["val"]))))
    elif validation := _validation(names.get("train", ()), train, added, fraction, seed, group_of):
        parts["val"] = ("train", validation)
        train = sorted(set(train) - set(validation))
    if train:
        parts["train"] = ("train", train)
    return parts


def _validation(
    names: Sequence[str], train: Sequence[int], added: int, fraction: float, seed: int, group_of: Mapping[str, str]
) -> list[int]:
    """The positions among `train` that are held out, in ascending order; the arguments are those of `assign`."""
    first = [position for position in train if position < len(names) - added]
    if len(first) < 2:
        return []
    chosen = {first[index] for index in held_out([names[position] for position in first], fraction, seed, group_of)}
    groups = {group_of[names[position]] for position in chosen} if group_of and added else set()
    return [position for position in train if position in chosen or group_of.get(names[position]) in groups]
