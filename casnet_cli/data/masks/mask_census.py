"""What a mask file holds, counted: its values or colours, and how many pixels lie within an area of their value."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from casnet_cli.data.masks import mask_file, palettes
from casnet_cli.data.masks.blending import STEADY
from casnet_cli.data.masks.mask_file import Mask
from casnet_cli.errors import DataError

MOST_VALUES = 1 << 15
"""Values of one file that are kept, the most frequent ones."""


@dataclass(frozen=True)
class MaskCensus:
    """The values of one file."""

    file: Path
    """Where it lies."""
    bits: int
    """Of a value as stored."""
    lossy: bool
    """Whether compression has changed values."""
    by_color: bool
    """Whether the keys of `pixels` are packed colours."""
    total: int
    """Its pixels, without those where nothing was measured."""
    pixels: dict[int, int]
    """Pixels of each value, palette index or packed colour."""
    inner: dict[int, int]
    """Of these the pixels whose eight neighbours have the same value: none, where a value occurs only in borders."""
    between: dict[int, int]
    """Of these the pixels with a smaller and a greater value beside them; of ids alone."""
    different: int
    """Different values, where more than `MOST_VALUES` also those that were not kept."""
    palette: dict[int, int] | None = None
    """Packed colour of each index; None: it has no palette, or one that says nothing."""
    indexed: bool = False
    """Whether it is a palette image."""
    transparent: dict[int, int] = field(default_factory=dict)
    """Transparent pixels of each value, which `pixels` leaves out."""
    remarks: tuple[str, ...] = ()
    """What was decided about the file, in words that follow a number of files."""

    @property
    def grey(self) -> bool:
        """Whether no pixel has a colour."""
        return not self.by_color or all(key >> 16 == key & 255 == key >> 8 & 255 for key in self.pixels)


def census(file: Path) -> MaskCensus:
    """Count a mask file. Raises DataError if it can be no mask."""
    mask = mask_file.read(file)
    remarks = list(mask.info.notes) + (["of several pages: the first is taken"] if mask.info.pages > 1 else [])
    opacity, transparent = mask.opacity, {}
    if mask.one_color and opacity is not None:
        remarks.append("of one colour whose opacity tells the object from the ground, and is taken as the id")
        mask, opacity = Mask(file, mask.info, opacity[..., None]), None
    by_color = not mask.single and (mask.info.dtype == "uint8" or mask.ids is None or _scaled(mask))
    if by_color and mask.scale is None:
        kind = f"three channels of {mask.info.dtype} that differ and are no 8-bit colours"
        raise DataError(f"{file}: has {kind} (expected ids in one channel, or colours)")
    if not by_color and not mask.single:
        remarks.append("of several channels with the ids in the first")
    counts, inner, between = _counted(mask, by_color)
    if opacity is not None and (opacity == 0).any():
        transparent = _transparent(mask, by_color, opacity)
        counts = {value: number - transparent.get(value, 0) for value, number in counts.items()}
        counts = {value: number for value, number in counts.items() if number}
    kept = sorted(counts, key=lambda value: -counts[value])[:MOST_VALUES]
    palette = mask.info.palette
    telling = palette is not None and mask.single and palettes.tells(palette)
    return MaskCensus(
        file,
        mask.info.bits,
        mask.lossy,
        by_color,
        sum(counts.values()) + sum(transparent.values()),
        {value: counts[value] for value in kept},
        {value: inner[value] for value in kept if value in inner},
        {value: between[value] for value in kept if value in between},
        len(counts),
        palettes.of_indices(palette, [*kept, *transparent]) if telling and palette is not None else None,
        palette is not None and mask.single,
        transparent,
        tuple(remarks),
    )


def _scaled(mask: Mask) -> bool:
    """Whether deep channels are 8-bit colours spread over 16 bits, and not all black."""
    return mask.scale == (1, 257) and bool(mask.channels.any())


def _values(mask: Mask, by_color: bool, rows: slice) -> np.ndarray:
    """(h, W) integers: packed colours, or ids. Raises DataError for fractions."""
    if by_color:
        return mask.colors(rows)
    assert mask.ids is not None
    part = mask.ids[rows]
    if part.dtype.kind != "f":
        return part.astype(np.uint8) if part.dtype == bool else part
    part = part.astype(np.float64)
    with np.errstate(invalid="ignore"):
        odd = ~((part == np.rint(part)) & (np.abs(part) < 1 << 53)) & ~np.isnan(part)
    if odd.any():
        row, column = np.unravel_index(int(odd.argmax()), odd.shape)
        what = f"row {row + rows.start}, column {column} holds {part[row, column]:.6g}, which is no whole number"
        hint = "expected ids; where two classes are told by a level, --threshold divides them"
        raise DataError(f"{mask.file}: {what} ({hint})")
    return np.nan_to_num(part).astype(np.int64)


def _counted(mask: Mask, by_color: bool) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Pixels of each value; those of them whose neighbours all have it; those that have lower and higher neighbours."""
    pixels: dict[int, int] = {}
    inner: dict[int, int] = {}
    between: dict[int, int] = {}
    height = mask.shape[0]
    for rows in mask.strips():
        top, bottom = max(0, rows.start - 1), min(height, rows.stop + 1)
        values = _values(mask, by_color, slice(top, bottom))
        own = values[rows.start - top : len(values) - (bottom - rows.stop)]
        _add(pixels, own)
        _add(inner, _inner(values, (3 if by_color else 1) if mask.lossy else 0))
        if not by_color:
            _add(between, _between(values))
    if not by_color and mask.ids is not None and mask.ids.dtype.kind == "f":
        missing = sum(int(np.isnan(mask.ids[rows]).sum()) for rows in mask.strips())
        pixels[0] = pixels.get(0, 0) - missing
        pixels = {value: number for value, number in pixels.items() if number}
    return pixels, inner, between


