"""PNG files written some rows at a time, so that the picture is never in memory."""

import struct
import zlib
from collections.abc import Iterable
from typing import IO

import numpy as np
from PIL import Image

LEVEL = 1
"""Of the compression: lightly, for speed."""

COLOR_TYPES = {"L": (8, 0), "I;16": (16, 0), "P": (8, 3), "RGB": (8, 2)}
"""Pillow's mode → bits of a channel, and PNG's number for the meaning of channels."""


def write_rows(stream: IO[bytes], size: tuple[int, int], strips: Iterable[Image.Image]) -> None:
    """A PNG of that width and height from strips of full width, top to bottom, all of one mode of `COLOR_TYPES` and one
    palette. Raises OSError."""
    compressor = zlib.compressobj(LEVEL)
    stream.write(b"\x89PNG\r\n\x1a\n")
    for place, strip in enumerate(strips):
        if not place:
            bits, meaning = COLOR_TYPES[strip.mode]
            _chunk(stream, b"IHDR", struct.pack(">2I5B", *size, bits, meaning, 0, 0, 0))
            if strip.mode == "P":
                _chunk(stream, b"PLTE", bytes(strip.getpalette("RGB") or ()))
        rows = _big_endian(np.asarray(strip))
        plain = np.zeros((len(rows), 1 + rows.shape[1]), np.uint8)  # each row begins with its filter: none
        plain[:, 1:] = rows
        _chunk(stream, b"IDAT", compressor.compress(plain.tobytes()))
    _chunk(stream, b"IDAT", compressor.flush())
    _chunk(stream, b"IEND", b"")


def _big_endian(values: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) → the bytes of each row, (H, ·) uint8."""
    ordered = np.ascontiguousarray(values, values.dtype.newbyteorder(">"))
    return ordered.reshape(len(values), -1).view(np.uint8)


def _chunk(stream: IO[bytes], kind: bytes, content: bytes) -> None:
    if content or kind == b"IEND":
        stream.write(struct.pack(">I", len(content)) + kind + content)
        stream.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
