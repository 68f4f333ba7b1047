"""Stanford Background: 715 outdoor scenes of about 320x240 pixels, 8 classes, labels in text files."""

from pathlib import Path

import numpy as np

from casnet_cli.data.sources.base import (
    SOURCE_IMAGE_ENDINGS,
    Entry,
    Sample,
    Source,
    labelled_sample,
    locate_folder,
    match_files,
    read_bytes,
)
from casnet_cli.errors import Unfit, UnfitKind
from casnet_cli.labels import VOID, LabelSet

LAYOUT = "iccv09Data/ with images/*.jpg and labels/*.regions.txt"

LABELS = LabelSet(
    ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground object"),
    (
        (135, 206, 235),
        (34, 120, 50),
        (128, 128, 136),
        (124, 200, 80),
        (40, 100, 200),
        (176, 110, 70),
        (140, 120, 160),
        (240, 130, 30),
    ),
)

ALLOWED = f"expected 0..{len(LABELS) - 1}, or -1 for unlabelled"
IDS = {b"-1": VOID} | {str(class_id).encode(): class_id for class_id in range(len(LABELS))}


def entries(root: Path) -> list[Entry]:
    """All images by name, in split train: the set has no official split. Raises DataError if there are none."""
    folder = locate_folder(root, ("iccv09Data",), ("images", "labels"), LAYOUT)
    return match_files("train", folder / "images", folder / "labels", (SOURCE_IMAGE_ENDINGS, (".regions.txt",)), _load)


def _load(image_file: Path, label_file: Path) -> Sample:
    return labelled_sample(image_file, label_file, _regions(label_file))


def _regions(file: Path) -> np.ndarray:
    """Class ids (H, W) uint8 of a text file, a row of pixels a line. Raises DataError on any other content."""
    rows: list[bytes] = []
    for line in read_bytes(file).splitlines():
        words = line.split()
        if not words:
            continue
        try:
            row = bytes(map(IDS.__getitem__, words))
        except KeyError:
            column = next(index for index, word in enumerate(words) if word not in IDS)
            shown = words[column][:20].decode("ascii", errors="backslashreplace")
            fault = f"{file}: row {len(rows)}, column {column} holds {shown!r} ({ALLOWED})"
            raise Unfit(fault, UnfitKind.VALUE, f"{shown!r} ({ALLOWED})") from None
        if rows and len(row) != len(rows[0]):
            fault = f"{file}: row {len(rows)} has {len(row)} pixels (expected {len(rows[0])} like row 0)"
            raise Unfit(fault, UnfitKind.UNREADABLE)
        rows.append(row)
    if not rows:
        raise Unfit(f"{file}: is empty (expected a row of class ids a line)", UnfitKind.UNREADABLE)
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), len(rows[0]))


SOURCE = Source(
    name="stanford-background",
    labels=LABELS,
    entries=entries,
    folder="iccv09Data",
    archives=("iccv09Data.tar.gz",),
    url="http://dags.stanford.edu/data/iccv09Data.tar.gz",
    folds=5,
    counts=(("train", 715),),
    content={"train images": "8ddfb058af5807b6", "train labels": "0aff95f4e4faee99"},
)
