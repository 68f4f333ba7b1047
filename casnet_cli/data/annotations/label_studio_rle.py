"""Label Studio's run-length code of a brush: read.

The code is a stream of bits: 32 of the number of values, 5 of the size of a value less one, four times 4 of the sizes
of counts less one; then blocks: one bit whether it is a run, two of which size its count has, the count less one, and
one value of a run, else as many as the count. Values are red, green, blue and opacity of the pixels along the rows; the
brush is where the opacity is not 0.
"""

from collections.abc import Sequence

import numpy as np

from casnet_cli.data.annotations.shapes import ShapeError

CHANNELS = 4
"""Values of a pixel; the last one is the opacity."""

HEAD_BITS, WINDOW = 53, 64
"""Of the sizes, and those that a block without its further values has at most."""


def unpacked(code: Sequence[int], height: int, width: int) -> np.ndarray:
    """(height, width) bool of a brush as Label Studio's bytes. Raises ShapeError."""
    data = np.array(code)
    if data.ndim != 1 or (data.size and data.dtype.kind not in "iu") or ((data < 0) | (data > 255)).any():
        raise ShapeError("a brush that is no list of bytes")
    brush = np.zeros(height * width, bool)
    if len(data) * 8 < HEAD_BITS:
        raise ShapeError("a brush that is cut off")
    _fill(brush, data.astype(np.uint8))
    return brush.reshape(height, width)


def _fill(brush: np.ndarray, data: np.ndarray) -> None:
    """Set the pixels of a brush in a flat mask."""
    padded, size = data.tobytes() + bytes(WINDOW // 8), len(data) * 8
    head = int.from_bytes(padded[:7]) >> 3
    number, value_bits = head >> 21, (head >> 16 & 31) + 1
    count_bits = [(head >> shift & 15) + 1 for shift in (12, 8, 4, 0)]
    if number != len(brush) * CHANNELS:
        raise ShapeError(f"a brush of {number / CHANNELS:,g} pixels for {len(brush):,}")
    place, at = 0, HEAD_BITS
    while place < number:
        window = int.from_bytes(padded[at >> 3 : (at >> 3) + WINDOW // 8]) << (at & 7)
        bits = count_bits[window >> WINDOW - 3 & 3]
        count = (window >> WINDOW - 3 - bits & (1 << bits) - 1) + 1
        after = place + count
        run = window >> WINDOW - 1 & 1
        at += 3 + bits
        values = 1 if run else count
        if after > number or at + values * value_bits > size:
            raise ShapeError("a brush that is cut off")
        if run:
            if window >> WINDOW - 3 - bits - value_bits & (1 << value_bits) - 1:
                brush[place // CHANNELS : after // CHANNELS] = True
        else:
            end = at + count * value_bits
            found: np.ndarray = np.unpackbits(data[at >> 3 : (end + 7) >> 3])[at & 7 :][: end - at]
            opacity = (CHANNELS - 1 - place) % CHANNELS
            pixels = (found.reshape(count, value_bits).max(1) > 0)[opacity::CHANNELS]
            first = (place + opacity) // CHANNELS
            brush[first : first + len(pixels)] = pixels
        at += values * value_bits
        place = after
