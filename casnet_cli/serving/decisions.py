"""A CSV file in which people decide, row by row: read again before every change, and written whole."""

import csv
import io
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from casnet_cli.errors import InputError, reason
from casnet_cli.util.files import write_whole
from casnet_cli.util.tables import delimiter_of

BOM = "\ufeff"
"""What some spreadsheets begin a file with."""

DECIDED = "yes"
"""Content of the column of rows that somebody has looked at."""


class RowGone(InputError):
    """A row that was decided on is no longer in the file."""


@dataclass(frozen=True)
class Decision:
    """What a row says."""

    value: str
    """Content of the column of decisions; it may be one that a program has put there."""
    decided: bool
    """Whether somebody has looked at the row."""


@dataclass(frozen=True)
class DecisionTable:
    """The file. Other columns, rows and their order stay as they are, and so does what others change meanwhile."""

    file: Path
    """The CSV file, with a line of names first; separated by commas, or by semicolons as spreadsheets do."""
    key: str
    """Name of the column that names a row."""
    column: str
    """Name of the column of decisions; added behind the others where it is missing."""
    values: tuple[str, ...]
    """What may be decided."""
    looked_at: str | None = None
    """Name of the column that has `DECIDED` in rows that somebody has looked at, added where it is missing; None: these
    are the rows that have a decision."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """One change after another."""

    def rows(self) -> list[dict[str, str]]:
        """Cells by column, in the order of the file. Raises InputError."""
        return self._read().rows

    def decisions(self) -> dict[str, Decision]:
        """Of each row by its key, in the order of the file. Raises InputError."""
        return {row[self.key]: self._decision(row) for row in self.rows()}

    def decide(self, key: str, decision: Decision) -> None:
        """Change a row and write the file. Raises InputError, RowGone."""
        with self._lock:
            content = self._read()
            row = next((row for row in content.rows if row[self.key] == key), None)
            if row is None:
                raise RowGone(f"{self.file}: has no row {key} any more (load the page again)")
            row[self.column] = decision.value
            if self.looked_at:
                row[self.looked_at] = DECIDED if decision.decided else ""
            try:
                write_whole(Path(os.path.realpath(self.file)), content.encoded())
            except OSError as error:
                raise InputError(f"{self.file}: cannot be written: {reason(error)}") from None

    def _decision(self, row: dict[str, str]) -> Decision:
        value = row[self.column].strip().lower()
        return Decision(value, row[self.looked_at].strip().lower() == DECIDED if self.looked_at else value != "")

    def _read(self) -> "_Content":
        try:
            with open(self.file, encoding="utf-8", newline="") as file:
                text = file.read()
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file}: not readable: {reason(error)}") from None
        begin = BOM if text.startswith(BOM) else ""
        content = _Content(begin, delimiter_of(text.partition("\n")[0]), "\r\n" if "\r\n" in text else "\n")
        try:
            names, *rows = csv.reader(io.StringIO(text.removeprefix(begin), newline=""), delimiter=content.delimiter)
        except (ValueError, csv.Error) as error:
            raise InputError(f"{self.file}: no table: {reason(error)}") from None
        if self.key not in names:
            raise InputError(f"{self.file}: has no column {self.key}")
        content.names += dict.fromkeys((*names, self.column, *([self.looked_at] if self.looked_at else [])))
        for row in filter(None, rows):
            if len(row) > len(names):
                raise InputError(f"{self.file}: a row has more than {len(names)} cells: {', '.join(row)[:60]}")
            content.rows.append(dict.fromkeys(content.names, "") | dict(zip(names, row, strict=False)))
        return content


@dataclass
class _Content:
    """The file's rows, and how they are written."""

    begin: str
    """`BOM`, or nothing."""
    delimiter: str
    """Between cells."""
    line_end: str
    """Behind rows."""
    names: list[str] = field(default_factory=list)
    """Of the columns."""
    rows: list[dict[str, str]] = field(default_factory=list)
    """Cells by column."""

    def encoded(self) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.names, delimiter=self.delimiter, lineterminator=self.line_end)
        writer.writeheader()
        writer.writerows(self.rows)
        return (self.begin + text.getvalue()).encode()
