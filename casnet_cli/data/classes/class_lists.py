"""Files in which tools and data sets list classes: the name of each value or colour of their masks."""

import csv
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from casnet_cli.data.classes.class_table import BACKGROUND
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES, Color
from casnet_cli.util.parsing import json_of, yaml_of

Key = TypeVar("Key")

VOID_NAMES = frozenset(("void", "ignore", "ignored", "__ignore__", "unlabeled", "unlabelled"))
"""Names, in small letters, of pixels without a class."""

GROUND = {"_background_": BACKGROUND}
"""Names that tools have for the class `background`."""

COLORS = "label_colors.txt"
"""The list, in small letters, in which CVAT and datumaro leave the ground out; no copy of CamVid or Cityscapes that
casnet knows has one."""

MACHINE_COLORS = "obj_class_to_machine_color.json"
"""Supervisely's list, in small letters."""

LARGEST = 1 << 20
"""Bytes of a list; a larger file is none."""

LONGEST = 80
"""Characters of a name; a text with longer ones is no list."""

WORDS = re.compile(
    r"(?i)(^|[^a-z])(class(es|_?names?|_?dict(_\w+)?|_?map)?|label(s|_?map|_?colou?rs?|_?names?)?|names|categories|"
    r"colou?r_?(map|table)|palette|legend|objectinfo\d*)$"
)
"""What the name of a list, without its ending, ends with."""


@dataclass(frozen=True)
class Listed:
    """A class as a list has it."""

    name: str
    """Its name."""
    id: int
    """Value in masks: as the list says, else its place, from 0."""
    color: Color | None = None
    """RGB colour; None: the list has none."""

    @property
    def void(self) -> bool:
        """Whether its name says that these pixels have no class."""
        return self.name.lower() in VOID_NAMES


@dataclass(frozen=True)
class ClassList:
    """A list of classes."""

    file: Path
    """Where it lies."""
    classes: tuple[Listed, ...]
    """The classes in their order."""
    numbered: bool = False
    """Whether the list says the values; else they are places, which may be counted from elsewhere."""
    names: Mapping[int, str] = field(init=False)
    """Name of each value."""
    colors: Mapping[Color, str] = field(init=False)
    """Name of each colour."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {one.id: one.name for one in self.classes})
        object.__setattr__(self, "colors", {one.color: one.name for one in self.classes if one.color})


Rows = list[tuple[str, int | None, Color | None]]
"""Name, value and colour of each class."""


def read_list(file: Path) -> ClassList | None:
    """The classes that a file lists; None if it is no list of classes, or cannot be read."""
    read = _reader(file)
    try:
        if read is None or file.stat().st_size > LARGEST:
            return None
        rows = read(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError, csv.Error):
        return None
    rows = [(GROUND.get(name.strip(), name.strip()), value, color) for name, value, color in rows]
    if not 0 < len(rows) <= MAX_CLASSES + 1 or any(not 0 < len(name) <= LONGEST for name, _, _ in rows):
        return None
    numbered = all(value is not None for _, value, _ in rows)
    if not numbered and rows[0][0] == "__ignore__":  # as LabelMe lists it, before the class of value 0
        rows = [*rows[1:], (rows[0][0], None, rows[0][2])]
    listed = tuple(
        Listed(name, value if numbered and value is not None else place, color)
        for place, (name, value, color) in enumerate(rows)
    )
    if len({one.id for one in listed}) < len(listed) or not all(-(1 << 31) <= one.id < 1 << 32 for one in listed):
        return None
    if file.name.lower() == COLORS:
        listed = _with_ground(listed)
    return ClassList(file, listed, numbered)


def _with_ground(classes: Sequence[Listed]) -> tuple[Listed, ...]:
    """The classes as CVAT and datumaro count them: black, else `background`, is the first, listed or not."""
    ground = next((one for one in classes if one.color == (0, 0, 0)), None)
    ground = ground or next((one for one in classes if one.name == BACKGROUND), None)
    colored = any(one.color for one in classes)
    first = ground or Listed(BACKGROUND, 0, (0, 0, 0) if colored else None)
    rest = [one for one in classes if one is not ground]
    return tuple(replace(one, id=place) for place, one in enumerate((first, *rest)))


def _reader(file: Path) -> Callable[[str], Rows] | None:
    """What reads a file of such a name; None: the name is of no list."""
    name, ending = file.name.lower(), file.suffix.lower()
    if name in _JSON:
        return _JSON[name]
    if ending in (".yaml", ".yml"):
        return _of_yaml
    if ending in (".csv", ".tsv") and WORDS.search(file.stem):
        return lambda text: _of_text(text, _LINES[:-1])
    if name == "labelmap.txt":
        return lambda text: _of_text(text, _LINES[:-1] if ":" in text else _LINES)
    return _of_text if ending == ".names" or ending == ".txt" and WORDS.search(file.stem) else None


def _of_text(text: str, forms: "Sequence[re.Pattern[str]] | None" = None) -> Rows:
    """A table with a header, or lines of one of the forms, by default any. Raises ValueError for others."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#") and not line.startswith("INTERPOLATION:")]
    if not lines or len(lines) > 2 * MAX_CLASSES:
        raise ValueError("no lines, or too many")
    if (rows := _of_table(lines)) is not None:
        return rows
    for form in forms or _LINES:
        matches = [form.fullmatch(line) for line in lines]
        if all(matches):
            return [_of_match(match) for match in matches if match]
    raise ValueError("lines of several forms")


