"""CamVid in its common form of 11 classes: street scenes of 480x360 pixels, labels as PNG files of class ids."""

import io
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.sources.source import (
    Entry,
    Sample,
    Source,
    class_ids,
    files_below,
    labelled,
    located,
    paired,
    read_bytes,
)
from casnet_cli.errors import DataError
from casnet_cli.labels import LabelSet

SPLITS = ("train", "val", "test")
LAYOUT = "camvid/ with train/ and trainannot/, val/ and valannot/, test/ and testannot/, or some of these pairs"

COLORS: dict[str, tuple[int, int, int]] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (0, 0, 192),
    "tree": (128, 128, 0),
    "sign symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}

LABELS = LabelSet(tuple(COLORS), tuple(COLORS.values()))

VOID_IN_FILES = len(LABELS)


def entries(root: Path) -> list[Entry]:
    """The images of those splits that are there, by name. Raises DataError if an image or an annotation is alone."""
    folder = located(root, ("camvid", "CamVid"), (*SPLITS, *map(_annotations, SPLITS)), LAYOUT, enough=any)
    listed = []
    for split in SPLITS:
        images, labels = folder / split, folder / _annotations(split)
        if not images.is_dir() and not labels.is_dir():
            continue
        for wanted in (images, labels):
            if not wanted.is_dir():
                raise DataError(f"{wanted}: no such folder (expected {LAYOUT})")
        found = files_below(images, (".png", ".jpg", ".jpeg"))
        pairs = paired(found, files_below(labels, (".png",)), images, labels)
        listed += [Entry(split, name, partial(_load, *files)) for name, *files in pairs]
    return listed


def _annotations(split: str) -> str:
    return f"{split}annot"


def _load(image_file: Path, label_file: Path) -> Sample:
    raw = _picture_of_ids(label_file)
    return labelled(image_file, label_file, class_ids(raw, label_file, 0, len(LABELS), VOID_IN_FILES))


def _picture_of_ids(file: Path) -> np.ndarray:
    """The ids (H, W) uint8 of a grey or palette PNG. Raises DataError if it is damaged or has other pixels."""
    try:
        with Image.open(io.BytesIO(read_bytes(file)), formats=("PNG",)) as picture:
            mode, ids = picture.mode, np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{file}: not a readable PNG (expected a PNG of class ids)") from error
    if mode not in ("L", "P"):
        raise DataError(f"{file}: has pixels of mode {mode} (expected 8-bit grey or palette, a class id a pixel)")
    return ids


SOURCE = Source(
    name="camvid",
    labels=LABELS,
    entries=entries,
    folder="camvid",
    archives=("camvid.zip", "CamVid.zip"),
)
