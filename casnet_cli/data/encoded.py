"""A sample as the prepared file keeps it, with what is counted and digested of it."""

from dataclasses import dataclass

import numpy as np

from casnet_cli.data.images import encode_label
from casnet_cli.data.intensities import STRIP_PIXELS, Intensities
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.validation import validate


@dataclass(frozen=True)
class EncodedSample:
    """One sample, checked and encoded for the file."""

    image: bytes
    """The encoded image, byte for byte as found."""
    label: bytes
    """The class ids as a PNG."""
    size: tuple[int, int]
    """Width and height."""
    counts: np.ndarray
    """(256,) pixels of each id."""
    color: np.ndarray
    """(N,) sum of each band as the network sees it, in 0..255, over the measured pixels."""
    measured: int
    """Pixels where something was measured."""
    digests: tuple[bytes, bytes]
    """sha256 of the image, encoded or where it is no JPEG or PNG its pixels, and of the class ids."""


def encoded_sample(entry: Entry, classes: int, intensities: Intensities) -> EncodedSample:
    """Load, check and encode a sample. Raises DataError as `validate` does."""
    validated = validate(entry, classes, intensities)
    label, pixels = validated.sample.label, validated.pixels
    color, measured = _color_sum(pixels, intensities)
    size, digests = (pixels.shape[1], pixels.shape[0]), validated.digests(intensities)
    return EncodedSample(validated.sample.image, encode_label(label), size, validated.counts, color, measured, digests)


def _color_sum(pixels: np.ndarray, intensities: Intensities) -> tuple[np.ndarray, int]:
    """(N,) sum of the bands as the network sees them, over the measured pixels; and how many pixels these are."""
    bands = pixels.shape[-1]
    if intensities.plain:
        return pixels.reshape(-1, bands).sum(axis=0, dtype=np.float64), pixels.size // bands
    total, measured = np.zeros(bands), 0
    rows = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows]
        known = ~intensities.absent(strip)
        total += intensities.seen(strip, (0.0,) * bands)[known].sum(axis=0, dtype=np.float64)
        measured += int(known.sum())
    return total, measured
