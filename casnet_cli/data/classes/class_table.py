"""The table of classes of one's own data, `classes.toml`: the class of each value or colour of a mask."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casnet_cli.errors import DataError, reason
from casnet_cli.labels import MAX_CLASSES, VOID, VOID_COLOR, LabelSet, with_colors
from casnet_cli.util.parsing import toml_of
from casnet_cli.util.visible import few, quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Key = TypeVar("Key", int, str, tuple[int, ...])
Id = Annotated[int, Field(ge=-(1 << 31), le=(1 << 32) - 1)]
Label = Annotated[str, Field(min_length=1)]
Channel = Annotated[int, Field(ge=0, le=255)]
Color = Annotated[list[Channel], Field(min_length=3, max_length=3)]

UNKNOWN = -1
"""In place of a class id: a value or colour that no class and no void claims."""

FORM = (
    'void = {ids = [255]} or void = "rest", then [[class]] with name = "road" and ids = [7] or '
    'color = [128, 64, 128], or labels = ["road", "Road"] for names'
)

REST = "rest"
"""In place of the table `void`: all that no class claims is void."""

BACKGROUND = "background"
"""Name of the class of all pixels outside of the outlines, where there is such a class."""


class _Void(BaseModel):
    """What means void."""

    model_config = ConfigDict(extra="forbid", strict=True)
    ids: list[Id] = []
    """Values of a mask."""
    colors: list[Color] = []
    """RGB colours of a mask."""
    labels: list[Label] = []
    """Names that labelling tools write."""


class _Class(BaseModel):
    """A class of the table; several of one name are merged."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1)]
    """Name of the class."""
    color: Color | None = None
    """RGB colour of a mask that means it, and its colour in pictures; None: a generated one in pictures."""
    ids: list[Id] = []
    """Values of a mask that mean it."""
    labels: list[Label] = []
    """Names in annotations of labelling tools that mean it; its own name does too, unless something else claims it."""


class _Table(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    void: _Void = _Void()
    """Key `void`."""
    classes: Annotated[list[_Class], Field(alias="class", min_length=1)]
    """Key `class`."""


@dataclass(frozen=True)
class ClassTable:
    """What the values and colours of masks mean."""

    labels: LabelSet
    """The classes in the order of the file, those of one name merged."""
    ids: dict[int, int] = field(default_factory=dict)
    """Class id, or VOID, of each value of a mask; empty if the masks are in colours."""
    colors: dict[tuple[int, ...], int] = field(default_factory=dict)
    """Class id, or VOID, of each RGB colour; empty if the masks have values."""
    names: dict[str, int] = field(default_factory=dict)
    """Class id, or VOID, of each name in annotations that the key `labels` claims."""
    rest: bool = False
    """Whether values, colours and names that nothing claims are void; else they are an error."""

    def class_of_name(self, name: str) -> int | None:
        """Class id, or VOID, of a name in annotations: by `labels`, else of the class of that name; None: none is."""
        if name in self.names:
            return self.names[name]
        return self.labels.names.index(name) if name in self.labels.names else None

    @cached_property
    def by_id(self) -> np.ndarray:
        """(65536,) int16: class id, VOID or UNKNOWN of each value from 0 to 65535."""
        table = np.full(1 << 16, UNKNOWN, np.int16)
        for value, class_id in self.ids.items():
            if 0 <= value < len(table):
                table[value] = class_id
        return table

    @cached_property
    def _ordered_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """All values that are claimed, in ascending order, and the class id or VOID of each."""
        values = sorted(self.ids)
        return np.array(values, np.int64), np.array([self.ids[value] for value in values], np.int16)

    def classes_of_ids(self, values: np.ndarray) -> np.ndarray:
        """int16 class ids, VOID or UNKNOWN of values of any integer type."""
        if values.dtype in (np.uint8, np.uint16):
            return self.by_id[values]
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        if low >= 0 and high < len(self.by_id):
            return self.by_id[values]
        known, classes = self._ordered_ids
        if not len(known):
            return np.full(values.shape, UNKNOWN, np.int16)
        whole = (np.minimum(values, 1 << 62) if values.dtype == np.uint64 else values).astype(np.int64)
        place = np.minimum(np.searchsorted(known, whole), len(known) - 1)
        return np.where(known[place] == whole, classes[place], np.int16(UNKNOWN))

    @cached_property
    def by_color(self) -> np.ndarray:
        """(2²⁴,) int16: class id, VOID or UNKNOWN of each colour, packed as red · 2¹⁶ + green · 2⁸ + blue."""
        table = np.full(1 << 24, UNKNOWN, np.int16)
        for (red, green, blue), class_id in self.colors.items():
            table[red << 16 | green << 8 | blue] = class_id
        return table


def load(path: Path) -> ClassTable:
    """Read a `classes.toml`. Raises DataError with every fault found."""
    try:
        raw = toml_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable table of classes: {reason(error)} (expected {FORM})") from None
    rest = raw.get("void") == REST
    try:
        table = _Table.model_validate({key: value for key, value in raw.items() if key != "void"} if rest else raw)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise DataError(*few(faults, lambda fault: f"{path}: {_sentence(fault)}", str(path))) from None
    return replace(_checked(table, path), rest=rest)


def _sentence(fault: "ErrorDetails") -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place} (expected {FORM})"
    words = "should be a table" if fault["type"] == "model_type" else str(fault["msg"])  # pydantic's name the class
    text = f"{words[:1].lower()}{words[1:]}".removeprefix("input ").replace(" after validation", "")
    return f"{place}: {text} (expected {FORM})"


