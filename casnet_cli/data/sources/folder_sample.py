"""One sample of one's own data: its image turned, taken and encoded as the prepared file keeps it, its label fitted."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.images import SIDEWAYS, UNREADABLE
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.picture import PictureInfo
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.pixels.stored import decode_pixels, encode_pixels
from casnet_cli.data.pixels.survey import Survey
from casnet_cli.data.pixels.take import ordinary, take
from casnet_cli.data.sources.base import Sample, read_bytes
from casnet_cli.errors import Unfit, UnfitKind, reason
from casnet_cli.labels import VOID

RESIZED = "mask resized to the picture, by the nearest pixel (--resize-masks)"
ABSENT = "without data: void in labels, the mean colour in pictures"
INFINITE = "of infinite values: the ends of the range"
"""What was done, in words of `Remark.text`."""

SMALL = 1 << 22
"""Pixels of a label that is made before its size is compared with its image's."""

KEPT = ("JPEG", "PNG")
"""Formats of files of 8 bits that are stored as they were found."""


def load_sample(image: Path, label_file: Path, label: np.ndarray, survey: Survey) -> Sample:
    """The sample of an image file and its (H, W) uint8 class ids.

    Labels may be drawn on an image as it lies in the file or as viewers turn it by its EXIF tag: the one whose size is
    the label's is taken, and where both have it, the turned image. What was not measured becomes void. Raises Unfit.
    """
    content = read_bytes(image)
    intensities = survey.intensities()
    try:
        info = info_of(content)
        turned, size = _fitting(info, label.shape[::-1])
        if size is None:
            raise _unequal(image, label_file, info, label.shape[::-1])
        if label.shape != size[::-1]:
            label = _resized(image, label_file, label, size, survey)
        content = _encoded(content, info, intensities, turned)
        if intensities.nodata is not None or np.dtype(intensities.dtype).kind == "f":
            label = _voided(image, content, label, intensities, survey)
    except (*UNREADABLE, MemoryError) as error:
        raise Unfit(f"{image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    return Sample(content, label)


def check_claim(image: Path, label_file: Path, size: tuple[int, int], resize: bool) -> None:
    """Raise Unfit if a label that claims to be large, and has yet to be made, does not fit its image.

    size: width and height of the label. resize: whether labels are scaled to their images.
    """
    if size[0] * size[1] <= SMALL:  # compared when it is there
        return
    try:
        info = info_of(image)
    except UNREADABLE as error:
        raise Unfit(f"{image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    _, found = _fitting(info, size)
    if found is None:
        raise _unequal(image, label_file, info, size)
    if found != size and not resize:
        raise _scaled(image, label_file, size, found)


def _fitting(info: PictureInfo, shape: tuple[int, ...]) -> tuple[bool, tuple[int, int] | None]:
    """Whether the image is turned, and its width and height then; None for the size if none of both fits the label.

    shape: width and height of the label.
    """
    stored = info.size
    shown = stored[::-1] if info.orientation in SIDEWAYS else stored
    turns = info.orientation != 1
    for turned, size in ((turns, shown), (False, stored)):
        if shape == size:
            return turned, size
    for turned, size in ((turns, shown), (False, stored)):
        if _one_factor(shape, size):
            return turned, size
    return False, None


def _one_factor(one: tuple[int, ...], other: tuple[int, int]) -> bool:
    """Whether two sizes differ by one factor, rounding apart."""
    factor = max(one) / max(other)
    exact = [side * factor for side in other]
    return all(abs(side - expected) < max(1.0, factor) for side, expected in zip(one, exact, strict=True))


def _unequal(image: Path, label_file: Path, info: PictureInfo, shape: tuple[int, ...]) -> Unfit:
    (width, height), (columns, rows) = info.size, shape
    return Unfit(
        f"{label_file}: labels {columns}x{rows} pixels, but {image} has {width}x{height} "
        "(label and image must have the same size)",
        UnfitKind.TURNED if (rows, columns) == (width, height) else UnfitKind.SIZES,
    )


def _resized(image: Path, label_file: Path, label: np.ndarray, size: tuple[int, int], survey: Survey) -> np.ndarray:
    """The label at the size of its image, by the nearest pixel, if the options allow it. Raises Unfit."""
    if not survey.options.resize_masks:
        raise _scaled(image, label_file, label.shape[::-1], size)
    survey.remarks.add(RESIZED, image)
    return np.asarray(Image.fromarray(label).resize(size, Image.Resampling.NEAREST))


def _scaled(image: Path, label_file: Path, shape: tuple[int, ...], size: tuple[int, int]) -> Unfit:
    return Unfit(
        f"{label_file}: labels {shape[0]}x{shape[1]} pixels, but {image} has {size[0]}x{size[1]}: "
        f"{shape[0] / size[0]:.3g} times its size (--resize-masks fits such masks, by the nearest pixel)",
        UnfitKind.SIZES,
    )


def _encoded(content: bytes, info: PictureInfo, intensities: Intensities, turned: bool) -> bytes:
    """The image as it is stored."""
    if intensities.rgb and info.format in KEPT and ordinary(content) and not info.deep and not turned:
        return content
    pixels = take(content, intensities, turned, tagged=False)
    if not intensities.rgb:
        return encode_pixels(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _voided(image: Path, content: bytes, label: np.ndarray, intensities: Intensities, survey: Survey) -> np.ndarray:
    """The label without what was not measured in the stored image."""
    pixels = decode_pixels(content, intensities)
    if pixels.dtype.kind == "f" and (infinite := int(np.isinf(pixels).any(axis=-1).sum())):
        survey.remarks.add(INFINITE, image, infinite, label.size)
    absent = intensities.absent(pixels)
    if not absent.any():
        return label
    survey.remarks.add(ABSENT, image, int(absent.sum()), absent.size)
    return np.where(absent, np.uint8(VOID), label)
