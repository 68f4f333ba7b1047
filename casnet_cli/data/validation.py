"""Validation of one sample: its image decodes, its label has the same size and holds nothing but classes and void."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from casnet_cli.data.images import UNREADABLE, decode_rgb
from casnet_cli.data.sources.base import Entry, Sample
from casnet_cli.errors import Unfit, UnfitKind, reason
from casnet_cli.labels import VOID


@dataclass(frozen=True)
class ValidatedSample:
    """A sample without faults, and what was computed to see that."""

    sample: Sample
    """The encoded image and its label, as they were loaded."""
    image: Image.Image
    """The decoded image, RGB."""
    counts: np.ndarray
    """(256,) pixels of each id in the label."""


def validate(entry: Entry, classes: int) -> ValidatedSample:
    """Load an entry's sample and check it against a number of classes. Raises DataError, mostly Unfit."""
    sample = entry.load()
    where = entry.image or f"{entry.split}/{entry.name}"
    try:
        image = decode_rgb(io.BytesIO(sample.image))
    except UNREADABLE as error:
        raise Unfit(f"{where}: the image cannot be decoded: {reason(error)}", UnfitKind.UNREADABLE) from None
    except MemoryError:
        raise Unfit(f"{where}: needs more memory than there is", UnfitKind.UNREADABLE) from None
    if image.size[::-1] != sample.label.shape:
        width, height = image.size
        rows, columns = sample.label.shape
        raise Unfit(f"{where}: image {width}x{height}, label {columns}x{rows} (sizes must agree)", UnfitKind.SIZES)
    counts = np.bincount(sample.label.ravel(), minlength=256)
    unknown = np.flatnonzero(counts[classes:VOID])
    if unknown.size:
        value = f"{classes + unknown[0]} is no class (0..{classes - 1}, 255 void)"
        raise Unfit(f"{where}: label {value}", UnfitKind.VALUE, value)
    return ValidatedSample(sample, image, counts)
