"""What `casnet check` keeps of one sample: enough to find every fault later, and small whatever the image's size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.picture import ALPHA, COLORS, INDEX, PictureInfo
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.pixels.take import shown
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.validation import ValidatedSample, validate
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import VOID

OF_LABELS = (UnfitKind.VALUE, UnfitKind.MODE, UnfitKind.JPEG, UnfitKind.PALETTE)
"""Kinds of faults that lie in the label's file."""

THUMBNAIL_SIDE = 16
"""Side of the thumbnails, in pixels, by which near-identical images are found."""


@dataclass(frozen=True)
class ImageHeader:
    """What the header of an image file contains."""

    format: str
    """Name of the file format, such as JPEG."""
    kind: str
    """Depth and meaning of the pixels in words, such as 8-bit RGB or 1-bit grey."""
    size: tuple[int, int]
    """Width and height."""
    orientation: int
    """How viewers turn the image by its EXIF tag, 1..8; 1, not at all, where there is no tag."""


@dataclass(frozen=True)
class SampleFacts:
    """A sample that is usable."""

    split: str
    """train, val or test."""
    name: str
    """Of the sample, unique within its split."""
    where: str
    """The image's file, or split and name where there is none: how the sample is named to the user."""
    raw: ImageHeader
    """Of the image file as it lies on the disk."""
    stored: ImageHeader
    """Of the image as it goes into the prepared file."""
    mask: ImageHeader | None
    """Of the label's file; None if that is no image."""
    counts: np.ndarray
    """(K + 1,) pixels of each class, void last."""
    digests: tuple[bytes, bytes]
    """sha256 of the encoded image, and of the class ids."""
    thumbnail: np.ndarray
    """(16, 16, 3) uint8, RGB, as the network sees it."""
    rgb: bool = True
    """Whether the image is taken as 8-bit RGB."""


@dataclass(frozen=True)
class UnusableSample:
    """A sample that cannot be used, and why."""

    split: str
    """train, val or test."""
    name: str
    """Of the sample, unique within its split."""
    where: str
    """The file that is at fault, or split and name where there is none."""
    fault: DataError
    """Mostly Unfit."""


CheckedSample = SampleFacts | UnusableSample


def facts_of(entry: Entry, classes: int, intensities: Intensities = PLAIN) -> CheckedSample:
    """Load and validate a sample against a number of classes and what images hold; keep what the rules need of it."""
    where = str(entry.image or entry.label or f"{entry.split}/{entry.name}")
    try:
        validated = validate(entry, classes, intensities)
    except DataError as fault:
        label_file = entry.label if kind_and_cause(fault)[0] in OF_LABELS else None
        return UnusableSample(entry.split, entry.name, str(label_file or where), fault)
    stored = _stored_header(validated, intensities)
    return SampleFacts(
        entry.split,
        entry.name,
        where,
        read_header(entry.image) if entry.image else stored,
        stored,
        _mask_form(entry.label),
        np.append(validated.counts[:classes], validated.counts[VOID]),
        validated.digests(intensities),
        _thumbnail(shown(validated.pixels, intensities)),
        intensities.rgb,
    )


def _thumbnail(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))


def read_header(source: Path | bytes) -> ImageHeader:
    """The header of an image. Raises one of `images.UNREADABLE`."""
    info = info_of(source)
    return ImageHeader(info.format, _kind(info), info.size, info.orientation)


def _kind(info: PictureInfo) -> str:
    depth = f"{info.bits}-bit float" if np.dtype(info.dtype).kind == "f" else f"{info.bits}-bit"
    names = {COLORS: "RGB", (*COLORS, ALPHA): "RGBA", (INDEX,): "palette"}
    return f"{depth} {names.get(info.bands) or ' + '.join(info.bands)}"


def _stored_header(validated: ValidatedSample, intensities: Intensities) -> ImageHeader:
    """Of the image as it goes into the prepared file."""
    if intensities.rgb:
        return read_header(validated.sample.image)
    height, width, bands = validated.pixels.shape
    return ImageHeader("TIFF", f"{validated.pixels.dtype.name}, {bands} bands", (width, height), 1)


def _mask_form(file: Path | None) -> ImageHeader | None:
    if file is None:
        return None
    try:
        return read_header(file)
    except UNREADABLE:
        return None  # labels need not be pictures


def kind_and_cause(fault: DataError) -> tuple[UnfitKind, str]:
    """Of what makes a sample unusable: the kind, and what samples of one cause share; any other error is unreadable."""
    return (fault.kind, fault.what) if isinstance(fault, Unfit) else (UnfitKind.UNREADABLE, "")
