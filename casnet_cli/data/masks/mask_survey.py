"""What the masks of a folder hold together: values, colours, palettes that disagree."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from casnet_cli.data.masks.blending import areas_of
from casnet_cli.data.masks.mask_census import MaskCensus, census
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES, VOID

MOST_KEPT = 1 << 17
"""Different values of all files that are kept, the most frequent ones."""

PHOTOGRAPH = 120
"""Different values of a file from which on it is a photograph, if half of its pixels are in no area of their value."""

TOO_MANY = 4 * MAX_CLASSES
"""Different values from which on files are taken for photographs, unless they show blending."""


@dataclass
class Survey:
    """The values of all files."""

    files: int = 0
    """Their number."""
    ids: Counter[int] = field(default_factory=Counter)
    """Pixels of each value or palette index; transparent ones are not among them."""
    inner_ids: Counter[int] = field(default_factory=Counter)
    """Of these the pixels whose neighbours have the same value."""
    between: Counter[int] = field(default_factory=Counter)
    """Of the pixels of `ids` those with a smaller and a greater value beside them."""
    colors: Counter[int] = field(default_factory=Counter)
    """Pixels of each packed colour, of colour files and of palettes that mean something."""
    inner_colors: Counter[int] = field(default_factory=Counter)
    """Of these the pixels whose neighbours have the same colour or index."""
    void_colors: set[int] = field(default_factory=set)
    """Packed colours of palette index 255."""
    transparent: Counter[tuple[bool, int]] = field(default_factory=Counter)
    """Transparent pixels of each packed colour (True) or value (False)."""
    dropped: int = 0
    """Pixels of values that were too many to keep."""
    palette: dict[int, tuple[int, Path]] = field(default_factory=dict)
    """Packed colour of each palette index that occurs, and the first file that has it."""
    disagreement: tuple[int, int, Path] | None = None
    """An index that has another colour than in `palette`: that packed colour, and the file that has it."""
    first: dict[str, Path] = field(default_factory=dict)
    """The first file of each kind: of `colour`, `ids`, `palette` (meaning something), `plain` (ids without), `tinted`
    (colours that are not grey)."""
    depths: set[int] = field(default_factory=set)
    """Bits of the files."""
    lossy: Path | None = None
    """A file that compression has changed."""
    ones: bool = False
    """Whether a file has areas of 1, and none of 255."""
    fulls: bool = False
    """Whether a file has areas of 255, and none of 1."""
    both: bool = False
    """Whether a file has areas of 1 and of 255."""
    remarks: Remarks = field(default_factory=Remarks)
    """What was decided about single files."""

    def add(self, one: MaskCensus) -> None:
        """Count a file. Raises DataError if it is a photograph."""
        self.files += 1
        refuse_photographs(one)
        self.first.setdefault("colour" if one.by_color else "ids", one.file)
        if not one.by_color:
            self.first.setdefault("plain" if one.palette is None else "palette", one.file)
        if not one.grey:
            self.first.setdefault("tinted", one.file)
        self.depths.add(one.bits)
        self.lossy = self.lossy or (one.file if one.lossy else None)
        pixels, inner = (self.colors, self.inner_colors) if one.by_color else (self.ids, self.inner_ids)
        pixels.update(one.pixels)
        inner.update(one.inner)
        self.between.update(one.between)
        self.dropped += one.total - sum(one.pixels.values()) - sum(one.transparent.values())
        self.transparent.update({(one.by_color, value): number for value, number in one.transparent.items()})
        held = areas_of(one.pixels, one.inner, one.by_color, False).values or one.pixels.keys()
        white, unity = (any(key in held for key in keys) for keys in ((VOID, 0xFFFFFF), (1, 0x010101)))
        self.both |= white and unity
        self.fulls |= white and not unity
        self.ones |= unity and not white
        for remark in one.remarks:
            self.remarks.add(remark, one.file)
        if one.palette is not None:
            self._add_palette(one, one.palette)
        self.colors = self._pruned(self.colors)
        self.ids = self._pruned(self.ids)

    def _pruned(self, pixels: Counter[int]) -> Counter[int]:
        if len(pixels) <= 2 * MOST_KEPT:
            return pixels
        kept = Counter(dict(pixels.most_common(MOST_KEPT)))
        self.dropped += sum(pixels.values()) - sum(kept.values())
        return kept

    def levels(self) -> tuple[Counter[int], Counter[int]]:
        """`ids` and `inner_ids`, with colour files, all grey, counted by their level."""
        pixels, inner = Counter(self.ids), Counter(self.inner_ids)
        pixels.update({color & 255: number for color, number in self.colors.items()})
        inner.update({color & 255: number for color, number in self.inner_colors.items()})
        return pixels, inner

    def _add_palette(self, one: MaskCensus, palette: dict[int, int]) -> None:
        for index, color in sorted(palette.items()):
            self.transparent[True, color] += one.transparent.get(index, 0)
            if index not in one.pixels:
                continue
            known, _ = self.palette.setdefault(index, (color, one.file))
            if known != color and self.disagreement is None:
                self.disagreement = (index, color, one.file)
            self.colors[color] += one.pixels[index]
            self.inner_colors[color] += one.inner.get(index, 0)
            if index == VOID:
                self.void_colors.add(color)


def refuse_photographs(one: MaskCensus) -> None:
    """Raises DataError if a file has many values and few areas."""
    if one.indexed or one.different <= PHOTOGRAPH:
        return
    if areas_of(one.pixels, one.inner, one.by_color, one.lossy).pixels < one.total / 2:
        hint = "saved as JPEG?" if one.lossy else "a photograph among the masks, or scaled with blending?"
        raise DataError(f"{one.file}: holds {one.different:,} different values, and few areas of one value ({hint})")


def survey(files: Sequence[Path]) -> Survey:
    """Count the masks in these files. Raises DataError if one can be no mask."""
    found = Survey()
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for one in pool.map(census, files):
            found.add(one)
    return found
