"""Read history.csv: a row of losses and metrics for each epoch."""

import csv
from pathlib import Path

from casnet_cli.errors import RunError, reason

MOST_EPOCHS = 1e9
"""A larger number in the column `epoch` is a mistake."""


def read_history(path: Path) -> list[dict[str, float | None]]:
    """The rows of a history.csv; None for an empty cell, no rows for a missing file. Raises RunError."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if header and "epoch" not in header:
                raise RunError(f"{path}: line 1: no column epoch (is this the history of a run?)")
            return [_row(header, cells, f"{path}: line {reader.line_num}") for cells in reader if cells]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path}: cannot be read: {reason(error)}") from None


def _row(header: list[str], cells: list[str], where: str) -> dict[str, float | None]:
    if len(cells) != len(header):
        raise RunError(f"{where}: {len(cells)} cells (the header has {len(header)})")
    row: dict[str, float | None] = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            row[name] = float(cell) if cell.strip() else None
        except ValueError:
            raise RunError(f"{where}: {name} is {cell[:40]!r} (a number or nothing)") from None
    epoch = row["epoch"]
    if epoch is None or not 1 <= epoch < MOST_EPOCHS:
        raise RunError(f"{where}: epoch is {cells[header.index('epoch')]!r} (1, 2, 3, …)")
    return row
