"""PNG files built byte by byte, of every depth and colour type that the format has."""

import struct
import zlib

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""Colour types."""


def png(
    values: np.ndarray, bits: int, kind: int = GREY, palette: np.ndarray | None = None, transparency: bytes = b""
) -> bytes:
    """A file of (H, W) or (H, W, N) values of so many bits, filtered not at all.

    palette: (n, 3) colours of the indices. transparency: content of the chunk tRNS.
    """
    height, width = values.shape[:2]
    flat = values.reshape(height, -1)
    if bits == 16:
        rows = flat.astype(">u2").view(np.uint8).reshape(height, -1)
    elif bits == 8:
        rows = flat.astype(np.uint8)
    else:
        places = np.arange(bits)[::-1]
        split = (flat[..., None].astype(np.uint8) >> places & 1).reshape(height, -1)
        rows = np.packbits(split, axis=1)
    filtered = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))]
    chunks += [(b"PLTE", palette.astype(np.uint8).tobytes())] if palette is not None else []
    chunks += [(b"tRNS", transparency)] if transparency else []
    chunks += [(b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return content
