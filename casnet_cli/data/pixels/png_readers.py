"""PNG of every depth: Pillow stretches 2 and 4 bits to 8, and gives the high byte of 16-bit colours."""

from collections.abc import Iterator
from dataclasses import replace
from typing import IO

import numpy as np
from PIL import Image

from casnet_cli.data.images import by_pillow
from casnet_cli.data.pixels.picture import ALPHA, BLUE, COLORS, GREEN, GREY, RED, Picture, PictureInfo
from casnet_cli.data.pixels.pillow_readers import info_of_image, values_of, with_key

_BANDS = {0: (GREY,), 2: COLORS, 4: (GREY, ALPHA), 6: (RED, GREEN, BLUE, ALPHA)}
"""Bands of PNG's colour types that have no palette."""


def info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header, and by the data that may follow the pixels."""
    with by_pillow(file, ("PNG",)) as image:
        return _info(image, file)


def read(file: IO[bytes]) -> Picture:
    """The values as stored; a transparent colour becomes an alpha channel."""
    with by_pillow(file, ("PNG",)) as image:
        found = _info(image, file)
        key = _key(file) if "transparency" in image.info and found.bands in ((GREY, ALPHA), (*COLORS, ALPHA)) else None
        if found.bits == 16:
            return Picture(found, _sixteen(file, found))
        if key is None:
            values = values_of(image, found)
        else:
            image.info.pop("transparency")
            values = values_of(image, replace(found, bands=found.bands[:-1]))
    if found.bands[0] == GREY and found.bits in (2, 4):
        values //= 255 // ((1 << found.bits) - 1)
    return Picture(found, values if key is None else with_key(values, key))


def _info(image: Image.Image, file: IO[bytes]) -> PictureInfo:
    place = file.tell()
    file.seek(24)
    bits, color = file.read(2)
    pages, turned = _chunks(file)
    file.seek(place)
    found = replace(info_of_image(image), bits=bits, pages=pages)
    if color != 3:
        keyed = "transparency" in image.info and color in (0, 2)
        bands = _BANDS[color] + ((ALPHA,) if keyed else ())
        found = replace(found, bands=bands, dtype="uint16" if bits == 16 else "uint8")
    return replace(found, orientation=turned) if turned else found


def _sixteen(file: IO[bytes], found: PictureInfo) -> np.ndarray:
    import imagecodecs

    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    return values.reshape(*values.shape[:2], len(found.bands))


def _chunks(file: IO[bytes]) -> tuple[int, int | None]:
    """Number of frames, and the orientation by an EXIF chunk, if there is one."""
    pages, turned = 1, None
    for name, length in _headers(file):
        if name == b"acTL":
            pages = max(1, int.from_bytes(file.read(4)))
        elif name == b"eXIf" and length < 1 << 20:
            turned = _turned(file.read(length))
    return pages, turned


def _key(file: IO[bytes]) -> tuple[int, ...]:
    """The transparent colour in values as stored; Pillow stretches it for some depths and not for others."""
    content = next(file.read(length) for name, length in _headers(file) if name == b"tRNS")
    return tuple(int.from_bytes(content[at : at + 2]) for at in range(0, len(content) - 1, 2))


def _headers(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Name and length of each chunk, with the file at its data."""
    place = 8
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length = int.from_bytes(head[:4])
        yield head[4:], length
        place += 12 + length


def _turned(content: bytes) -> int | None:
    exif = Image.Exif()
    try:
        exif.load(content)
        found = exif.get(0x0112, 1)
    except Exception:  # a damaged tag; viewers ignore it too
        return None
    return found if found in range(1, 9) else None
