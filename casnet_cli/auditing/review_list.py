"""The list of suspects on disk: a table to review and edit, and beside it the pixels of each row."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli.auditing.label_errors import OBJECT, Suspect
from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.util.files import BROKEN_NPZ, write_whole
from casnet_cli.util.tables import csv_bytes, delimiter_of

TABLE, PIXELS = "suspects.csv", "suspects.npz"
COLUMNS = (
    "number",
    "void",
    "reviewed",
    "kind",
    "split",
    "image",
    "x",
    "y",
    "width",
    "height",
    "pixels",
    "label",
    "proposal",
    "confidence",
    "difficulty",
    "score",
)
YES, NO, UNSURE = "yes", "no", "unsure"
"""Values of the column `void`."""

Regions = dict[tuple[str, str], list[tuple[slice, slice, np.ndarray]]]
"""By split and name of an image: rows and columns of each region's box, and its pixels inside."""


@dataclass(frozen=True)
class LocatedSuspect:
    """A suspect region of one image of the data."""

    split: str
    """Split that the image is stored in."""
    image: str
    """Name of the image."""
    suspect: Suspect
    """The region."""


def write(folder: Path, found: Sequence[LocatedSuspect], labels: LabelSet, data_sha256: str) -> None:
    """Write suspects.csv, whose column `void` decides which regions --apply-void takes, and suspects.npz. Raises
    OSError."""
    rows = []
    for number, located in enumerate(found, 1):
        suspect = located.suspect
        height, width = suspect.inside.shape
        rows.append(
            {
                "number": number,
                "void": YES if suspect.kind == OBJECT else NO,
                "kind": suspect.kind,
                "split": located.split,
                "image": located.image,
                "x": suspect.x,
                "y": suspect.y,
                "width": width,
                "height": height,
                "pixels": suspect.pixels,
                "label": labels.names[suspect.label],
                "proposal": labels.names[suspect.proposal],
                "confidence": round(suspect.confidence, 4),
                "difficulty": round(suspect.difficulty, 4),
                "score": round(suspect.score, 5),
            }
        )
    table = csv_bytes(COLUMNS, rows)
    arrays: dict[str, np.ndarray] = {str(number): located.suspect.inside for number, located in enumerate(found, 1)}
    arrays["names"] = np.array([(located.split, located.image) for located in found], np.str_).reshape(-1, 2)
    arrays["places"] = np.array([(located.suspect.y, located.suspect.x) for located in found], np.int64).reshape(-1, 2)
    arrays["made_of"] = np.array([data_sha256, hashlib.sha256(table).hexdigest()])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_whole(folder / PIXELS, buffer.getvalue())
    write_whole(folder / TABLE, table)


def read(folder: Path, labels: LabelSet, data_sha256: str) -> dict[str, LocatedSuspect]:
    """The rows of suspects.csv by their numbers, in its order. Raises InputError, also for a list of other data."""
    table, found = folder / TABLE, {}
    with _pixels(folder, data_sha256) as pixels:
        for row in _rows(table):
            try:
                number = int(row["number"])
                split, image = map(str, pixels["names"][_place(table, number, pixels)])
                y, x = map(int, pixels["places"][number - 1])
                label, proposal = (_class(labels, row[name]) for name in ("label", "proposal"))
                confidence, difficulty, score = (float(row[name]) for name in ("confidence", "difficulty", "score"))
            except (KeyError, ValueError, TypeError) as error:
                raise InputError(f"{table}: number {row.get('number')}: {reason(error)}") from None
            inside = pixels[str(number)]
            suspect = Suspect(
                str(row["kind"]), label, proposal, x, y, int(inside.sum()), confidence, difficulty, score, inside
            )
            found[row["number"]] = LocatedSuspect(split, image, suspect)
    return found


def check_unedited(folder: Path) -> None:
    """Raises InputError where there is a list that was edited since it was written."""
    table = folder / TABLE
    if not table.is_file():
        return
    try:
        with open(folder / PIXELS, "rb") as opened, np.load(opened) as pixels:
            known = str(pixels["made_of"][1])
    except BROKEN_NPZ:
        known = ""
    if hashlib.sha256(table.read_bytes()).hexdigest() != known:
        raise InputError(f"{table}: was edited, and would be written over (move it, or name another --out)")


def confirmed(folder: Path, data_sha256: str) -> Regions:
    """The regions of the rows whose `void` is yes. Edits of other columns have no effect. Raises InputError, also for a
    list of other data."""
    table = folder / TABLE
    numbers = _numbers(table)
    found: Regions = {}
    with _pixels(folder, data_sha256) as pixels:
        for number in sorted(numbers):
            place = _place(table, number, pixels)
            inside, (y, x) = pixels[str(number)], pixels["places"][place]
            box = slice(y, y + inside.shape[0]), slice(x, x + inside.shape[1])
            split, image = map(str, pixels["names"][place])
            found.setdefault((split, image), []).append((*box, inside))
    return found


@contextmanager
def _pixels(folder: Path, data_sha256: str) -> Iterator[Mapping[str, np.ndarray]]:
    """The content of suspects.npz. Raises InputError, also for a list of other data, and where the block reads what is
    damaged."""
    try:
        with open(folder / PIXELS, "rb") as opened, np.load(opened) as pixels:
            if str(pixels["made_of"][0]) != data_sha256:
                raise InputError(f"{folder / TABLE}: is a list of other data (audit these, with another --out)")
            yield pixels
    except BROKEN_NPZ as error:
        raise InputError(f"{folder / PIXELS}: not readable: {reason(error)} (audit into another --out)") from None


def _class(labels: LabelSet, name: str) -> int:
    """Its id. Raises ValueError."""
    if name not in labels.names:
        raise ValueError(f"{name}: no class of the data")
    return labels.names.index(name)


def _place(table: Path, number: int, pixels: Mapping[str, np.ndarray]) -> int:
    """From 0. Raises InputError."""
    if not 1 <= number <= len(pixels["names"]):
        raise InputError(f"{table}: number {number}: no such region (1 to {len(pixels['names'])})")
    return number - 1


def _numbers(table: Path) -> set[int]:
    """Numbers of the rows with yes."""
    numbers = set()
    for row in _rows(table):
        try:
            void = str(row["void"]).strip().lower()
            if void not in (YES, NO, UNSURE):
                raise InputError(f"{table}: number {row['number']}: void is {row['void']!r} (yes, no or unsure)")
            if void == YES:
                numbers.add(int(row["number"]))
        except KeyError as error:
            raise InputError(f"{table}: has no column {error}") from None
        except (ValueError, TypeError) as error:
            raise InputError(f"{table}: not readable: {reason(error)}") from None
    return numbers


def _rows(table: Path) -> list[dict[str, str]]:
    """Of the list by column, also as spreadsheets save it. Raises InputError."""
    if not table.is_file():
        raise InputError(f"{table}: not there yet (casnet audit writes it: review it before regions become void)")
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            return list(csv.DictReader(file, delimiter=delimiter_of(head)))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{table}: not readable: {reason(error)}") from None
