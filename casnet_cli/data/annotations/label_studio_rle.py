"""Label Studio's run-length code of a brush: written and read.

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

SIZES_BITS, BLOCK_BITS, WINDOW = 53, 3, 64
"""Bits of the number and the sizes, of the head of a block, and those of a block's head, count and a value at most."""

OPAQUE, VALUE_BITS, COUNT_BITS = 255, 8, (2, 4, 8, 16)
"""As written: each value where a brush is, and the sizes in bits of values and counts."""


def unpacked(code: Sequence[int], height: int, width: int) -> np.ndarray:
    """(height, width) bool of a brush as Label Studio's bytes. Raises ShapeError."""
    data = np.array(code)
    if data.ndim != 1 or (data.size and data.dtype.kind not in "iu") or ((data < 0) | (data > 255)).any():
        raise ShapeError("a brush that is no list of bytes")
    brush = np.zeros(height * width, bool)
    if len(data) * 8 < SIZES_BITS:
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
    place, at = 0, SIZES_BITS
    while place < number:
        window = int.from_bytes(padded[at >> 3 : (at >> 3) + WINDOW // 8]) << (at & 7)
        bits = count_bits[window >> WINDOW - BLOCK_BITS & 3]
        count = (window >> WINDOW - BLOCK_BITS - bits & (1 << bits) - 1) + 1
        after = place + count
        run = window >> WINDOW - 1 & 1
        at += BLOCK_BITS + bits
        values = 1 if run else count
        if after > number or at + values * value_bits > size:
            raise ShapeError("a brush that is cut off")
        if run:
            if window >> WINDOW - BLOCK_BITS - bits - value_bits & (1 << value_bits) - 1:
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


def packed(starts: np.ndarray, ends: np.ndarray, size: int) -> list[int]:
    """A brush as Label Studio's bytes. starts and ends: (N,) runs of its pixels, in order, in a flat mask of `size`."""
    bounds = np.append(np.stack([starts, ends], 1).ravel(), size)
    lengths = np.diff(bounds, prepend=0) * CHANNELS
    values = np.arange(len(lengths)) % 2 * OPAQUE
    most = 1 << COUNT_BITS[-1]
    parts = -(-lengths // most)  # a longer run is several blocks
    counts = np.full(parts.sum(), most)
    counts[np.cumsum(parts)[parts > 0] - 1] = ((lengths - 1) % most + 1)[parts > 0]
    values = np.repeat(values, parts)
    choice = np.searchsorted([1 << bits for bits in COUNT_BITS], counts)
    bits = np.array(COUNT_BITS)[choice]
    blocks = ((4 | choice) << bits | counts - 1) << VALUE_BITS | values
    lengths_in_bits = BLOCK_BITS + bits + VALUE_BITS
    place = np.arange(BLOCK_BITS + COUNT_BITS[-1] + VALUE_BITS)
    shift = lengths_in_bits[:, None] - 1 - place
    stream = (blocks[:, None] >> np.maximum(shift, 0) & 1)[shift >= 0]
    sizes = "".join(f"{bits - 1:04b}" for bits in COUNT_BITS)
    head = np.array([int(bit) for bit in f"{size * CHANNELS:032b}{VALUE_BITS - 1:05b}{sizes}"])
    return np.packbits(np.concatenate([head, stream]).astype(np.uint8)).tolist()
