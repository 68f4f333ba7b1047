"""COCO's run-length code of masks: written and read.

Run lengths count pixels off and on in turn, down the columns. The compressed form is a string: each length is a number
of five bits a character, the least significant first, with a sixth bit set if more follow; the fifth bit of the last
character is the sign. From the fourth length on the numbers are differences from the length two before.
"""

from collections.abc import Callable, Sequence

import numpy as np


def mask_of_runs(runs: Sequence[int], rows: int, columns: int) -> Callable[[int, int], np.ndarray]:
    """A function of (height, width) that draws run lengths of a mask of `rows` x `columns` pixels: (H, W) bool.

    It raises ValueError if the size differs, or if the lengths do not add up to it.
    """

    def mark(height: int, width: int) -> np.ndarray:
        if (rows, columns) != (height, width) or sum(runs) != rows * columns or min(runs, default=0) < 0:
            raise ValueError(f"run lengths of {sum(runs)} pixels for {width}x{height}")
        values = np.arange(len(runs)) % 2 == 1
        return np.repeat(values, runs).reshape(columns, rows).T

    return mark


def decode(text: str) -> list[int]:
    """The run lengths of the compressed form."""
    runs: list[int] = []
    value = shift = 0
    for character in text.encode("ascii"):
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def encode(starts: np.ndarray, ends: np.ndarray, size: int) -> str:
    """The compressed form of a mask of `size` pixels.

    starts and ends: (N,) int64, positions down the columns of its N >= 1 runs of set pixels, in ascending order.
    """
    bounds = np.stack([starts, ends], 1).ravel()
    runs = np.diff(np.append(bounds, size) if ends[-1] < size else bounds, prepend=0)
    runs[3:] -= runs[1:-2].copy()
    lengths = np.ones(len(runs), np.int64)
    while (wide := runs >> (5 * lengths - 1) != -(runs < 0).astype(np.int64)).any():
        lengths += wide
    place = np.arange(lengths.max())
    characters = (runs[:, None] >> 5 * place & 31) + 48 + 32 * (place < lengths[:, None] - 1)
    return characters[place < lengths[:, None]].astype(np.uint8).tobytes().decode("ascii")
