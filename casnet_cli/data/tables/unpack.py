"""Unpack tables of pictures into a temporary folder, as archives are."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from casnet_cli.data.archives import Unpacking, limit_of, unpacked_folder, unpacking
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.data.tables.columns import LOOKED, PictureColumns, picture_columns
from casnet_cli.data.tables.files import TABLE_ENDINGS, TableFile
from casnet_cli.data.tables.pictures import PictureWriter
from casnet_cli.data.tables.reading import Cell, Table, cell, check_readable, faults, open_table
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES
from casnet_cli.util.parsing import json_of
from casnet_cli.util.text import count

PICTURES, MASKS = "images", "masks"
"""Sub-folders of the unpacked folder, with a sub-folder for each split: `images/train/NAME.jpg`."""

RECORD = ".tables.json"
"""File of the unpacked folder: `evidence` in words, and `classes`, the name of each value of masks."""

NAMES = "id2label.json"
"""File beside the tables with the name of each value of masks, as many data sets of the Hub have it."""

KINDS = f"{' or '.join(TABLE_ENDINGS)} file"
"""In words."""

LONGEST_NAME = 100
"""Letters of a name that are kept."""


@contextmanager
def unpacked_tables(
    parts: Sequence[TableFile], where: Path, scratch: Path, columns: tuple[str, str] | None
) -> Iterator[Path]:
    """A temporary folder inside `scratch` with the pictures and masks of tables; removed after the block.

    parts: at least one table. where: the folder or file that they were found in. columns: names of those of pictures
    and of masks; None: they are looked for. Raises DataError if a table is damaged, or holds no pictures with masks.
    """
    with unpacked_folder(where, scratch, "tables") as folder:
        limit = limit_of(sum(part.file.stat().st_size for part in parts))
        output = _Output(PictureWriter(Unpacking(where, folder, None, limit)))
        with output.opened(parts[0].file) as table:
            found = picture_columns(parts[0].file, table, columns, output.pictures)
        shutil.rmtree(folder / LOOKED)
        for part in parts:
            with output.opened(part.file) as table:
                output.unpack(part, table, found)
        if not output.rows:
            raise DataError(f"{where}: no row of {output.files(parts, where)} has a picture")
        evidence, classes = output.evidence(parts, where, found), _names(where, parts) or found.classes
        if (number := len(set(classes.values()))) > MAX_CLASSES:
            evidence, classes = f"{evidence}; {number} names of classes, more than {MAX_CLASSES}, left out", {}
        record = {"evidence": evidence, "classes": classes}
        with unpacking(where, folder, "table", KINDS, ()):
            (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
        yield folder


@dataclass
class _Output:
    """The unpacked folder while it is written."""

    pictures: PictureWriter
    """Writes files."""
    rows: int = 0
    """Rows with a picture."""
    without: int = 0
    """Rows without one."""
    numbers: Counter[str] = field(default_factory=Counter)
    """Rows of each split so far."""
    names: set[str] = field(default_factory=set)
    """Split and name of each, in small letters."""

    @contextmanager
    def opened(self, file: Path) -> Iterator[Table]:
        """An open table. Its faults become a DataError that names it."""
        check_readable(file)
        with unpacking(file, self.pictures.output.folder, "table", KINDS, faults()), open_table(file) as table:
            yield table

    def unpack(self, part: TableFile, table: Table, found: PictureColumns) -> None:
        """Write the pictures and masks of a table. Raises DataError if it lacks a column."""
        names = [column.name for column in table.columns]
        if lacking := [name for name in (found.picture, found.mask) if name not in names]:
            raise DataError(f"{part.file}: has no column {lacking[0]}, as other files have (one data set a folder)")
        for picture, mask in table.rows((found.picture, found.mask)):
            self._add(cell(picture), cell(mask), part)

    def _add(self, picture: Cell, mask: Cell, part: TableFile) -> None:
        number = self.numbers[part.split]
        self.numbers[part.split] += 1
        if not any(picture):
            self.without += 1
            return
        self.rows += 1
        name = self._name(picture[1], part.split, number)
        self.pictures.write(str(PurePosixPath(PICTURES, part.split, name)), picture, part.file)
        if any(mask):
            self.pictures.write(str(PurePosixPath(MASKS, part.split, name)), mask, part.file)

    def _name(self, path: str, split: str, number: int) -> str:
        """That of the picture in the table, else the number of the row; with it where two have one name."""
        stem = re.sub(r"[^\w .()+-]+", "_", PurePosixPath(path.replace("\\", "/")).stem)[:LONGEST_NAME].strip(". ")
        for name in (stem, f"{stem}-{number:06d}") if stem else (f"{number:06d}",):
            key = f"{split}/{name}".casefold()
            if key not in self.names:
                break
        self.names.add(key)
        return name

    def files(self, parts: Sequence[TableFile], where: Path) -> str:
        """The tables in words."""
        first = parts[0].file.name if where == parts[0].file else parts[0].file.relative_to(where).as_posix()
        return f"{first} and {count(len(parts) - 1, 'other file')}" if len(parts) > 1 else first

    def evidence(self, parts: Sequence[TableFile], where: Path, found: PictureColumns) -> str:
        """What was found, in words."""
        columns = f"pictures in column {found.picture}, masks in column {found.mask} of {self.files(parts, where)}"
        return columns + (f"; {count(self.without, 'row')} without a picture left out" if self.without else "")


def _names(where: Path, parts: Sequence[TableFile]) -> dict[int, str]:
    """Names of classes by a file beside the first table, or above it in the folder; empty if there is none.

    Raises DataError if it is damaged.
    """
    root = where.parent if where.is_file() else where
    above = [folder for folder in parts[0].file.parents if root in (folder, *folder.parents)]
    file = next((folder / NAMES for folder in above if (folder / NAMES).is_file()), None)
    if file is None:
        return {}
    try:
        return {int(key): str(name) for key, name in json_of(read_bytes(file)).items()}
    except (ValueError, AttributeError, TypeError):
        raise DataError(f'{file}: no names of classes (expected {{"0": "road", "1": "car"}})') from None
