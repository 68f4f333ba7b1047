"""Pairs by a pattern that the user gives: `--pair "{stem}.jpg:{stem}_seg.png"`."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.lists import is_picture
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.errors import DataError, InputError
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count

FORM = "'{stem}.jpg:{stem}_seg.png'"


def by_pattern(images: Tree, masks: Tree, text: str) -> Layout:
    """Pictures and masks whose names follow a pattern each, separated by a colon, with the same text for `{stem}`.

    A side with '/' is the whole path below the folder, else the name in whatever sub-folder; `*` is any text; without
    an ending any picture. Other names in braces stand for texts that both sides have too. Raises InputError for another
    form, DataError if no picture follows it or two files are meant by one name.
    """
    sides = text.split(":")
    if len(sides) != 2 or any("{" not in side for side in sides):
        raise InputError(f"--pair {text}: no pattern of pairs (expected {FORM})")
    if _fields(sides[0]) != _fields(sides[1]):
        raise InputError(f"--pair {text}: both sides need the same names in braces (expected {FORM})")
    pictures, labels = _matching(images, sides[0]), _matching(masks, sides[1])
    label_of: dict[Path, Path] = {}
    by_values: dict[tuple[str, ...], list[tuple[Path, str]]] = defaultdict(list)
    for file, (values, group) in labels.items():
        by_values[values].append((file, group))
    for file, (values, group) in pictures.items():
        same = [(other, place) for other, place in by_values[values] if other != file]
        near = [other for other, place in same if place == group] or [other for other, _ in same]
        if len(near) > 1:
            raise DataError(f"{file}: could belong to {near[0]} and {near[1]} by {text} (name the sub-folders)")
        if near:
            label_of[file] = near[0]
    chosen = [file for file in pictures if file not in set(label_of.values())]
    if not chosen:
        there = count(len(images.pictures), "picture")
        raise DataError(f"{images.root}: no picture is named like {sides[0]} ({there} in it)")
    pairs = []
    for one in images.listed(chosen)[0]:
        label = label_of.get(one.file)
        fault = None if label else missing_partner(one.file, None, masks.root)
        pairs.append(FilePair(one.name, one.file, label, fault))
    used = {one.label for one in pairs}
    spare = tuple(file for file in labels if file not in used and file not in chosen)
    return Layout("pictures and masks", f"--pair {typed(text)}", tuple(pairs), spare, masks.root)


def _fields(side: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", side))


def _expression(side: str) -> "re.Pattern[str]":
    seen: set[str] = set()

    def one(match: "re.Match[str]") -> str:
        token = match.group()
        if token == "*":
            return "[^/]*"
        if not token.startswith("{"):
            return re.escape(token)
        name = match.group(1)
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)" if name == "stem" else f"(?P<{name}>[^/]+?)"

    pattern = re.sub(r"\{(\w+)\}|\*|[^{*]+|\{", one, folded(side))
    return re.compile(pattern)


def _matching(tree: Tree, side: str) -> dict[Path, tuple[tuple[str, ...], str]]:
    """The files of a pattern: what its braces stand for, and the sub-folders of those that name none."""
    found = {}
    expression, whole, ending = _expression(side), "/" in side, is_picture(side)
    for file in tree.pictures:
        path = tree.relative(file)
        text = path.as_posix() if whole else path.name
        match = expression.fullmatch(folded(text if ending else str(PurePosixPath(text).with_suffix(""))))
        if match:
            values = tuple(value for _, value in sorted(match.groupdict().items()))
            found[file] = (values, "" if whole else tree.group(file))
    return found
