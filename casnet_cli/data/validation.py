"""Validation of one sample: its image decodes, its label has the same size and holds nothing but classes and void."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.stored import decode_pixels
from casnet_cli.data.sources.base import Entry, Sample
from casnet_cli.errors import Unfit, UnfitKind, reason
from casnet_cli.labels import VOID


@dataclass(frozen=True)
class ValidatedSample:
    """A sample without faults, and what was computed to see that."""

    sample: Sample
    """The encoded image and its label, as they were loaded."""
    pixels: np.ndarray
    """(H, W, N) of the decoded image, as stored."""
    counts: np.ndarray
    """(256,) pixels of each id in the label."""

    def digests(self, intensities: Intensities) -> tuple[bytes, bytes]:
        """sha256 of the image, by its file where that is kept as found, else by its pixels; and of the class ids."""
        of_image = sha256(self.sample.image)
        if not intensities.rgb:  # the file depends on the library that wrote it
            of_image = sha256(f"{self.pixels.dtype.name} {self.pixels.shape}".encode())
            of_image.update(self.pixels.tobytes())
        return of_image.digest(), sha256(self.sample.label.tobytes()).digest()


def validate(entry: Entry, classes: int, intensities: Intensities = PLAIN) -> ValidatedSample:
    """Load an entry's sample and check it against a number of classes, and what images hold.

    Raises DataError, mostly Unfit.
    """
    sample = entry.load()
    where = entry.image or f"{entry.split}/{entry.name}"
    try:
        pixels = decode_pixels(sample.image, intensities)
    except UNREADABLE as error:
        raise Unfit(f"{where}: the image cannot be decoded: {reason(error)}", UnfitKind.UNREADABLE) from None
    except MemoryError:
        raise Unfit(f"{where}: needs more memory than there is", UnfitKind.UNREADABLE) from None
    if pixels.shape[:2] != sample.label.shape:
        height, width = pixels.shape[:2]
        rows, columns = sample.label.shape
        raise Unfit(f"{where}: image {width}x{height}, label {columns}x{rows} (sizes must agree)", UnfitKind.SIZES)
    counts = np.bincount(sample.label.ravel(), minlength=256)
    unknown = np.flatnonzero(counts[classes:VOID])
    if unknown.size:
        value = f"{classes + unknown[0]} is no class (0..{classes - 1}, 255 void)"
        raise Unfit(f"{where}: label {value}", UnfitKind.VALUE, value)
    return ValidatedSample(sample, pixels, counts)
