"""Whether the palette of a mask means what a table of classes, or another mask's palette, says."""

import threading
from collections import defaultdict
from pathlib import Path

import numpy as np

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks.mask_file import Mask
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import Unfit, UnfitKind
from casnet_cli.labels import VOID

DISAGREE = "palettes disagree in the colour of an index, which is taken by its number (--propose gives colours)"


class PalettesSeen:
    """Compares the palettes of the masks of a set, from any thread: `check` knows only the colours of the table."""

    def __init__(self, remarks: Remarks):
        """remarks: gets the files whose palettes disagree."""
        self._remarks, self._lock = remarks, threading.Lock()
        self._files: dict[int, dict[int, list[Path]]] = defaultdict(dict)

    def add(self, mask: Mask) -> None:
        """Compare the colours of the indices that occur in a mask with those of the masks before."""
        palette = mask.info.palette
        if palette is None or not tells(palette):
            return
        colors = of_indices(palette, occurring(mask).tolist())
        with self._lock:
            for index, color in colors.items():
                known = self._files[index]
                new = color not in known
                known.setdefault(color, []).append(mask.file)
                if len(known) == 1:
                    continue
                for file in sum(known.values(), []) if new else [mask.file]:
                    self._remarks.add(DISAGREE, file)


def tells(palette: np.ndarray) -> bool:
    """Whether (n, 3) uint8 colours mean something: not one colour for all, nor greys in the order of the indices."""
    if len(palette) < 2 or (palette == palette[0]).all():
        return False
    numbers = np.arange(len(palette))
    ramps = [numbers]
    if len(palette) > 2:  # black and white are a choice of colours too
        ramps.append(numbers * 255 // (len(palette) - 1))
    return not any(np.array_equal(palette, np.repeat(ramp[:, None], 3, axis=1)) for ramp in ramps)


def occurring(mask: Mask) -> np.ndarray:
    """The palette indices that pixels have, in ascending order."""
    found = np.zeros(256, bool)
    for rows in mask.strips():
        found |= np.bincount(mask.channels[rows].ravel(), minlength=256)[:256] > 0
    return np.flatnonzero(found)


def check(mask: Mask, table: ClassTable) -> None:
    """Raises Unfit if an index of a mask means a class by its number and another one by its colour.

    A colour that the palette also gives to an index of the class that owns it, as black is to unused indices, tells
    nothing.
    """
    palette = mask.info.palette
    if palette is None or not table.colors or not tells(palette):
        return
    colors = [tuple(color) for color in palette.tolist()]
    ids_of: dict[int, set[tuple[int, ...]]] = {}
    for value, owner in table.ids.items():
        if 0 <= value < len(colors):
            ids_of.setdefault(owner, set()).add(colors[value])
    for index in occurring(mask).tolist():
        meant = table.ids.get(index)
        color = colors[index] if index < len(colors) else None
        claims = table.colors.get(color) if color is not None else None
        if meant is None or claims is None or claims == meant or color in ids_of.get(claims, set()):
            continue
        names = ["void" if one == VOID else repr(table.labels.names[one]) for one in (meant, claims)]
        where = f"{mask.file}: index {index} means {names[0]} by its number"
        raise Unfit(
            f"{where}, but its palette colour {color} belongs to {names[1]} "
            "(its palette differs from the table's: give the classes their colours and no ids)",
            UnfitKind.PALETTE,
        )


def of_indices(palette: np.ndarray, indices: list[int]) -> dict[int, int]:
    """The packed colour of each index, black beyond the palette's end."""
    whole = palette.astype(int)
    return {
        index: int(whole[index, 0]) << 16 | int(whole[index, 1]) << 8 | int(whole[index, 2])
        if index < len(whole)
        else 0
        for index in indices
    }
