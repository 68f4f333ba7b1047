"""A sample that has been looked at: its image decodes, its label fits and holds nothing but classes and void."""

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
    """picture: the image, RGB. counts: (256,) pixels of each id."""

    sample: Sample
    picture: Image.Image
    counts: np.ndarray


def validate(entry: Entry, classes: int) -> ValidatedSample:
    """The entry's sample, decoded and counted. Raises DataError, mostly Unfit."""
    sample = entry.load()
    where = entry.image or f"{entry.split}/{entry.name}"
    try:
        picture = decode_rgb(io.BytesIO(sample.image))
    except UNREADABLE as error:
        raise Unfit(f"{where}: the image cannot be decoded: {reason(error)}", UnfitKind.UNREADABLE) from None
    except MemoryError:
        raise Unfit(f"{where}: needs more memory than there is", UnfitKind.UNREADABLE) from None
    if picture.size[::-1] != sample.label.shape:
        width, height = picture.size
        rows, columns = sample.label.shape
        raise Unfit(f"{where}: image {width}x{height}, label {columns}x{rows} (sizes must agree)", UnfitKind.SIZES)
    counts = np.bincount(sample.label.ravel(), minlength=256)
    unknown = np.flatnonzero(counts[classes:VOID])
    if unknown.size:
        value = f"{classes + unknown[0]} is no class (0..{classes - 1}, 255 void)"
        raise Unfit(f"{where}: label {value}", UnfitKind.VALUE, value)
    return ValidatedSample(sample, picture, counts)
