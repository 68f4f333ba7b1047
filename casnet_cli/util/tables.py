"""Tables as CSV files."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from casnet_cli.util.files import write_whole
from casnet_cli.util.visible import visible

Rows = Iterable[Sequence[object]] | Iterable[Mapping[str, object]]


def write_csv(path: Path, columns: Sequence[str], rows: Rows) -> None:
    """A heading of column names, then the rows; the file appears whole or not at all. Raises OSError.

    A row that is a mapping gives its values by column name: a missing one is an empty cell, others are left out.
    """
    write_whole(path, csv_bytes(columns, rows))


def delimiter_of(head: str) -> str:
    """What separates the cells of a table of the first line `head`: commas, or semicolons as spreadsheets save it."""
    return ";" if head.count(";") > head.count(",") else ","


def csv_bytes(columns: Sequence[str], rows: Rows) -> bytes:
    """The file's content; lines end with "\\n", and control characters and bytes that are no UTF-8 become escapes.

    A text that a spreadsheet may take for a formula stays as it is: names are the same in all files.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(visible, columns))
    for row in rows:
        cells = [row.get(name) for name in columns] if isinstance(row, Mapping) else row
        writer.writerow([visible(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue().encode()
