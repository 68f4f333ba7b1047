"""The table of picture formats: which files each has, and who reads them."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from casnet_cli.util.extras import install

if TYPE_CHECKING:
    from casnet_cli.data.pixels.picture import Picture, PictureInfo

HEAD = 64
"""Bytes at the start of a file by which its format is recognized."""


@dataclass(frozen=True)
class PictureFormat:
    """A format of picture files."""

    name: str
    """As `PictureInfo.format` has it."""
    endings: tuple[str, ...]
    """Of file names, in small letters, with the dot."""
    begins: Callable[[bytes], bool]
    """Whether a file of this format may begin with these `HEAD` bytes."""
    info: Callable[[IO[bytes]], "PictureInfo"]
    """Facts by the header; raises any error for a file that is damaged."""
    read: Callable[[IO[bytes]], "Picture"]
    """The values as stored; raises any error for a file that is damaged."""
    reads: str
    """What is read of it, in words."""
    extra: str = ""
    """Extra of casnet that brings the package which the format needs; empty: always there."""
    package: str = ""
    """Module of that package."""

    @property
    def installed(self) -> bool:
        """Whether the package that it needs is there."""
        return not self.package or importlib.util.find_spec(self.package) is not None

    @property
    def remedy(self) -> str:
        """The command that installs the package."""
        return install(self.extra)


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """Files made of boxes, as AVIF and HEIC are: the first box names the brand, and those that are compatible."""

    def begins(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        listed = [head[8:12], *(head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4]), HEAD), 4))]
        return any(brand in listed for brand in brands)

    return begins


def _late(module: str, prefix: str = "") -> "tuple[Callable[[IO[bytes]], PictureInfo], Callable[[IO[bytes]], Picture]]":
    """The functions `info` and `read` of a module beside this one, imported when a file is read: listing needs none."""

    def function(name: str) -> Callable[[IO[bytes]], Any]:
        return lambda file: getattr(import_module(f"casnet_cli.data.pixels.{module}"), prefix + name)(file)

    return function("info"), function("read")


_PILLOW = _late("pillow_readers")
_ROWS = (
    PictureFormat(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        _starts(b"\xff\xd8\xff"),
        *_late("jpeg_readers"),
        "8 and 12 bits, lossless up to 16; grey, colour, CMYK and YCCK; of an MPO file the first picture",
    ),
    PictureFormat(
        "PNG",
        (".png", ".apng"),
        _starts(b"\x89PNG\r\n\x1a\n"),
        *_late("png_readers"),
        "1, 2, 4, 8 and 16 bits; grey, palette, colour, with alpha or a transparent colour",
    ),
    PictureFormat(
        "TIFF",
        (".tif", ".tiff", ".btf", ".tf8"),
        _starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        *_late("tiff_readers"),
        "1 to 64 bits, integers with and without sign, float; any number of bands; strips, tiles, planes, BigTIFF; "
        "LZW, deflate, PackBits, LZMA, Zstandard, CCITT, JPEG, JPEG 2000, LERC and WebP; palette; "
        "GeoTIFF's place on the earth; the first page",
    ),
    PictureFormat("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", *_PILLOW, "8 bits"),
    PictureFormat("BMP", (".bmp", ".dib"), _starts(b"BM"), *_PILLOW, "1, 4 and 8 bits with palette, 16, 24 and 32"),
    PictureFormat("GIF", (".gif",), _starts(b"GIF8"), *_PILLOW, "the first frame, as indices of its palette"),
    PictureFormat(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        _starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
        *_late("codec_readers", "jpeg2000_"),
        "1 to 16 bits, any number of bands",
    ),
    PictureFormat(
        "AVIF",
        (".avif", ".avifs"),
        _brand(b"avif", b"avis"),
        *_late("codec_readers", "avif_"),
        "8, 10 and 12 bits",
    ),
    PictureFormat(
        "HEIC",
        (".heic", ".heif", ".hif"),
        _brand(b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
        *_late("codec_readers", "heif_"),
        "8, 10 and 12 bits; the first picture",
        "heif",
        "pillow_heif",
    ),
    PictureFormat(
        "PNM",
        (".ppm", ".pgm", ".pbm", ".pnm"),
        lambda head: len(head) > 2 and head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n#",
        *_late("array_readers", "pnm_"),
        "PBM, PGM and PPM of 1 to 16 bits, binary and as text",
    ),
    PictureFormat(
        "NPY",
        (".npy",),
        _starts(b"\x93NUMPY"),
        *_late("array_readers", "npy_"),
        "NumPy arrays (H, W) or (H, W, N) of integers, floats or booleans",
    ),
    PictureFormat(
        "TGA",
        (".tga", ".icb", ".vda", ".vst"),
        lambda head: False,  # it has no signature: Pillow looks at its fields
        *_PILLOW,
        "grey, palette, 16, 24 and 32 bits, with and without run lengths",
    ),
)
FORMATS = {row.name: row for row in _ROWS}
"""By name; where two recognize a file, the first one reads it."""

PICTURE_ENDINGS = tuple(ending for row in _ROWS for ending in row.endings)
"""Endings of the files that are pictures, in small letters, whether or not the package is there that reads them."""


def readable_endings() -> tuple[str, ...]:
    """Endings of the files that can be read here, in small letters."""
    return tuple(ending for row in FORMATS.values() if row.installed for ending in row.endings)


def format_of(head: bytes) -> PictureFormat | None:
    """The format of a file by its first `HEAD` bytes; None: none that has a signature."""
    return next((row for row in FORMATS.values() if row.begins(head)), None)
