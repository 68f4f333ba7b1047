"""Class ids of mask files of any kind: values, palettes and colours, by a table of classes."""

from pathlib import Path

import numpy as np

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks import mask_file, palettes
from casnet_cli.data.masks.mask_file import Mask
from casnet_cli.data.masks.mask_lookup import Lookup
from casnet_cli.data.masks.mending import NO_MENDING, Mending
from casnet_cli.data.masks.unclaimed import unclaimed
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.base import Reader, labelled_sample
from casnet_cli.errors import Unfit, UnfitKind

FIRST = "with the ids in the first of three channels"
REST = "that no class claims, taken for void"
OPACITY = "of one colour whose opacity tells the object from the ground, and is taken as the id"


def reader(table: ClassTable) -> Reader:
    """A function that makes a sample of an image file and its mask file, by a table of classes."""
    return lambda image, mask: labelled_sample(image, mask, class_ids(mask, table))


def class_ids(
    file: Path,
    table: ClassTable,
    mending: Mending = NO_MENDING,
    remarks: Remarks | None = None,
    seen: palettes.PalettesSeen | None = None,
) -> np.ndarray:
    """(H, W) uint8 class ids and VOID of a mask file.

    Of a palette image the indices are looked up if the table has ids, else the colours. If the table has nothing else,
    a grey image is taken as colours, and a colour image whose first channel says all as ids. Transparent pixels that
    nothing claims are `background` if there is such a class, else void, as pixels outside of outlines are.
    mending: what is done to values that nothing claims. remarks: gets what was decided. seen: the palettes of
    the masks before. Raises Unfit naming the first pixel that no class and no void claims, and what it may be, unless
    all else is void by the table.
    """
    mask, remarks = mask_file.read(file), remarks or Remarks()
    for note in mask.info.notes:
        remarks.add(note, file)
    if mask.info.pages > 1:
        remarks.add("of several pages: the first is taken", file)
    lookup = _lookup(mask, table, mending, remarks)
    if not lookup.by_color and mask.palette is not None:
        palettes.check(mask, table)
        if seen:
            seen.add(mask)
    found = lookup.classes()
    if lookup.first and mending.threshold is not None and lookup.divisible:
        found = lookup.divided(mending.threshold)
    elif lookup.first and table.rest:
        remarks.add(REST, file, sum(lookup.foreign.values()), found.size, lookup.foreign_values())
    elif lookup.first:
        raise unclaimed(mask, table, lookup.by_color, lookup.first, lookup.foreign)
    for text, pixels in lookup.counts.items():
        remarks.add(text, file, pixels, found.size)
    return found


def _lookup(mask: Mask, table: ClassTable, mending: Mending, remarks: Remarks) -> Lookup:
    """What of a mask is looked up: its opacity, ids or colours. Raises Unfit if the table has no place for it."""
    if mask.one_color and table.ids and mask.opacity is not None:
        levels = np.unique(mask.opacity)
        if mending.threshold is not None or set(levels.tolist()) <= set(table.ids):
            remarks.add(OPACITY, mask.file)
            return Lookup(mask, table, mending, mask.opacity, transparent=False)
    if _by_color(mask, table):
        return Lookup(mask, table, mending, None)
    if not mask.single and (mask.channels[..., 0] != mask.channels[..., 1]).any():
        remarks.add(FIRST, mask.file)
    return Lookup(mask, table, mending, mask.ids)


def _by_color(mask: Mask, table: ClassTable) -> bool:
    """Whether pixels are looked up by colour. Raises Unfit if the table has no place for what the mask holds."""
    if mask.single:
        if table.ids or not table.colors:
            return False
        if mask.palette is None and mask.scale is None:
            kind, hint = "values beyond 255, but the table of classes has only colours", "give each class its ids"
            raise Unfit(f"{mask.file}: has {kind} ({hint})", UnfitKind.MODE, kind)
        return True
    deep = mask.info.dtype != "uint8"
    if table.colors and not (deep and table.ids and mask.ids is not None) and mask.scale is not None:
        return True
    if table.ids and mask.ids is not None:
        return False
    if deep and mask.scale is None:
        kind = f"three channels of {mask.info.dtype} that differ and are no 8-bit colours"
        raise Unfit(f"{mask.file}: has {kind} (expected ids in one channel, or colours)", UnfitKind.MODE, kind)
    hint = "give each class its color"
    raise Unfit(
        f"{mask.file}: is a colour picture, but the table of classes has only ids ({hint})", UnfitKind.MODE, "colours"
    )
