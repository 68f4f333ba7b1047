"""JPEG of 8 bits, and those of 12 bits or without loss that Pillow does not read."""

from typing import IO

import numpy as np

from casnet_cli.data.pixels import pillow_readers
from casnet_cli.data.pixels.picture import COLORS, GREY, Picture, PictureInfo, numbered

_LOSSLESS = 0xC3
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame's header; the three others are tables."""


def info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    frame = frame_of(file)
    if frame is None or _for_pillow(frame):
        return pillow_readers.info(file)
    return _info(frame)


def read(file: IO[bytes]) -> Picture:
    """The values as stored, YCbCr as RGB."""
    frame = frame_of(file)
    if frame is None or _for_pillow(frame):
        return pillow_readers.read(file)
    import imagecodecs

    content = file.read()
    if content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        raise ValueError("the file is truncated")  # libjpeg would fill what is missing with grey
    values = (imagecodecs.jpegsof3_decode if frame[0] == _LOSSLESS else imagecodecs.jpeg_decode)(content)
    found = _info(frame)
    values = np.ascontiguousarray(values.reshape(*values.shape[:2], -1).astype(found.dtype, copy=False))
    return Picture(found, values)


Frame = tuple[int, int, int, int, int]
"""Marker, bits, height, width and number of channels."""


def _for_pillow(frame: Frame) -> bool:
    return frame[1] == 8 and frame[0] != _LOSSLESS


def _info(frame: Frame) -> PictureInfo:
    _, bits, height, width, channels = frame
    bands = (GREY,) if channels == 1 else COLORS if channels == 3 else numbered(channels)
    return PictureInfo("JPEG", (width, height), bits, "uint16" if bits > 8 else "uint8", bands)


def frame_of(file: IO[bytes]) -> Frame | None:
    """The header of the first frame; the file is at its start then. None if there is none."""
    place, found = 2, None
    while True:
        file.seek(place)
        head = file.read(10)
        if len(head) < 10 or head[0] != 0xFF:
            break
        if head[1] == 0xFF:  # a filling byte
            place += 1
        elif head[1] in _FRAMES:
            found = (head[1], head[4], int.from_bytes(head[5:7]), int.from_bytes(head[7:9]), head[9])
            break
        else:
            place += 2 + int.from_bytes(head[2:4])
    file.seek(0)
    return found
