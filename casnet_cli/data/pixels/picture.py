"""What a picture or mask file holds: its facts, known before any pixel is used, and its values as they are stored."""

from dataclasses import dataclass, field

import numpy as np

GREY, RED, GREEN, BLUE, ALPHA, INDEX = "grey", "red", "green", "blue", "alpha", "index"
"""Meanings of a channel; a further one is called by its name in the file, else `band N`, counted from 1."""

COLORS = (RED, GREEN, BLUE)


def numbered(bands: int) -> tuple[str, ...]:
    """Names of bands that the file does not name: `band 1`, `band 2`, …"""
    return tuple(f"band {number}" for number in range(1, bands + 1))


@dataclass(frozen=True)
class Georeference:
    """Where on the earth a picture lies."""

    crs: str
    """Coordinate reference system, such as EPSG:32632, or as WKT; empty: none is named."""
    transform: tuple[float, float, float, float, float, float]
    """a, b, c, d, e, f: column and row (counted from the outer corner of the first pixel) → x = a·column + b·row + c,
    y = d·column + e·row + f."""


@dataclass(frozen=True)
class PictureInfo:
    """The facts of a file."""

    format: str
    """Name of the file format, such as JPEG, PNG, TIFF, NPY."""
    size: tuple[int, int]
    """Width and height as stored, before any turning."""
    bits: int
    """Of one value as stored: 1, 2, 4, 8, 12, 16, 32 or 64."""
    dtype: str
    """NumPy's name of the type that holds the stored values: uint8 for all of 8 bits and fewer."""
    bands: tuple[str, ...]
    """What each channel means, in the order of the file."""
    palette: np.ndarray | None = None
    """(n, 3) uint8 colours of the indices, where `bands` is (INDEX,)."""
    palette_alpha: np.ndarray | None = None
    """(n,) uint8 opacity of the indices, where the file gives it."""
    pages: int = 1
    """Pictures in the file; the first one is read."""
    orientation: int = 1
    """How viewers turn it by its EXIF tag: 1, not at all, to 8."""
    profile: str | None = None
    """Name of its colour profile; None: it has none, or it is sRGB's."""
    icc: bytes | None = field(default=None, repr=False)
    """The content of that profile."""
    inverted: bool = False
    """Whether 0 is the brightest value, as in a TIFF of photometric MinIsWhite; the values are given as stored."""
    premultiplied: bool = False
    """Whether the colours are multiplied by the opacity already."""
    nodata: float | None = None
    """Value that means that nothing was measured there."""
    georeference: Georeference | None = None
    """Where it lies on the earth."""
    notes: tuple[str, ...] = ()
    """What was decided where the file leaves it open, in sentences for the user."""

    doubt: str | None = None
    """Why it cannot be known which of its axes are the bands, in words that follow its name; None: it is known."""

    @property
    def colors(self) -> int:
        """Number of channels without alpha."""
        return sum(band != ALPHA for band in self.bands)

    @property
    def value_bytes(self) -> int:
        """Of all its values."""
        return self.size[0] * self.size[1] * len(self.bands) * (max(8, self.bits) // 8)

    @property
    def deep(self) -> bool:
        """Whether 8 bits without sign cannot hold its values."""
        return self.dtype != "uint8"


@dataclass(frozen=True)
class Picture:
    """A decoded file."""

    info: PictureInfo
    values: np.ndarray
    """(H, W, N) of `info.dtype`: the values as stored, one channel for each of `info.bands`, not turned."""


def full_opacity(alpha: np.ndarray, bits: int) -> float:
    """The value that means fully opaque in an alpha channel whose values have so many bits.

    Programs write 1, 255 or the largest value of the type: the smallest of them that no value exceeds.
    """
    highest = alpha.max(initial=0)
    if alpha.dtype.kind == "f":
        return next((full for full in (1.0, 255.0, 65535.0) if highest <= full), 65535.0)
    largest = np.iinfo(alpha.dtype).max
    return next(float(full) for full in (255, 2**bits - 1, largest) if highest <= full <= largest)
