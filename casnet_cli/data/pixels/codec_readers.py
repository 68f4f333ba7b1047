"""JPEG 2000, AVIF and HEIC: by Pillow where they have 8 bits, by the libraries made for them where they have more."""

from dataclasses import replace
from typing import IO, Any

import numpy as np

from casnet_cli.data.pixels import pillow_readers, profiles
from casnet_cli.data.pixels.picture import ALPHA, COLORS, GREY, Picture, PictureInfo, numbered

_MAIN_HEADER = 45
"""Bytes at the start of a code stream of JPEG 2000 that say its size, depth and channels."""

_HEADER = 1 << 18
"""Bytes at the start of a file in which its header is searched."""


def jpeg2000_info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header of the code stream."""
    return _jpeg2000(file)[0]


def jpeg2000_read(file: IO[bytes]) -> Picture:
    """The values as stored."""
    found, by_pillow = _jpeg2000(file)
    if by_pillow:
        try:
            return pillow_readers.read(file)
        except OSError:  # GDAL says grey of three bands that have no meaning
            file.seek(0)
    import imagecodecs

    return Picture(found, _shaped(imagecodecs.jpeg2k_decode(file.read()), found))


def _jpeg2000(file: IO[bytes]) -> tuple[PictureInfo, bool]:
    """Facts, and whether Pillow reads the values as they are."""
    head = _main_header(file)
    file.seek(0)
    width, height = _size(head)
    channels, depth = int.from_bytes(head[40:42]), head[42]
    bits, signed = (depth & 127) + 1, depth > 127
    if bits > 16:
        raise ValueError(f"it holds values of {bits} bits (expected 16 at most)")
    if bits == 8 and not signed and channels < 5:
        return replace(pillow_readers.info(file), format="JPEG 2000"), not file.seek(0)
    dtype = ("int" if signed else "uint") + ("16" if bits > 8 else "8")
    return PictureInfo("JPEG 2000", (width, height), bits, dtype, _names(channels)), False


def jpeg2000_size(file: IO[bytes]) -> tuple[int, int]:
    """Width and height by the header of the code stream. Raises ValueError."""
    return _size(_main_header(file))


def _main_header(file: IO[bytes]) -> bytes:
    """The begin of the code stream. Raises ValueError."""
    file.seek(_code_stream(file))
    head = file.read(_MAIN_HEADER)
    if not head.startswith(b"\xff\x4f\xff\x51") or len(head) < _MAIN_HEADER:
        raise ValueError("it has no header of JPEG 2000")
    return head


def _size(head: bytes) -> tuple[int, int]:
    right, lower, left, upper = (int.from_bytes(head[at : at + 4]) for at in (8, 12, 16, 20))
    return right - left, lower - upper


def _code_stream(file: IO[bytes]) -> int:
    """Where the code stream begins: behind boxes, in which anything may stand, or at once."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if head[4:8] == b"jp2c" or head.startswith(b"\xff\x4f"):
            return place if head[4:8] != b"jp2c" else place + (16 if length == 1 else 8)
        length = int.from_bytes(head[8:]) if length == 1 else length
        if length < 8 or len(head) < 8:
            raise ValueError("it has no header of JPEG 2000")
        place += length


def avif_info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    found = pillow_readers.info(file)
    file.seek(0)
    head = file.read(_HEADER)
    file.seek(0)
    at = head.find(b"av1C")
    flags = head[at + 6] if 0 <= at < len(head) - 6 else 0
    bits = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    bands = (GREY, *found.bands[3:]) if flags & 0x10 and found.bands[:3] == COLORS else found.bands
    return replace(found, bits=bits, dtype="uint8" if bits == 8 else "uint16", bands=bands)


def avif_read(file: IO[bytes]) -> Picture:
    """The values as stored, YCbCr as RGB."""
    found = avif_info(file)
    if found.bits == 8:
        values = pillow_readers.read(file).values
        grey = found.bands[0] == GREY and values.shape[2] > 2
        return Picture(found, np.ascontiguousarray(values[..., [0, *range(3, values.shape[2])]]) if grey else values)
    import imagecodecs

    values = imagecodecs.avif_decode(file.read(), index=0)
    if found.bands[0] == GREY and values.ndim == 3 and values.shape[2] > 2:
        values = values[..., [0, *range(3, values.shape[2])]]
    return Picture(found, _shaped(values, found))


def heif_info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    return _heif(file)[1]


def heif_read(file: IO[bytes]) -> Picture:
    """The values as stored, YCbCr as RGB, turned as the file says: libheif does so."""
    image, found = _heif(file)
    return Picture(found, _shaped(np.asarray(image), found))


def _heif(file: IO[bytes]) -> tuple[Any, PictureInfo]:
    """The picture that has yet to be decoded, and its facts."""
    import pillow_heif

    opened = pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    image: Any = opened[opened.primary_index]
    mode = image.mode.partition(";")[0]
    bits = int(image.info.get("bit_depth", 8))
    bands = {"L": (GREY,), "LA": (GREY, ALPHA), "RGB": COLORS}.get(mode, (*COLORS, ALPHA))
    found = PictureInfo(
        "HEIC",
        image.size,
        bits,
        "uint8" if bits == 8 else "uint16",
        bands,
        pages=len(opened),
        premultiplied=bool(getattr(image, "premultiplied_alpha", False)),
    )
    return image, profiles.with_profile(found, image.info.get("icc_profile"))


def _names(channels: int) -> tuple[str, ...]:
    known = {1: (GREY,), 2: (GREY, ALPHA), 3: COLORS, 4: (*COLORS, ALPHA)}
    return known.get(channels) or numbered(channels)


def _shaped(values: np.ndarray, found: PictureInfo) -> np.ndarray:
    """(H, W, N) of `found.dtype`."""
    values = values.reshape(*values.shape[:2], len(found.bands))
    return np.ascontiguousarray(values).astype(found.dtype, copy=False)
