"""COCO's run lengths: written and read."""

from collections.abc import Callable, Sequence

import numpy as np


def mask_of_runs(runs: Sequence[int], rows: int, columns: int) -> Callable[[int, int], np.ndarray]:
    """Run lengths, off and on in turn, down the columns."""

    def mark(height: int, width: int) -> np.ndarray:
        if (rows, columns) != (height, width) or sum(runs) != rows * columns or min(runs, default=0) < 0:
            raise ValueError(f"run lengths of {sum(runs)} pixels for {width}x{height}")
        values = np.arange(len(runs)) % 2 == 1
        return np.repeat(values, runs).reshape(columns, rows).T

    return mark


def decode(text: str) -> list[int]:
    """COCO's string form: five bits a character, least first; from the fourth run on the change since two before."""
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
    """COCO's string form: lengths off and on in turn; from the fourth on the change since two before; five bits a
    character, least first, a sixth bit if more follow; the last one's fifth bit is the sign."""
    bounds = np.stack([starts, ends], 1).ravel()
    runs = np.diff(np.append(bounds, size) if ends[-1] < size else bounds, prepend=0)
    runs[3:] -= runs[1:-2].copy()
    lengths = np.ones(len(runs), np.int64)
    while (wide := runs >> (5 * lengths - 1) != -(runs < 0).astype(np.int64)).any():
        lengths += wide
    place = np.arange(lengths.max())
    characters = (runs[:, None] >> 5 * place & 31) + 48 + 32 * (place < lengths[:, None] - 1)
    return characters[place < lengths[:, None]].astype(np.uint8).tobytes().decode("ascii")
