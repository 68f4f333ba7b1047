"""The list of suspects on disk: a table to read and edit, and beside it the pixels that each row means."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from casnet_cli.auditing.suspects import OBJECT, Suspect
from casnet_cli.errors import InputError, reason
from casnet_cli.files import write_whole
from casnet_cli.labels import LabelSet

TABLE, PIXELS = "suspects.csv", "suspects.npz"
COLUMNS = (
    "number",
    "void",
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
YES, NO = "yes", "no"

Regions = dict[tuple[str, str], list[tuple[slice, slice, np.ndarray]]]
"""By split and name of an image: rows and columns of each region's box, and its pixels inside."""


@dataclass(frozen=True)
class Named:
    """A suspect, and the name of its image in the data and the split it is stored in."""

    split: str
    image: str
    suspect: Suspect


def write(folder: Path, found: Sequence[Named], labels: LabelSet) -> None:
    """suspects.csv, whose column `void` says whether --apply-void takes a region, and suspects.npz. Raises OSError."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, named in enumerate(found, 1):
        one = named.suspect
        height, width = one.inside.shape
        writer.writerow(
            {
                "number": number,
                "void": YES if one.kind == OBJECT else NO,
                "kind": one.kind,
                "split": named.split,
                "image": named.image,
                "x": one.x,
                "y": one.y,
                "width": width,
                "height": height,
                "pixels": one.pixels,
                "label": labels.names[one.label],
                "proposal": labels.names[one.proposal],
                "confidence": round(one.confidence, 4),
                "difficulty": round(one.difficulty, 4),
                "score": round(one.score, 5),
            }
        )
    arrays = {str(number): np.packbits(named.suspect.inside) for number, named in enumerate(found, 1)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_whole(folder / PIXELS, buffer.getvalue())
    write_whole(folder / TABLE, text.getvalue())


def confirmed(folder: Path) -> Regions:
    """Those of the rows whose `void` is yes. Raises InputError."""
    table = folder / TABLE
    found: Regions = {}
    try:
        with open(folder / PIXELS, "rb") as opened, np.load(opened) as pixels:
            for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
                if _voids(row, table):
                    x, y, width, height = (int(row[key]) for key in ("x", "y", "width", "height"))
                    inside = np.unpackbits(pixels[row["number"]], count=width * height).reshape(height, width) > 0
                    found.setdefault((row["split"], row["image"]), []).append(
                        (slice(y, y + height), slice(x, x + width), inside)
                    )
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(f"{table}: not readable: {reason(error)} (audit again, without --apply-void)") from None
    return found


def _voids(row: dict[str, Any], table: Path) -> bool:
    if row["void"] not in (YES, NO):
        raise InputError(f"{table}: number {row['number']}: void is {row['void']!r} (yes or no)")
    return bool(row["void"] == YES)