def _inner(values: np.ndarray, changed: int) -> np.ndarray:
    """(n,): the values whose eight neighbours are equal to them.

    changed: channels of values that compression has changed, so that nearly equal is enough; 0: it has not.
    """
    across, down = _alike(values[:, 1:], values[:, :-1], changed), _alike(values[1:], values[:-1], changed)
    row = across[:, 1:] & across[:, :-1]
    flat = row[1:-1] & row[:-2] & row[2:] & (down[1:] & down[:-1])[:, 1:-1]
    return values[1:-1, 1:-1][flat]


def _between(values: np.ndarray) -> np.ndarray:
    """(n,): the values that lie between the lowest and the highest of their eight neighbours."""
    across = [values[:, :-2], values[:, 1:-1], values[:, 2:]]
    low, high = np.minimum.reduce(across), np.maximum.reduce(across)
    low, high = (
        np.minimum.reduce([low[:-2], low[1:-1], low[2:]]),
        np.maximum.reduce([high[:-2], high[1:-1], high[2:]]),
    )
    middle = values[1:-1, 1:-1]
    return middle[(low < middle) & (middle < high)]


def _alike(one: np.ndarray, other: np.ndarray, changed: int) -> np.ndarray:
    """Where values are equal, or of so many changed channels each nearly so."""
    if not changed:
        return one == other
    found = np.ones(one.shape, bool)
    for shift in range(0, 8 * changed, 8):
        first, second = (part.astype(np.int32) >> shift & 255 for part in (one, other))
        found &= np.abs(first - second) <= STEADY[changed > 1]
    return found


def _add(counts: dict[int, int], values: np.ndarray) -> None:
    if values.dtype == np.uint8:
        numbers = np.bincount(values.ravel(), minlength=256)
        found, numbers = np.flatnonzero(numbers), numbers[numbers > 0]
    else:
        found, numbers = np.unique(values, return_counts=True)
    for value, number in zip(found.tolist(), numbers.tolist(), strict=True):
        counts[value] = counts.get(value, 0) + number


def _transparent(mask: Mask, by_color: bool, opacity: np.ndarray) -> dict[int, int]:
    counts: dict[int, int] = {}
    for rows in mask.strips():
        _add(counts, _values(mask, by_color, rows)[opacity[rows] == 0])
    return counts
