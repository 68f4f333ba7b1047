"""Which columns of a table hold the pictures and the masks, and what the values of the masks mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.layouts.beside import looks_like_masks
from casnet_cli.data.layouts.names import MASK_WORDS, NOISE, role, words
from casnet_cli.data.masks.mask_census import census
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.tables.pictures import PictureWriter
from casnet_cli.data.tables.reading import Column, Table, cell
from casnet_cli.errors import CasnetError, DataError
from casnet_cli.labels import VOID

LOOKS, MOST_ROWS = 3, 200
"""Pictures of a column that are looked at, and rows among which they are looked for."""

LOOKED = ".looked-at"
"""Sub-folder of what is unpacked to look at; it may be removed."""

HOW = "name both by --images COLUMN --masks COLUMN"


@dataclass(frozen=True)
class PictureColumns:
    """What was found in the columns of a table."""

    picture: str
    """Name of the column of pictures."""
    mask: str
    """Name of the column of masks."""
    classes: Mapping[int, str]
    """Names of classes by the values of masks; empty if no column says them."""


def picture_columns(file: Path, table: Table, given: tuple[str, str] | None, pictures: PictureWriter) -> PictureColumns:
    """Find the columns by the names, else by a look at the first rows.

    file: of the table. given: names of both, by options. Raises DataError saying which columns there are.
    """
    binary = [column.name for column in table.columns if column.binary]
    lists = [column for column in table.columns if column.names]
    files: dict[str, list[Path]] = {name: [] for name in binary}
    listed: dict[str, list[Sequence[object]]] = {name: [] for name in binary}
    for row in islice(table.rows([*binary, *(column.name for column in lists)]), MOST_ROWS):
        for place, name in enumerate(binary):
            if len(files[name]) < LOOKS and any(one := cell(row[place])):
                files[name].append(pictures.write(f"{LOOKED}/{place}/{len(files[name])}", one, file))
                listed[name].append(row[len(binary) :])
        if all(len(found) == LOOKS for found in files.values()):
            break
    files = {name: looked for name, looked in files.items() if any(map(_is_picture, looked))}
    picture, mask = given or _by_names(list(files)) or _by_look(files) or ("", "")
    if not {picture, mask} <= files.keys() or picture == mask:
        raise DataError(f"{file}: {_described(table.columns, list(files), given)}")
    return PictureColumns(picture, mask, _classes(lists, listed[mask], files[mask]))


def _is_picture(file: Path) -> bool:
    try:
        info_of(file)
    except (*UNREADABLE, MemoryError):
        return False
    return True


def _by_names(names: Sequence[str]) -> tuple[str, str] | None:
    """`image` and `label`; of several masks the one whose name says nothing else."""
    masks = [name for name in names if role(name) == "mask"]
    others = [name for name in names if name not in masks]
    if len(masks) > 1:
        masks = [name for name in masks if set(words(name)) <= MASK_WORDS | NOISE]
    if len(others) > 1:
        others = [name for name in others if role(name) == "picture"]
    return (others[0], masks[0]) if len(masks) == len(others) == 1 else None


def _by_look(files: Mapping[str, list[Path]]) -> tuple[str, str] | None:
    """Of two columns the one of fewer values is the masks."""
    if len(files) != 2:
        return None
    one, other = files
    return (other, one) if looks_like_masks(files[one], files[other]) else (one, other)


def _described(columns: Sequence[Column], pictures: Sequence[str], given: tuple[str, str] | None) -> str:
    """What there is, in words, where pictures and masks cannot be told."""
    there = ", ".join(f"{one.name} ({'pictures' if one.name in pictures else one.type})" for one in columns)
    if given:
        return f"no two columns of pictures are called {given[0]} and {given[1]}; there are {there}"
    if not pictures:
        return f"no column holds pictures; there are {there or 'none'}"
    if len(pictures) == 1:
        return f"one column alone holds pictures, so there are no masks; there are {there}"
    return f"several columns hold pictures, and nothing tells which are the masks; there are {there} ({HOW})"


def _classes(lists: Sequence[Column], rows: Sequence[Sequence[object]], masks: Sequence[Path]) -> dict[int, str]:
    """Names of the classes of a column that lists those in each mask; it does so in the first rows, or is of others."""
    try:
        held = [set(census(file).pixels) - {0, VOID} for file in masks]
    except CasnetError:
        return {}
    for place, column in enumerate(lists):
        listed = [set(row[place]) if isinstance(row[place], list) else set() for row in rows]  # type: ignore[call-overload]
        if len(held) == len(listed) and any(held) and all(own <= of for own, of in zip(held, listed, strict=True)):
            return dict(enumerate(column.names))
    return {}
