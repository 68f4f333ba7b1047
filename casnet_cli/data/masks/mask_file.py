"""A mask file as it is stored: its values or colours, its palette, and what its transparency says."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.picture import ALPHA, INDEX, PictureInfo
from casnet_cli.data.pixels.pillow_readers import CMYK_NOTE
from casnet_cli.data.pixels.read import read as read_picture
from casnet_cli.errors import Unfit, UnfitKind, reason

STRIP_PIXELS = 1 << 20
"""Pixels that are worked on at a time: types that are wider than the stored one are made for so many only."""

LOSSY = ("JPEG", "MPO")
"""Formats whose compression changes values."""


@dataclass(frozen=True)
class Mask:
    """The pixels of a mask file."""

    file: Path
    """Where it lies."""
    info: PictureInfo
    """The facts of the file."""
    channels: np.ndarray
    """(H, W, 1) values or palette indices, or (H, W, 3) colours, as stored."""
    opacity: np.ndarray | None = None
    """(H, W), 0 where transparent, as stored; None if there is none, or if all pixels are opaque alike."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.channels.shape[:2]
        return height, width

    @property
    def lossy(self) -> bool:
        """Whether compression has changed values."""
        return self.info.format in LOSSY

    @property
    def single(self) -> bool:
        """Whether it has one channel: values or palette indices, not colours."""
        return self.channels.shape[-1] == 1

    @property
    def palette(self) -> np.ndarray | None:
        """(n,) int32: the packed colours of the indices of a palette image."""
        return None if self.info.palette is None else pack_colors(self.info.palette.astype(np.int32))

    @cached_property
    def one_color(self) -> bool:
        """Whether all pixels have one value or colour and only the opacity differs, so that it is the mask."""
        if self.opacity is None or self.info.bands[0] == INDEX or self.opacity.min() == self.opacity.max():
            return False
        return bool((self.channels == self.channels[:1, :1]).all())

    @cached_property
    def ids(self) -> np.ndarray | None:
        """(H, W) of the stored type: values or indices; of several channels the first, where that says all.

        That is so where the channels are equal or the others 0, and where the third of three deep ones is 0, as the
        second numbers the objects then. None: these are colours.
        """
        first = self.channels[..., 0]
        if self.single:
            return first
        deep = self.channels.dtype != np.uint8
        equal = others = third = True
        for rows in self.strips():
            part = self.channels[rows]
            equal = equal and bool((part[..., 1:] == part[..., :1]).all())
            others = others and not part[..., 1:].any()
            third = third and deep and not part[..., 2].any()
            if not (equal or others or third):
                return None
        return first

    @cached_property
    def scale(self) -> tuple[int, int] | None:
        """Factor and divisor from stored values to 8-bit colours; None if these are none."""
        if self.info.dtype == "uint8":
            return (1 if self.info.bits >= 8 else 255 // (2**self.info.bits - 1)), 1
        small = spread = True
        for rows in self.strips():
            part = self.channels[rows]
            small = small and bool(((part >= 0) & (part <= 255) & (part == np.rint(part))).all())
            spread = spread and part.dtype == np.uint16 and not (part % 257).any()
            if not (small or spread):
                return None
        return (1, 1) if small else (1, 257)

    def colors(self, rows: slice) -> np.ndarray:
        """(h, W) int32: packed colours of some rows. Only where `scale` is not None, or for a palette."""
        part = self.channels[rows]
        if (palette := self.palette) is not None:
            whole = np.zeros(max(256, len(palette)), np.int32)
            whole[: len(palette)] = palette
            return whole[part[..., 0]]
        factor, divisor = self.scale or (1, 1)
        eight = part.astype(np.int32) * factor // divisor
        return pack_colors(np.broadcast_to(eight, (*eight.shape[:2], 3)))

    def strips(self) -> Iterator[slice]:
        """Rows to work on at a time."""
        return strips(self.shape)


def strips(shape: tuple[int, int]) -> Iterator[slice]:
    """Slices of rows of an (H, W) array that hold about `STRIP_PIXELS` each."""
    step = max(1, STRIP_PIXELS // max(1, shape[1]))
    return (slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step))


def read(file: Path) -> Mask:
    """Decode a mask file. Raises Unfit if it is no image, damaged, or of channels that are no mask's."""
    try:
        picture = read_picture(file)
    except UNREADABLE as error:
        raise Unfit(f"{file}: not a readable mask: {reason(error)} (expected a PNG)", UnfitKind.UNREADABLE) from None
    except MemoryError:
        raise Unfit(f"{file}: needs more memory than there is", UnfitKind.UNREADABLE) from None
    info, channels, opacity = picture.info, picture.values, None
    if CMYK_NOTE in info.notes:
        raise Unfit(f"{file}: has CMYK colours, which no class has (expected ids, or RGB)", UnfitKind.MODE, "CMYK")
    if len(info.bands) > 1 and info.bands[-1] == ALPHA:
        channels, opacity = channels[..., :-1], channels[..., -1]
    elif info.palette_alpha is not None:
        whole = np.full(max(256, len(info.palette_alpha)), 255, np.uint8)
        whole[: len(info.palette_alpha)] = info.palette_alpha
        opacity = whole[channels[..., 0]]
    if channels.shape[-1] not in (1, 3) or channels.dtype.kind not in "buif":
        kind = f"{channels.shape[-1]} channels of {channels.dtype} ({', '.join(info.bands)})"
        raise Unfit(
            f"{file}: has pixels of {kind} (expected one channel of ids, or three of colours)", UnfitKind.MODE, kind
        )
    if info.doubt:
        raise Unfit(f"{file}: {info.doubt}", UnfitKind.MODE, "bands first or last")
    if opacity is not None and opacity.size and opacity.min() == opacity.max() != 0:
        opacity = None
    return Mask(file, info, channels, opacity)


def pack_colors(colors: np.ndarray) -> np.ndarray:
    """(..., 3) int32 RGB → (...) int32: red · 2¹⁶ + green · 2⁸ + blue."""
    return colors[..., 0] << 16 | colors[..., 1] << 8 | colors[..., 2]


def unpack_color(color: int) -> tuple[int, int, int]:
    """Red, green and blue of a packed colour."""
    return color >> 16, color >> 8 & 255, color & 255
