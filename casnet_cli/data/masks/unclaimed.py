"""In words what a pixel of a mask may mean that no class and no void claims."""

from collections.abc import Mapping
from math import isfinite

import numpy as np

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks.mask_file import Mask, unpack_color
from casnet_cli.data.masks.mending import nearest_classes
from casnet_cli.errors import Unfit, UnfitKind
from casnet_cli.labels import VOID

SEVERAL = 4
"""Different colours, or values between two classes, from which on borders are likely blended."""

SEVERAL_WHITE = 2
"""As `SEVERAL`, of values between black and white, of which straight borders have few."""

NEAR = 40
"""Largest difference in a channel at which a colour may be meant for another one."""

MOST = 10_000
"""Colours that are looked at for a guess."""


def unclaimed(
    mask: Mask, table: ClassTable, by_color: bool, first: tuple[int, int, float], foreign: Mapping[float, int]
) -> Unfit:
    """The fault of a mask that holds values nothing claims.

    first: row, column and value, or packed colour, of the first one. foreign: pixels of each such value.
    """
    row, column, value = first
    where = f"{mask.file}: row {row}, column {column} holds"
    if not by_color and not float(value).is_integer():
        kind = "fractions, which are no ids"
        what = "infinite" if not isfinite(value) else "no whole number"
        hint = "expected ids; --threshold divides what lies between two classes"
        return Unfit(f"{where} {value:.6g}, which is {what} ({hint})", UnfitKind.VALUE, f"{kind} ({hint})")
    shown = str(unpack_color(int(value))) if by_color else f"{int(value)}"
    number, total = sum(foreign.values()), mask.shape[0] * mask.shape[1]
    many = f", as do {number / total:.1%} of its pixels" if number > 1 else ""
    blend = _blend(table, by_color, foreign)
    guess = blend or likely_meaning(int(value), table, by_color)
    if mask.lossy:
        mend = ", or mend them by --nearest-color" if by_color else ""
        mend = ", or divide them by --threshold" if not by_color and len(table.labels) == 2 else mend
        guess = f"a JPEG blurs ids and colours; store masks as PNG{mend}"
        return Unfit(f"{where} {shown}{many}, which no class claims ({guess})", UnfitKind.JPEG)
    cause = blend or f"{shown} ({guess})"
    return Unfit(f"{where} {shown}{many}, which no class claims ({guess})", UnfitKind.VALUE, cause)


def _blend(table: ClassTable, by_color: bool, foreign: Mapping[float, int]) -> str:
    """How to mend values that look like borders blended between classes; empty if they do not."""
    if by_color and len(foreign) < SEVERAL:
        return ""
    if by_color:
        colors = np.array(list(foreign)[:MOST], np.int32)
        _, far = nearest_classes(colors, table)
        return f"blended borders? --nearest-color {max(NEAR, int(far.max()))} takes the nearest class"
    ids = [value for value, owner in table.ids.items() if owner != VOID]
    white = bool(ids) and (min(ids), max(ids)) == (0, VOID)
    if len(foreign) < (SEVERAL_WHITE if white else SEVERAL):
        return ""
    if len(table.labels) == 2 and ids and all(min(ids) < value < max(ids) for value in foreign):
        kind = "black and white with " if white else ""
        return f"{kind}blended borders? --threshold {(min(ids) + max(ids) + 1) // 2} divides them"
    return ""


def likely_meaning(value: int, table: ClassTable, by_color: bool) -> str:
    """A guess in words at what a value, or a packed colour, means that no class claims."""
    if not by_color:
        if value == VOID:
            return "usually unlabelled: void = {ids = [255]}"
        near = [known for known in (value - 1, value + 1) if known in table.ids]
        return f"next to {_class_name(table.ids[near[0]], table)}: counted from another start?" if near else "void?"
    color = np.asarray(unpack_color(value))
    distances = {known: int(np.abs(color - known).max()) for known in table.colors}
    nearest = min(distances, key=distances.__getitem__)
    name = _class_name(table.colors[nearest], table)
    return f"nearest is {name}, {nearest}" if distances[nearest] <= NEAR else "void?"


def _class_name(class_id: int, table: ClassTable) -> str:
    return "void" if class_id == VOID else f"class {table.labels.names[class_id]!r}"
