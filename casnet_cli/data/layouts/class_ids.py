"""A table of classes from the ids that a layout brings."""

from collections.abc import Mapping
from pathlib import Path

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES, VOID, with_colors


def table_of(names: Mapping[int, str], void: list[int], where: Path) -> ClassTable:
    """Classes by their ids; several ids of one name are one class. Raises DataError for none or too many."""
    classes = tuple(dict.fromkeys(names[number] for number in sorted(names)))
    if not 0 < len(classes) <= MAX_CLASSES:
        raise DataError(f"{where}: {len(classes)} classes (expected 1 to {MAX_CLASSES})")
    ids = {number: classes.index(name) for number, name in names.items()}
    return ClassTable(with_colors(classes), {**dict.fromkeys(void, VOID), **ids})