_RGB = r"(?P<red>\d+)%s(?P<green>\d+)%s(?P<blue>\d+)"
_LINES = (
    re.compile(rf"(?P<name>.+?):({_RGB % (' *, *', ' *, *')})?:[^:]*:[^:]*"),
    re.compile(rf"(?P<id>-?\d+),{_RGB % (',', ',')},\d+,(?P<name>.+)"),
    re.compile(_RGB % ("[ \t]+", "[ \t]+") + "[ \t]+(?P<name>.+)"),
    re.compile("(?P<id>[0-9]+)[ \t]*[:=, \t][ \t]*(?P<name>.+)"),
    re.compile(r"(?P<name>(?!.*(?:\.png|\.jpe?g|\.tiff?|\.bmp|:)$)[^{}<>\0-\x1f]+)", re.IGNORECASE),
)
"""`road:128,64,128::` of CVAT, `7,128,64,128,255,road` of QGIS, `128 64 128 road` of CamVid, `7: road`, and a name."""


def _of_match(match: "re.Match[str]") -> tuple[str, int | None, Color | None]:
    found = match.groupdict()
    shade = tuple(int(found[part]) for part in ("red", "green", "blue") if found.get(part))
    return found["name"], int(found["id"]) if found.get("id") else None, _color(shade)


def _color(shade: Sequence[int]) -> Color | None:
    """Raises ValueError if channels are beyond 255."""
    if len(shade) < 3:
        return None
    if not all(0 <= channel <= 255 for channel in shade):
        raise ValueError("no colour")
    return shade[0], shade[1], shade[2]


_NAMES = ("name", "class name", "class", "label", "category")
_IDS = ("pixel value", "id", "idx", "index", "value", "class id", "label id", "class index")


def _of_table(lines: Sequence[str]) -> Rows | None:
    """A table with a header that names a column of names, and one of values or three of colours; None: it is none."""
    delimiter = next((one for one in "\t;," if one in lines[0]), ",")
    head, *rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    columns = {re.sub(r"[ _]+", " ", text.strip().lower()): place for place, text in reversed(list(enumerate(head)))}
    name = next((columns[one] for one in _NAMES if one in columns), None)
    value = next((columns[one] for one in _IDS if one in columns and columns[one] != name), None)
    shades = [columns[one] for one in ("r", "g", "b") if one in columns]
    shades = shades or [columns[one] for one in ("red", "green", "blue") if one in columns]
    if name is None or value is None and len(shades) != 3:
        return None
    if any(len(row) < len(head) for row in rows):
        raise ValueError("rows of several lengths")
    return [
        (row[name], None if value is None else int(row[value]), _color([int(row[place]) for place in shades]))
        for row in rows
    ]


