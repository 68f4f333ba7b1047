"""Cells of tables as picture files."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from casnet_cli.data.archives import Unpacking
from casnet_cli.data.pixels.formats import HEAD, PICTURE_ENDINGS, format_of
from casnet_cli.data.tables.reading import Cell
from casnet_cli.errors import DataError


@dataclass(frozen=True)
class PictureWriter:
    """Writes cells as files whose names end as their content does."""

    output: Unpacking
    """Writes below a folder, within a limit of bytes."""

    def write(self, name: str, given: Cell, table: Path) -> Path:
        """Write a picture as NAME with its ending; where the table only names a file, as a link to it.

        table: the file that the cell stands in. Raises DataError if a file that it names is not there.
        """
        content, path = given
        if content is None:
            source = _named(path, table)
            target = self.output.folder / f"{name}{source.suffix.lower()}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
            return target
        name += _ending(content, path)
        self.output.write(name, io.BytesIO(content))
        return self.output.folder / name


def _named(path: str, table: Path) -> Path:
    """The picture file that a table names: as it is written, or seen from a folder above the table."""
    bases = (Path(), *table.absolute().parents)
    if "\0" not in path and path.lower().endswith(PICTURE_ENDINGS):
        for base in bases:
            if (base / path).is_file():
                return (base / path).absolute()
    raise DataError(
        f"{table}: holds no pictures but names files, and {path!r} is no picture here (datasets' save_to_disk and "
        "push_to_hub put the pictures in, to_parquet does not)"
    )


def _ending(content: bytes, path: str) -> str:
    """By the content, else by the name; what is no picture is `.png`, so that reading names it."""
    row = format_of(content[:HEAD])
    ending = PurePosixPath(path).suffix.lower()
    return row.endings[0] if row else ending if ending in PICTURE_ENDINGS else ".png"
