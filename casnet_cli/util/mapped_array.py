"""Arrays on disk, in files without a name, for what is larger than memory."""

import errno
import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

STRIP_ROWS = 256
"""Rows that `strips` gives at a time."""


def mapped(shape: tuple[int, ...], dtype: DTypeLike, folder: Path) -> np.ndarray:
    """An array of zeros in a file in that folder, which has no name and vanishes with the array or the process.

    Raises OSError where the disk has no room for all of it: a mapped file could not report that later.
    """
    length = math.prod(shape) * np.dtype(dtype).itemsize
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(1, length))
            else:
                file.truncate(max(1, length))
        except OverflowError:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG)) from None
        return np.memmap(file, dtype, "r+", shape=shape)


def _file_of(array: np.ndarray) -> mmap.mmap | None:
    """What a mapped array, or a part of one, lies in."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def is_mapped(array: np.ndarray) -> bool:
    """Whether the array, or the one that it is a part of, is on disk."""
    return _file_of(array) is not None


def release(array: np.ndarray) -> None:
    """Let go of the memory in which parts of a mapped array lie by now; it is read again when needed."""
    if (file := _file_of(array)) is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def strips(array: np.ndarray, rows: int = STRIP_ROWS) -> Iterator[tuple[int, np.ndarray]]:
    """The array some rows at a time, with the number of the first of them; each is released after its use."""
    for top in range(0, len(array), rows):
        yield top, array[top : top + rows]
        release(array)
