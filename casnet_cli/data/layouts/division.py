"""How the images of one's own data are divided into train, val and test."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casnet_cli.data import splits
from casnet_cli.data.layouts.lists import Finder, read_lines, read_rows
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError, InputError


@dataclass(frozen=True)
class Division:
    """How images are divided into splits: by sub-folders `train/`, `val/` and `test/` unless a field says otherwise.

    Its text is part of the stamp by which an unchanged source is recognized: new names of class or fields would have
    all folders prepared again.
    """

    val: float = 0.0
    """Share of the images for val."""
    test: float = 0.0
    """Share of the images for test."""
    lists: tuple[Path | None, ...] = ()
    """Files that list the names of train, val and test; None for a split without images."""
    folds: int | None = None
    """Number of folds of cross-validation."""
    seed: int = 0
    """Decides, with the names, which images the shares take."""
    group_by: str | None = field(default=None, repr=False)
    """Pattern of the part of a name that images of one split share: a regular expression, or a text with `{group}`."""
    undivided: bool = field(default=False, repr=False)
    """Whether all images are train, whatever their names."""


def assign_splits(names: Sequence[str], division: Division, files: Mapping[str, Path] | None = None) -> dict[str, str]:
    """The split of each name.

    files: the image of each name, for lists that name it by its folders. Raises DataError if a list names no image or
    one that is not there, an image is in two splits, or none is left for training.
    """
    if division.undivided:
        found = dict.fromkeys(names, "train")
    elif division.lists:
        found = _by_lists(names, division.lists, files or {})
    elif division.folds is not None:
        if not 2 <= division.folds <= len(names):
            raise DataError(f"--folds {division.folds}: {len(names)} images (2 folds at least, an image each)")
        found = dict.fromkeys(names, "train")
    elif division.val or division.test:
        groups = groups_of(names, division.group_by)
        return _by_groups(groups, division) if groups else _by_fractions(names, division)
    else:
        found = _by_sub_folders(names)
    return found


def check_whole(split_of: Mapping[str, str], groups: Mapping[str, str]) -> None:
    """Raises DataError if images of one group are in two splits."""
    of_group: dict[str, tuple[str, str]] = {}
    for name, split in split_of.items():
        first, other = of_group.setdefault(groups.get(name, name), (name, split))
        if other != split:
            raise DataError(f"--group-by: {first} is in {other} and {name} in {split}, of one group {groups[name]!r}")


def _by_sub_folders(names: Sequence[str]) -> dict[str, str]:
    tops = {name: TOPS.get(name.partition("/")[0].lower()) if "/" in name else None for name in names}
    if not any(tops.values()):
        return dict.fromkeys(names, "train")
    if stray := next((name for name, top in tops.items() if top is None), None):
        raise DataError(f"{stray}: lies outside train/, val/ and test/ (move it, or divide in another way)")
    return {name: top for name, top in tops.items() if top}


def _by_fractions(names: Sequence[str], division: Division) -> dict[str, str]:
    order = [names[index] for index in splits.shuffled_positions(names, division.seed)]
    counts = [max(1, round(len(names) * share)) if share else 0 for share in (division.test, division.val)]
    if sum(counts) >= len(names):
        raise DataError(f"{len(names)} images: none is left to train on (smaller --val-fraction or --test-fraction)")
    kinds = ["test"] * counts[0] + ["val"] * counts[1] + ["train"] * (len(names) - sum(counts))
    by_name = dict(zip(order, kinds, strict=True))
    return {name: by_name[name] for name in names}


def groups_of(names: Sequence[str], pattern: str | None) -> dict[str, str]:
    """The group of each name: what `{group}` of the pattern stands for, or the first group of a regular expression, or
    all that it finds; empty without a pattern. Raises InputError for a pattern that is none, DataError for a name in
    which it finds nothing, and if all names are of one group."""
    if pattern is None:
        return {}
    if "{group}" in pattern:
        parts = [re.escape(part).replace(r"\*", ".*") for part in pattern.split("{group}")]
        pattern = parts[0] + "(.+?)" + "(?:.+?)".join(parts[1:])
        pattern = rf"(?:^|/){pattern}$" if "/" not in pattern else f"^{pattern}$"
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--group-by {pattern}: no regular expression: {error} (or a text with {{group}})") from None
    found = {}
    for name in names:
        match = expression.search(name)
        if match is None:
            raise DataError(f"--group-by: {name} has no group by {pattern} (expected to be found in every name)")
        found[name] = match.group(1) if expression.groups and match.group(1) is not None else match.group()
    if len(set(found.values())) == 1:
        raise DataError(
            f"--group-by: all images are of one group, {found[names[0]]!r} (a pattern that tells them apart)"
        )
    return found


def _by_groups(groups: dict[str, str], division: Division) -> dict[str, str]:
    """Whole groups in the order of their shuffled names, until a split has its share of the images."""
    split_of: dict[str, str] = {}
    for split, share in (("test", division.test), ("val", division.val)):
        left = [group for group in groups.values() if group not in split_of] if share else []
        split_of |= dict.fromkeys(splits.whole_groups(left, share * len(groups), division.seed), split)
    every = len(set(groups.values()))
    if len(split_of) >= every:
        raise DataError(f"--group-by: {every} groups: none is left to train on (smaller shares, or more groups)")
    return {name: split_of.get(group, "train") for name, group in groups.items()}


def listed_names(file: Path, finder: Finder) -> Iterator[tuple[int, str, str]]:
    """Of each line of a list its number from 1, its text, and the one file that it names. Raises DataError."""
    columns = dict(read_rows(file))
    for number, text in read_lines(file):
        matches = finder.matches(text)
        if not matches and columns.get(number, ()):
            matches = finder.matches(columns[number][0])
        if len(matches) != 1:
            wrong = f"could be {matches[0]} or {matches[1]}" if matches else "is not among the images"
            raise DataError(f"{file}: line {number}: {text} {wrong} (name it with its sub-folder)")
        yield number, text, matches[0]


def _by_lists(names: Sequence[str], lists: Sequence[Path | None], files: Mapping[str, Path]) -> dict[str, str]:
    finder = Finder({name: files.get(name, Path(name)) for name in names})
    split_of: dict[str, str] = {}
    for split, file in zip(SPLITS, lists, strict=False):
        if file is None:
            continue
        for number, text, name in listed_names(file, finder):
            if split_of.setdefault(name, split) != split:
                raise DataError(f"{file}: line {number}: {text} is in {split_of[name]} already (one split an image)")
        if split not in split_of.values():
            raise DataError(f"{file}: names no image (leave a list out by -)")
    return split_of
