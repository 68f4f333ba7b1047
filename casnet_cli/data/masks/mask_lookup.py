"""From the pixels of a mask to class ids, some rows at a time, with what is decided on the way."""

from collections import Counter

import numpy as np

from casnet_cli.data.classes.class_table import BACKGROUND, UNKNOWN, ClassTable, background_id
from casnet_cli.data.masks.mask_file import Mask, unpack_color
from casnet_cli.data.masks.mending import Mending, ground_and_object, nearest_classes
from casnet_cli.data.masks.palettes import tells
from casnet_cli.labels import VOID

NEAREST = "taken for the nearest colour"
ABSENT = "where nothing was measured: void"
MOST_NAMED = 64
"""Values of a file that are named, if nothing claims them."""

COLORLESS = 24
"""Largest difference between the channels of a grey pixel that a JPEG has coloured."""


class Lookup:
    """Looks the pixels of one mask up in a table of classes."""

    def __init__(
        self, mask: Mask, table: ClassTable, mending: Mending, ids: np.ndarray | None, transparent: bool = True
    ):
        """ids: (H, W), what is looked up; None: the mask's colours. transparent: whether opacity counts."""
        self.mask, self.table, self.mending, self.ids = mask, table, mending, ids
        self.by_color = ids is None
        self.counts: Counter[str] = Counter()
        """Pixels of each decision."""
        self.foreign: Counter[float] = Counter()
        """Values, or packed colours, that nothing claims, with their pixels."""
        self.first: tuple[int, int, float] | None = None
        """Row, column and value of the first of them."""
        self._opacity = mask.opacity if transparent else None
        self._opaque = self._opaque_values()

    def classes(self) -> np.ndarray:
        """(H, W) uint8 class ids and VOID; VOID also where nothing claims a pixel, and `first` is set then."""
        found = np.empty(self.mask.shape, np.uint8)
        for rows in self.mask.strips():
            found[rows] = self._looked_up(rows).astype(np.uint8)  # UNKNOWN becomes VOID
        return found

    def _values(self, rows: slice) -> np.ndarray:
        return self.mask.colors(rows) if self.ids is None else self.ids[rows]

    def _looked_up(self, rows: slice) -> np.ndarray:
        """(h, W) int16: class ids, VOID and UNKNOWN of some rows."""
        values = self._values(rows)
        if self.by_color:
            classes = self.table.by_color[values]
        else:
            whole, fits = _whole(values)
            classes = self.table.classes_of_ids(whole)
            if fits is not None:
                classes[~fits] = UNKNOWN
        self._settle_transparent(rows, values, classes)
        if (unknown := classes == UNKNOWN).any():
            self._settle_absent(values, classes, unknown)
            if self.by_color and self.mending.nearest is not None:
                self._settle_nearest(values, classes, unknown)
            self._note_foreign(rows, values, unknown)
        return classes

    def _settle_transparent(self, rows: slice, values: np.ndarray, classes: np.ndarray) -> None:
        """Transparent pixels are the ground where nothing claims them, or where opaque ones have the same value."""
        if self._opacity is None or not (transparent := self._opacity[rows] == 0).any():
            return
        hidden = transparent & ((classes == UNKNOWN) | np.isin(values, self._opaque))
        ground = background_id(self.table.labels.names)
        classes[hidden] = ground
        if number := int(hidden.sum()):
            self.counts[f"that are transparent: {'void' if ground == VOID else BACKGROUND}"] += number
        if kept := int(transparent.sum()) - number:
            self.counts["that are transparent: the class of their colour or id"] += kept

    def _settle_absent(self, values: np.ndarray, classes: np.ndarray, unknown: np.ndarray) -> None:
        """Pixels without a measurement become void."""
        nodata = self.mask.info.nodata
        absent = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
        if nodata is not None and not self.by_color:
            absent |= values == nodata
        absent &= unknown
        if number := int(absent.sum()):
            classes[absent] = VOID
            unknown &= ~absent
            self.counts[ABSENT] += number

    def _settle_nearest(self, values: np.ndarray, classes: np.ndarray, unknown: np.ndarray) -> None:
        """Colours that nothing claims become those near enough."""
        assert self.mending.nearest is not None
        colors, place = np.unique(values[unknown], return_inverse=True)
        nearest, far = nearest_classes(colors, self.table)
        nearest[far > self.mending.nearest] = UNKNOWN
        mended = nearest[place.reshape(-1)]
        classes[unknown] = mended
        if number := int((mended != UNKNOWN).sum()):
            self.counts[NEAREST] += number
            unknown &= classes == UNKNOWN

    def _note_foreign(self, rows: slice, values: np.ndarray, unknown: np.ndarray) -> None:
        if not unknown.any():
            return
        if self.first is None:
            row, column = np.unravel_index(int(unknown.argmax()), unknown.shape)
            self.first = (int(row) + rows.start, int(column), values[row, column].item())
        found, counts = np.unique(values[unknown], return_counts=True)
        self.foreign.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))

    def foreign_values(self) -> list[str]:
        """The most frequent values, or colours, that nothing claims, in words."""
        found = [value for value, _ in self.foreign.most_common(MOST_NAMED)]
        return [str(unpack_color(int(value))) if self.by_color else f"{value:.10g}" for value in found]

    def _opaque_values(self) -> np.ndarray:
        """All values, or packed colours, of pixels that are not transparent."""
        found = np.empty(0, np.int64)
        if self._opacity is None:
            return found
        for rows in self.mask.strips():
            visible = self._values(rows)[self._opacity[rows] != 0]
            found = np.union1d(found, visible)
        return found

    @property
    def divisible(self) -> bool:
        """Whether the pixels are greys that a threshold can divide: not indices of colours, nor 0 and 1 alone."""
        palette = self.mask.info.palette
        if palette is not None and not self.by_color and tells(palette):
            return False
        levels: set[float] = set()
        for rows in self.mask.strips():
            part = self._grey(rows)
            if part is None:
                return False
            levels |= {float(part.min(initial=0)), float(part.max(initial=0))}
        return not levels <= {0.0, 1.0} or self.ids is not None and self.ids.dtype.kind == "f"

    def divided(self, threshold: float) -> np.ndarray:
        """(H, W) uint8 class ids: the object where a grey value is `threshold` or more, else the ground.

        Void keeps what it claims. Only where `divisible`.
        """
        below, above = ground_and_object(self.table)
        found, text, changed = np.empty(self.mask.shape, np.uint8), f"divided at {threshold:g}", 0
        self.first = None
        self.counts.clear()
        for rows in self.mask.strips():
            grey = self._grey(rows)
            assert grey is not None
            with np.errstate(invalid="ignore"):
                part = np.where(grey >= threshold, above, below)
            before = self._looked_up(rows)
            void = before == VOID
            part[void] = VOID
            changed += int((part != before).sum())
            found[rows] = part
        self.first = None
        self.counts.pop(NEAREST, None)
        self.counts[text] = changed
        return found

    def _grey(self, rows: slice) -> np.ndarray | None:
        """(h, W): greys of some rows, of 1 bit 0 and 255; None if they have colours."""
        if self.ids is not None:
            one_bit = self.mask.info.bits == 1 and self.mask.palette is None
            return self.ids[rows] * np.uint8(255) if one_bit else self.ids[rows]
        colors = self.mask.colors(rows)
        red, green, blue = colors >> 16, colors >> 8 & 255, colors & 255
        if max(np.abs(red - green).max(initial=0), np.abs(blue - green).max(initial=0)) > COLORLESS:
            return None
        return green


def _whole(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Values as integers, and (h, W) bool: which are; None: all."""
    if values.dtype.kind != "f":
        return (values.astype(np.uint8) if values.dtype == bool else values), None
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        fits = (values == np.rint(values)) & (np.abs(values) < 1 << 53)
    return np.where(fits, values, 0).astype(np.int64), None if fits.all() else fits
