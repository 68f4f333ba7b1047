"""COCO's run-length code of masks: written and read.

Run lengths count pixels off and on in turn, down the columns. The compressed form is a string: each length is a number
of five bits a character, the least significant first, with a sixth bit set if more follow; the fifth bit of the last
character is the sign. From the fourth length on the numbers are differences from the length two before.
"""

from collections.abc import Sequence

import numpy as np

MOST_CHARACTERS = 12
"""Of a number: 60 bits."""


def decode(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The run lengths of compressed forms, all in one row, int64, and how many each of them has.

    Raises ValueError if a text is no such form.
    """
    sizes = np.array([len(text) for text in texts], np.int64)
    bits = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - 48
    last = bits & 32 == 0
    text_ends = np.cumsum(sizes)
    if ((bits < 0) | (bits > 63)).any() or not last[text_ends[sizes > 0] - 1].all():
        raise ValueError("a run-length code that is cut off, or of other characters")
    ends = np.flatnonzero(last)
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    if (ends - starts >= MOST_CHARACTERS).any():
        raise ValueError("a run-length code with a number of more than 60 bits")
    place = np.arange(len(bits)) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((bits & 31) << (5 * place), starts) if len(ends) else ends
    values = values - np.where(bits[ends] & 16, np.int64(1) << (5 * (ends - starts + 1)), 0)
    numbers = np.diff(np.searchsorted(ends, text_ends), prepend=0)
    return _summed(values, numbers), numbers


def _summed(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Lengths in place of differences; numbers: how many of `values` each code has."""
    first = np.cumsum(numbers) - numbers
    place = np.arange(len(values)) - np.repeat(first, numbers)
    chain = np.repeat(np.arange(len(numbers)), numbers) * 3 + np.where(place == 0, 0, 1 + place % 2)
    order = np.argsort(chain, kind="stable")
    sums, chains = np.cumsum(values[order]), chain[order]
    begins = np.flatnonzero(np.diff(chains, prepend=-1))
    before = np.append(0, sums)[begins]
    runs = np.empty_like(sums)
    runs[order] = sums - np.repeat(before, np.diff(np.append(begins, len(sums))))
    return runs


def spans(runs: np.ndarray, numbers: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First positions of the runs of set pixels down the columns, positions behind their ends, and codes they are of.

    runs: lengths of several codes of a mask of `size` pixels in one row; numbers: how many each code has. Runs without
    a pixel are left out.
    """
    owner = np.repeat(np.arange(len(numbers)), numbers)
    ends = np.cumsum(runs) - owner * size
    place = np.arange(len(runs)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    kept = (place % 2 == 1) & (runs > 0)
    return (ends - runs)[kept], ends[kept], owner[kept]


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


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """The run lengths of a mask, int64. mask: (H, W) bool."""
    down = mask.ravel("F")
    bounds = np.flatnonzero(np.diff(down, prepend=False))
    return np.diff(np.append(bounds, down.size), prepend=0)
