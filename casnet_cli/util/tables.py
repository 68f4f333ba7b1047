"""Tables as CSV files."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from casnet_cli.util.files import write_whole

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
    """The file's content; lines end with "\\n"; bytes of file names that are not UTF-8 become backslash escapes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([row.get(name) for name in columns] if isinstance(row, Mapping) else row)
    return text.getvalue().encode("utf-8", "backslashreplace")