def _of_yaml(text: str) -> Rows:
    """Ultralytics' key `names`."""
    try:
        return [(name, value, None) for value, name in yaml_names(yaml_of(text.encode())["names"]).items()]
    except (TypeError, KeyError):
        raise ValueError("no names") from None


def yaml_names(names: object) -> dict[int, str]:
    """Names by their values, of a list or a table. Raises ValueError for anything else."""
    by_id = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(by_id, dict) or not all(isinstance(number, int) for number in by_id):
        raise ValueError("no list and no table of ids")
    return {number: str(name) for number, name in by_id.items()}


def _of_nnunet(text: str) -> Rows:
    return [(name, value, None) for value, name in nnunet_names(json_of(text)).items()]


def nnunet_names(content: object) -> dict[int, str]:
    """Names by their values, of nnU-Net's key `labels`. Raises ValueError if there is none, or if values are lists."""
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict) or not labels:
        raise ValueError("no labels")
    turned = str(next(iter(labels))).isdigit()
    found = {int(key): str(value) for key, value in labels.items()} if turned else {}
    for name, value in () if turned else labels.items():
        if not isinstance(value, int):
            raise ValueError("regions")
        found[value] = name
    return found


def _of_supervisely(text: str) -> Rows:
    """Names with a colour each; greys are the values of masks, of which 0 is the ground."""
    rows: Rows = []
    for name, shade in _table(text).items():
        color = _color([int(channel) for channel in shade])
        rows.append((str(name), color[0] if color and len(set(color)) == 1 else None, color))
    return [(BACKGROUND, 0, (0, 0, 0)), *rows]


def _of_hugging_face(text: str) -> Rows:
    return [(str(name), int(value), None) for value, name in _table(text).items()]


def _table(text: str) -> dict[str, Any]:
    """Raises ValueError if a JSON text is no object."""
    content = json_of(text)
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content


_JSON: dict[str, Callable[[str], Rows]] = {
    "dataset.json": _of_nnunet,
    MACHINE_COLORS: _of_supervisely,
    "id2label.json": _of_hugging_face,
}


def lists_near(files: Iterable[Path], root: Path) -> list[ClassList]:
    """The lists of classes in the folders of files and in those above them, up to `root`; nearest first."""
    own = dict.fromkeys(file.parent for file in files)
    above = [folder for one in own for folder in one.parents if root == folder or root in folder.parents]
    folders = sorted(dict.fromkeys([*own, *above]), key=lambda folder: (-len(folder.parts), str(folder)))
    found = []
    for folder in folders:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        found += [one for name in names if (one := read_list(folder / name))]
    return found


def united(lists: Sequence[ClassList]) -> ClassList | None:
    """The classes of several lists, those of the first one first. Raises DataError if two contradict each other.

    Colours count where there are some, values where lists say them, and else the places.
    """
    if not lists:
        return None
    first, *others = lists
    by_color = bool(first.colors) and not first.numbered
    classes = list(first.classes)
    for other in others:
        known = {one.color if by_color else one.id: one.name for one in classes}
        new = {one.color if by_color else one.id: one.name for one in other.classes}
        if (what := conflict(known, new)) is not None:
            raise DataError(f"{other.file}: {what} in {first.file} (one meaning a value; export again, or --classes)")
        added = [one for one in other.classes if (one.color if by_color else one.id) not in known]
        classes += [replace(one, id=len(classes) + place) for place, one in enumerate(added)] if by_color else added
    return ClassList(first.file, tuple(classes), first.numbered)


def conflict(known: Mapping[Key, str], new: Mapping[Key, str]) -> str | None:
    """A value or colour to which another name is given, in words; None: there is none."""
    for key, name in new.items():
        if known.get(key, name) != name:
            return f"{key} is {name!r}, and {known[key]!r}"
    return None