def _checked(table: _Table, path: Path) -> ClassTable:
    names = list(dict.fromkeys(entry.name for entry in table.classes))
    if len(names) > MAX_CLASSES:
        raise DataError(f"{path}: {len(names)} classes (at most {MAX_CLASSES})")
    faults: list[str] = []
    ids: dict[int, int] = {}
    colors: dict[tuple[int, ...], int] = {}
    labels: dict[str, int] = {}

    def claim(claimed: dict[Key, int], key: Key, class_id: int) -> None:
        if claimed.setdefault(key, class_id) != class_id:
            owners = " and ".join("void" if owner == VOID else repr(names[owner]) for owner in (claimed[key], class_id))
            shown = quoted(key) if isinstance(key, str) else key
            faults.append(f"{path}: {shown} is claimed by {owners} (one class a value)")

    for value in table.void.ids:
        claim(ids, value, VOID)
    for color in table.void.colors:
        claim(colors, tuple(color), VOID)
    for label in table.void.labels:
        claim(labels, label, VOID)
    for entry in table.classes:
        if entry.color is None and not entry.ids and not entry.labels:
            faults.append(f"{path}: class {entry.name!r} has neither ids nor color nor labels (expected {FORM})")
        for label in entry.labels:
            claim(labels, label, names.index(entry.name))
        for value in entry.ids:
            claim(ids, value, names.index(entry.name))
        if entry.color is not None:
            claim(colors, tuple(entry.color), names.index(entry.name))
    if faults:
        raise DataError(*few(faults, str, str(path)))
    return ClassTable(_with_palette(table, names), ids, colors, labels)


def _with_palette(table: _Table, names: list[str]) -> LabelSet:
    """The classes with the colours of the table, the first one of a merged class; generated where there is none."""
    given: dict[str, tuple[int, int, int]] = {}
    for entry in table.classes:
        if entry.color:
            red, green, blue = entry.color
            given.setdefault(entry.name, (red, green, blue))
    generated = with_colors(tuple(names)).palette
    palette = [given.get(name, color) for name, color in zip(names, generated, strict=True)]
    return LabelSet(tuple(names), tuple(palette))


def background_id(names: Sequence[str]) -> int:
    """The class id of pixels outside all shapes: that of the class `background` if there is one, else VOID."""
    return names.index(BACKGROUND) if BACKGROUND in names else VOID


def of_classes(labels: LabelSet, masks: bool) -> ClassTable:
    """The table of classes that are known: by their names, and in masks by their ids or colours too, as casnet writes
    them."""
    if not masks:
        return ClassTable(labels)
    colors: dict[tuple[int, ...], int] = {VOID_COLOR: VOID}
    colors.update({color: number for number, color in reversed([*enumerate(labels.palette)])})
    return ClassTable(labels, {VOID: VOID} | {number: number for number in range(len(labels))}, colors)
