"""What the tiles and strips of a TIFF page claim, compared with its picture before one of them is decoded."""

import io
import math
import zlib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from casnet_cli.data.limits import EXTRA_BYTES
from casnet_cli.data.pixels import codec_readers, jpeg_readers
from casnet_cli.data.pixels.picture import PictureInfo

if TYPE_CHECKING:
    from tifffile import TiffPage

_PLAIN = {1, 2, 3, 4, 5, 6, 8, 32773, 32946, 34925, 34926, 50000}
"""Compressions whose data have no size of their own: none, CCITT's, LZW, old JPEG, which Pillow reads, deflate,
PackBits, LZMA, Zstandard."""

_WEBP = {50001}
"""Of at most 16,383 pixels a side by its format."""

_LERC, _LERC_PARAMETERS = 34887, 50674

_TOGETHER = 1
"""Value of the tag PlanarConfiguration where a tile has all bands."""


def check_pieces(page: "TiffPage", info: PictureInfo) -> None:
    """Raises ValueError if decoding needs `EXTRA_BYTES` more than the picture, or data are of a kind that is not read.

    info: of the page.
    """
    value, tile = max(8, info.bits) // 8, math.prod(page.chunks)
    samples = page.samplesperpixel if page.planarconfig == _TOGETHER else 1
    if (needed := tile * value) > info.value_bytes + EXTRA_BYTES:
        raise ValueError(f"one tile of it claims {needed / 2**30:,.1f} GiB (at most {_LIMIT})")
    if (needed := info.value_bytes * max(1, page.imagedepth)) > info.value_bytes + EXTRA_BYTES:
        raise ValueError(f"its {page.imagedepth:,} slices need {needed / 2**30:,.1f} GiB (at most {_LIMIT})")
    if page.compression in _PLAIN | _WEBP:
        return
    size_of = _SIZES.get(page.compression)
    if size_of is None:
        raise ValueError(f"its compression, number {int(page.compression)}, is none that is read")
    file, again = page.parent.filehandle, _packed_again(page)
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False):
        if not length:
            continue
        file.seek(offset)
        data = file.read(length if again else min(length, _HEAD))
        width, height = size_of(io.BytesIO(_unpacked(data, again, 2 * tile * value + _HEAD)))
        if width * height > tile // samples:
            raise ValueError(f"one tile of it claims {width}x{height} pixels, more than its place has")


_LIMIT = f"{EXTRA_BYTES >> 30} GiB more than the picture"
_HEAD = 1 << 16
"""Bytes of a tile in which its header stands."""


def _packed_again(page: "TiffPage") -> int:
    """How the data of LERC are compressed once more: 0, not at all; 1, deflate; 2, Zstandard."""
    tag = page.tags.get(_LERC_PARAMETERS) if page.compression == _LERC else None
    return int(tag.value[1]) if tag is not None and len(tag.value) > 1 else 0


def _unpacked(data: bytes, how: int, most: int) -> bytes:
    """The begin of data that are compressed as `_packed_again` says, or all of at most so many bytes."""
    if how == 1:
        return zlib.decompressobj().decompress(data, _HEAD)
    if how == 2:
        import imagecodecs

        return bytes(imagecodecs.zstd_decode(data, out=most))
    return data


def _jpeg_size(data: IO[bytes]) -> tuple[int, int]:
    frame = jpeg_readers.frame_of(data)
    if frame is None:
        raise ValueError("one tile of it has no header of JPEG")
    return frame[3], frame[2]


def _jpeg_2000_size(data: IO[bytes]) -> tuple[int, int]:
    return codec_readers.jpeg2000_size(data)


def _lerc_size(data: IO[bytes]) -> tuple[int, int]:
    """By the header of version 2, which has a checksum from its third form on; others are old, or compressed again."""
    head = data.read(32)
    if not head.startswith(b"Lerc2 "):
        raise ValueError("one tile of it has no header of LERC 2")
    at = 14 if int.from_bytes(head[6:10], "little") >= 3 else 10
    return int.from_bytes(head[at + 4 : at + 8], "little"), int.from_bytes(head[at : at + 4], "little")


_SIZES: dict[int, Callable[[IO[bytes]], tuple[int, int]]] = {
    7: _jpeg_size,
    33003: _jpeg_2000_size,
    33004: _jpeg_2000_size,
    33005: _jpeg_2000_size,
    34712: _jpeg_2000_size,
    _LERC: _lerc_size,
}
"""Width and height by the header of a tile, by the number of the compression."""
