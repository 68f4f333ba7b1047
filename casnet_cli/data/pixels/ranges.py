"""Which stored values become 0 and 255: given, by the type of the values, or measured on the training pictures."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.picture import ALPHA, Picture
from casnet_cli.data.pixels.take import channels, fitted
from casnet_cli.data.pixels.take import in_words as bands_in_words
from casnet_cli.errors import InputError

AUTO, OF_TYPE = "auto", "dtype"
FORM = "auto, dtype, LOW:HIGH for all bands, or LOW:HIGH,LOW:HIGH,… one a band"

PERCENTILES = (0.5, 99.5)
"""The measured range lies between these, so that few odd pixels do not decide it."""

MOST_SAMPLED = 1 << 22
"""Pixels that are measured of all pictures together, where values are not counted one by one."""

LEAST_SAMPLED = 64
"""Pixels that are measured of each picture all the same."""

MANY_VALUES = 16
LONE_SHARE = 0.001
"""A value that stands alone is looked for among so many different ones, if it has such a share of the pixels."""

Ends = tuple[tuple[float, ...], tuple[float, ...]]
"""Of each band the value that becomes 0, and that which becomes 255."""


def given(text: str, bands: int) -> Ends:
    """The ends that `--range LOW:HIGH` names. Raises InputError."""
    pairs = []
    for part in text.split(","):
        try:
            low, high = (float(end) for end in part.split(":"))
        except ValueError:
            raise InputError(f"--range {text}: no range ({FORM})") from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"--range {text}: {part} is no range (two numbers, the lower one first)")
        pairs.append((low, high))
    if len(pairs) not in (1, bands):
        raise InputError(f"--range {text}: {len(pairs)} ranges, and the pictures have {bands} bands ({FORM})")
    pairs = pairs * bands if len(pairs) == 1 else pairs
    return tuple(low for low, _ in pairs), tuple(high for _, high in pairs)


def of_type(dtype: str, bits: int, bands: int) -> Ends:
    """The ends of the type: of integers all that the bits can hold, of floating-point numbers 0 and 1."""
    if np.dtype(dtype).kind == "f":
        return (0.0,) * bands, (1.0,) * bands
    ends = np.iinfo(dtype)
    high = float(2**bits - 1) if ends.min == 0 and 8 < bits < 8 * np.dtype(dtype).itemsize else float(ends.max)
    return (float(ends.min),) * bands, (high,) * bands


def countable(dtype: str) -> bool:
    """Whether every value of the type is counted: integers of 8 and 16 bits."""
    return np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize <= 2


def counts_of(picture: Picture, intensities: Intensities, most: int) -> np.ndarray:
    """Of a picture (N, values) int64 counts of a countable type, else the values (M, N) of at most `most` pixels.

    Neither what is less opaque than the rest nor what was not measured counts.
    """
    pixels = fitted(picture, intensities, tagged=False)
    known = ~intensities.absent(pixels)
    bands, values = channels(picture)
    if ALPHA in bands and not intensities.chosen:
        opacity = values[..., bands.index(ALPHA)]
        known &= opacity == opacity.max()
    flat = pixels[known]
    if countable(intensities.dtype):
        ends = np.iinfo(intensities.dtype)
        shifted = flat.astype(np.int64) - ends.min
        return np.stack([np.bincount(shifted[:, k], minlength=ends.max - ends.min + 1) for k in range(flat.shape[1])])
    if len(flat) > most:
        flat = flat[np.linspace(0, len(flat) - 1, most).astype(np.int64)]
    return flat


@dataclass(frozen=True)
class Measured:
    """What was found in the training pictures."""

    ends: Ends
    """By `PERCENTILES`, of each band."""
    lone: tuple[tuple[float, float], ...]
    """Values that stand alone, far from all others, and were left out; each with its share of the values of a band."""


def measured(found: Iterable[np.ndarray], intensities: Intensities) -> Measured | None:
    """The ends by what `counts_of` gives for the pictures; None if a band has no value at all."""
    lone: dict[float, float] = {}
    pairs = []
    for values, counts in _bands(found, intensities):
        if not values.size:
            return None
        for place in _lone(values, counts):
            lone[float(values[place])] = float(counts[place] / counts.sum())
            counts[place] = 0
        reached = np.cumsum(counts)
        low, high = (float(values[np.searchsorted(reached, reached[-1] * share / 100)]) for share in PERCENTILES)
        pairs.append((low, high if high > low else low + 1))
    if not pairs:
        return None
    ends = tuple(low for low, _ in pairs), tuple(high for _, high in pairs)
    return Measured(ends, tuple(lone.items()))


def _bands(found: Iterable[np.ndarray], intensities: Intensities) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The different values of each band in ascending order, float64, and how often each occurs."""
    parts = list(found)
    if countable(intensities.dtype):
        for row in np.sum(parts, axis=0) if parts else ():
            there = np.flatnonzero(row)
            yield (there + np.iinfo(intensities.dtype).min).astype(np.float64), row[there]
        return
    for column in np.concatenate(parts).T if parts else ():
        yield np.unique(column[np.isfinite(column)].astype(np.float64), return_counts=True)


def _lone(values: np.ndarray, counts: np.ndarray) -> list[int]:
    """Places of the first and last value where it is often and farther from the others than these from each other."""
    if len(values) < MANY_VALUES:
        return []
    first, last = values[1] - values[0] > values[-1] - values[1], values[-1] - values[-2] > values[-2] - values[0]
    places = [place for place, alone in ((0, first), (len(values) - 1, last)) if alone]
    return [place for place in places if counts[place] >= LONE_SHARE * counts.sum()]


def described(intensities: Intensities, bits: int = 0) -> str:
    """Depth, bands and range in words. bits: as stored in the files, where they are known."""
    kind = np.dtype(intensities.dtype)
    depth = f"{8 * kind.itemsize}-bit floating point" if kind.kind == "f" else f"{bits or 8 * kind.itemsize} bits"
    nodata = "" if intensities.nodata is None else f", {intensities.nodata:g} for no data"
    text = f"{depth}{nodata}, {bands_in_words(intensities.bands)}"
    ends = intensities.low, intensities.high
    return (
        text
        if intensities.dtype == "uint8" and ends == of_type("uint8", 8, len(intensities.bands))
        else (f"{text}: {in_words(ends)}")
    )


def in_words(ends: Ends) -> str:
    """Such as `12..3010 becomes 0..255`, or the range of each band where they differ."""
    pairs = [f"{low:.6g}..{high:.6g}" for low, high in zip(*ends, strict=True)]
    if len(set(pairs)) == 1:
        return f"{pairs[0]} becomes 0..255"
    return f"{', '.join(pairs[:-1])} and {pairs[-1]} become 0..255"
