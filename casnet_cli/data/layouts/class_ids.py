"""A table of classes from what a layout brings: ids, or a list of a tool."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from casnet_cli.data.classes.class_lists import COLORS, ClassList, read_list, united
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.masks import mask_file
from casnet_cli.errors import DataError, Unfit
from casnet_cli.labels import MAX_CLASSES, VOID, Color, LabelSet, with_colors


def table_of(names: Mapping[int, str], void: list[int], where: Path) -> ClassTable:
    """Classes by their ids; several ids of one name are one class. Raises DataError for none or too many."""
    classes = tuple(dict.fromkeys(names[number] for number in sorted(names)))
    if not 0 < len(classes) <= MAX_CLASSES:
        raise DataError(f"{where}: {len(classes)} classes (expected 1 to {MAX_CLASSES})")
    ids = {number: classes.index(name) for number, name in names.items()}
    return ClassTable(with_colors(classes), {**dict.fromkeys(void, VOID), **ids})


def table_of_list(found: ClassList, by_color: bool) -> ClassTable:
    """The classes of a list, by their colours or by their values, in its colours; void where names say so.

    Raises DataError for none or too many, or if two have one colour and colours count.
    """
    kept = [one for one in found.classes if not one.void]
    names = tuple(dict.fromkeys(one.name for one in kept))
    if not 0 < len(names) <= MAX_CLASSES:
        raise DataError(f"{found.file}: {len(names)} classes (expected 1 to {MAX_CLASSES})")
    given = {one.name: one.color for one in reversed(kept) if one.color}
    palette = [given.get(name) or spare for name, spare in zip(names, with_colors(names).palette, strict=True)]
    labels = LabelSet(names, tuple(palette))
    owners = {one.id: VOID if one.void else names.index(one.name) for one in found.classes}
    if not by_color:
        return ClassTable(labels, owners)
    colors: dict[tuple[int, ...], int] = {}
    for one in found.classes:
        if one.color and colors.setdefault(one.color, owners[one.id]) != owners[one.id]:
            raise DataError(
                f"{found.file}: {one.color} is the colour of {one.name!r} and another class (one class each)"
            )
    return ClassTable(labels, colors=colors)


def brought(tree: Tree, masks: Iterable[Path], names: tuple[str, ...]) -> tuple[ClassList | None, str]:
    """The list of classes of such a name in the folders of masks or above, and the words that it adds to the evidence.

    names: of files, in small letters. Raises DataError if two of them contradict each other.
    """
    folders = {above for folder in {file.parent for file in masks} for above in (folder, *folder.parents)}
    files = [file for file in (*tree.lists, *tree.json) if file.name.lower() in names and file.parent in folders]
    for file in files:
        _refuse_damaged(file)
    lists = {file: read_list(file) for file in files}
    classes = united([one for one in lists.values() if one])
    wrong = [f"; {tree.relative(file)} is no list of classes" for file, one in lists.items() if one is None]
    by = f", classes by {tree.relative(classes.file)}" if classes else ""
    return classes, by + "".join(wrong[:1])


def _refuse_damaged(file: Path) -> None:
    """Raise DataError naming the line of a list of colours that begins with a number and is no colour and name."""
    if file.name.lower() != COLORS:
        return
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
        if re.match(r"\s*\d", line) and not re.match(r"\s*(\d+\s+){3}\S", line):
            raise DataError(
                f"{file}: line {number}: {line.strip()[:40]!r} is no colour and name (expected 128 64 128 road)"
            )


def painted(found: ClassList) -> ClassList:
    """The list with Pascal VOC's colour of each value, if it has no colours itself."""
    if any(one.color for one in found.classes):
        return found
    return ClassList(found.file, tuple(replace(one, color=_voc(one.id)) for one in found.classes), found.numbered)


def _voc(value: int) -> Color:
    """Of its nine bits every third one makes a channel, the lowest the highest bit of it."""
    channels = [sum((value >> 3 * place + part & 1) << 7 - place for place in range(8)) for part in range(3)]
    return channels[0], channels[1], channels[2]


def table_by_look(found: ClassList, mask: Path) -> ClassTable:
    """The classes of a list by values or by colours, as a mask holds them. Raises DataError as `table_of_list` does."""
    try:
        one = mask_file.read(mask)
    except Unfit:
        return table_of_list(painted(found), True)
    colored = any(listed.color for listed in found.classes)
    if one.single and (one.palette is None or not colored):
        return table_of_list(found, False)
    return table_of_list(painted(found), True)
