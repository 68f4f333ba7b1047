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
        turned, size = _fitting(info, label)
        if size is None:
            raise _unequal(image, label_file, info, label)
        if label.shape != size[::-1]:
            label = _resized(image, label_file, label, size, survey)
        content = _encoded(content, info, intensities, turned)
        if intensities.nodata is not None or np.dtype(intensities.dtype).kind == "f":
            label = _voided(image, content, label, intensities, survey)
    except (*UNREADABLE, MemoryError) as error:
        raise Unfit(f"{image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    return Sample(content, label)


def _fitting(info: PictureInfo, label: np.ndarray) -> tuple[bool, tuple[int, int] | None]:
    """Whether the image is turned, and its width and height then; None for the size if none of both fits the label."""
    stored, shape = info.size, label.shape[::-1]
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


def _unequal(image: Path, label_file: Path, info: PictureInfo, label: np.ndarray) -> Unfit:
    (width, height), (rows, columns) = info.size, label.shape
    return Unfit(
        f"{label_file}: labels {columns}x{rows} pixels, but {image} has {width}x{height} "
        "(label and image must have the same size)",
        UnfitKind.TURNED if (rows, columns) == (width, height) else UnfitKind.SIZES,
    )


def _resized(image: Path, label_file: Path, label: np.ndarray, size: tuple[int, int], survey: Survey) -> np.ndarray:
    """The label at the size of its image, by the nearest pixel, if the options allow it. Raises Unfit."""
    if not survey.options.resize_masks:
        rows, columns = label.shape
        raise Unfit(
            f"{label_file}: labels {columns}x{rows} pixels, but {image} has {size[0]}x{size[1]}: "
            f"{columns / size[0]:.3g} times its size (--resize-masks fits such masks, by the nearest pixel)",
            UnfitKind.SIZES,
        )
    survey.remarks.add(RESIZED, image)
    return np.asarray(Image.fromarray(label).resize(size, Image.Resampling.NEAREST))


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
