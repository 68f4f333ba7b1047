"""What `casnet check` notes of one sample: enough to find every fault later, and small, whatever the image's size."""

import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.images import UNREADABLE, orientation
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.validation import validate
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import VOID

OF_LABELS = (UnfitKind.VALUE, UnfitKind.MODE, UnfitKind.JPEG)
"""Faults that lie in the label's file."""

THUMBNAIL_SIDE = 16
"""Side of the picture that near-identical images are found by."""


@dataclass(frozen=True)
class ImageHeader:
    """Of an image file's header. mode: as Pillow names it. orientation: 1 where nothing is said."""

    format: str
    mode: str
    size: tuple[int, int]
    orientation: int


@dataclass(frozen=True)
class SampleFacts:
    """A sample that is usable.

    raw: the image's form as it lies in its file; stored: as it goes into the store; mask: that of the label's file, if
    it is a picture. counts: (K + 1,) pixels of each class, void last. digests: of the image's bytes and of the class
    ids. thumb: (16, 16, 3) uint8.
    """

    split: str
    name: str
    where: str
    raw: ImageHeader
    stored: ImageHeader
    mask: ImageHeader | None
    counts: np.ndarray
    digests: tuple[bytes, bytes]
    thumb: np.ndarray


@dataclass(frozen=True)
class UnusableSample:
    """A sample that cannot be used, and why."""

    split: str
    name: str
    where: str
    fault: DataError


def facts_of(entry: Entry, classes: int) -> SampleFacts | UnusableSample:
    where = str(entry.image or entry.label or f"{entry.split}/{entry.name}")
    try:
        found = validate(entry, classes)
    except DataError as fault:
        ours = entry.label if kind_and_cause(fault)[0] in OF_LABELS else None
        return UnusableSample(entry.split, entry.name, str(ours or where), fault)
    image, label = found.sample.image, found.sample.label
    stored = read_header(io.BytesIO(image))
    return SampleFacts(
        entry.split,
        entry.name,
        where,
        read_header(entry.image) if entry.image else stored,
        stored,
        _mask_form(entry.label),
        np.append(found.counts[:classes], found.counts[VOID]),
        (sha256(image).digest(), sha256(label.tobytes()).digest()),
        np.asarray(found.picture.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)),
    )


def read_header(file: Path | io.BytesIO) -> ImageHeader:
    """Of a picture that has been decoded already."""
    with Image.open(file) as picture:
        return ImageHeader(str(picture.format), picture.mode, picture.size, orientation(picture))


def _mask_form(file: Path | None) -> ImageHeader | None:
    if file is None:
        return None
    try:
        return read_header(file)
    except UNREADABLE:
        return None  # labels need not be pictures


def kind_and_cause(fault: DataError) -> tuple[UnfitKind, str]:
    """Sort and cause of what makes a sample unusable."""
    return (fault.kind, fault.what) if isinstance(fault, Unfit) else (UnfitKind.UNREADABLE, "")
