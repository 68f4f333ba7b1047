"""Class ids of mask files of any common kind: grey, palette and RGB images, by a table of classes."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.annotations.class_table import UNKNOWN, ClassTable
from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.sources.base import Reader, labelled_sample, read_bytes
from casnet_cli.errors import Unfit, UnfitKind, reason
from casnet_cli.labels import VOID

GREY = ("1", "L", "I", "I;16", "I;16B", "LA")
COLORED = ("RGB", "RGBA")


@dataclass(frozen=True)
class Mask:
    """The pixels of a mask file."""

    file: Path
    """Where it lies."""
    lossy: bool
    """Whether it is a JPEG, whose compression changes values."""
    values: np.ndarray | None
    """(H, W) int32, grey values or palette indices; None if the pixels are colours."""
    colors: np.ndarray | None
    """(H, W) int32, red · 2¹⁶ + green · 2⁸ + blue of colour pixels or of a palette; None for a grey file."""


def read(file: Path) -> Mask:
    """Decode a mask file. Raises Unfit if it is no image, damaged, or of a mode that is no mask."""
    try:
        with Image.open(io.BytesIO(read_bytes(file))) as picture:
            picture.load()
            lossy = picture.format in ("JPEG", "MPO")
            mode, pixels = picture.mode, np.asarray(picture)
            palette = np.asarray(picture.getpalette("RGB") or [], np.int32).reshape(-1, 3)
    except UNREADABLE as error:
        raise Unfit(f"{file}: not a readable mask: {reason(error)} (expected a PNG)", UnfitKind.UNREADABLE) from None
    if mode in GREY:
        values = (pixels[..., 0] if mode == "LA" else pixels).astype(np.int32)
        shown = pack_colors(np.repeat(values[..., None] * 255, 3, -1)) if mode == "1" else None
        return Mask(file, lossy, values, shown)
    if mode == "P":
        known = np.zeros((256, 3), np.int32)
        known[: len(palette)] = palette
        return Mask(file, lossy, pixels.astype(np.int32), pack_colors(known)[pixels])
    if mode in COLORED:
        return Mask(file, lossy, None, pack_colors(pixels[..., :3].astype(np.int32)))
    raise Unfit(f"{file}: has pixels of mode {mode} (expected a grey, palette or RGB mask)", UnfitKind.MODE, mode)


def pack_colors(colors: np.ndarray) -> np.ndarray:
    """(..., 3) int32 RGB → (...) int32."""
    return colors[..., 0] << 16 | colors[..., 1] << 8 | colors[..., 2]


def unpack_color(color: int) -> tuple[int, int, int]:
    """Red, green and blue of a packed colour."""
    return color >> 16, color >> 8 & 255, color & 255


def reader(table: ClassTable) -> Reader:
    """A function that makes a sample of an image file and its mask file, by a table of classes."""
    return lambda image, mask: labelled_sample(image, mask, class_ids(mask, table))


def class_ids(file: Path, table: ClassTable) -> np.ndarray:
    """(H, W) uint8 class ids and VOID of a mask file.

    Of a palette image the indices are looked up if the table has ids, else the colours. If the table has nothing else,
    a grey image is taken as colours, and an RGB image of equal channels as ids. Raises Unfit naming the first pixel
    that no class and no void claims, and what it may be.
    """
    mask = read(file)
    if mask.values is not None and (table.ids or not table.colors):
        return _looked_up(mask, mask.values, table, by_color=False)
    colors = mask.colors if mask.colors is not None else pack_colors(np.repeat(_bytes(mask)[..., None], 3, -1))
    if table.colors:
        return _looked_up(mask, colors, table, by_color=True)
    blue = colors & 255
    if np.array_equal(colors, pack_colors(np.repeat(blue[..., None], 3, -1))):
        return _looked_up(mask, blue, table, by_color=False)
    hint = "give each class its color"
    raise Unfit(
        f"{file}: is a colour picture, but the table of classes has only ids ({hint})", UnfitKind.MODE, "colours"
    )


def _bytes(mask: Mask) -> np.ndarray:
    assert mask.values is not None
    if mask.values.min(initial=0) < 0 or mask.values.max(initial=0) > 255:
        hint = "give each class its ids"
        raise Unfit(
            f"{mask.file}: has values beyond 255, but the table of classes has only colours ({hint})", UnfitKind.MODE
        )
    return mask.values


def _looked_up(mask: Mask, values: np.ndarray, table: ClassTable, by_color: bool) -> np.ndarray:
    lookup = table.by_color if by_color else table.by_id
    inside = (values >= 0) & (values < len(lookup))
    found = np.where(inside, lookup[np.where(inside, values, 0)], UNKNOWN)
    foreign = found == UNKNOWN
    if foreign.any():
        row, column = np.unravel_index(int(foreign.argmax()), foreign.shape)
        value = int(values[row, column])
        shown = str(unpack_color(value)) if by_color else str(value)
        many = f", as do {foreign.mean():.1%} of its pixels" if foreign.sum() > 1 else ""
        guess = likely_meaning(value, table, by_color, mask.lossy)
        raise Unfit(
            f"{mask.file}: row {row}, column {column} holds {shown}{many}, which no class claims ({guess})",
            *((UnfitKind.JPEG, "") if mask.lossy else (UnfitKind.VALUE, f"{shown} ({guess})")),
        )
    return found.astype(np.uint8)


def likely_meaning(value: int, table: ClassTable, by_color: bool, lossy: bool = False) -> str:
    """A guess in words at what a value, or a packed colour, means that no class claims."""
    if lossy:
        return "a JPEG blurs ids and colours; store masks as PNG"
    if not by_color:
        if value == VOID:
            return "usually unlabelled: void = {ids = [255]}"
        near = [known for known in (value - 1, value + 1) if known in table.ids]
        return f"next to {_class_name(table.ids[near[0]], table)}: counted from another start?" if near else "void?"
    color = np.asarray(unpack_color(value))
    distances = {known: int(np.abs(color - known).max()) for known in table.colors}
    nearest = min(distances, key=distances.__getitem__)
    name = _class_name(table.colors[nearest], table)
    return f"nearest is {name}, {nearest}" if distances[nearest] <= 40 else "void?"


def _class_name(class_id: int, table: ClassTable) -> str:
    return "void" if class_id == VOID else f"class {table.labels.names[class_id]!r}"
