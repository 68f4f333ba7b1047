"""Arrays on disk behave as arrays, and leave nothing behind."""

import errno
from pathlib import Path

import numpy as np
import pytest

from casnet_cli.util import mapped_array
from casnet_cli.util.mapped_array import is_mapped, mapped, release, strips


def test_values_stay_where_memory_is_released(tmp_path: Path) -> None:
    array = mapped((700, 30), np.uint8, tmp_path)
    expected = np.random.default_rng(0).integers(0, 256, (700, 30), np.uint8)
    assert (array == 0).all() and list(tmp_path.iterdir()) == []
    for top in range(0, 700, 100):
        array[top : top + 100] = expected[top : top + 100]
        release(array)
    np.testing.assert_array_equal(array, expected)
    tops, parts = zip(*((top, part.copy()) for top, part in strips(array)), strict=True)
    assert tops == (0, 256, 512)
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_which_arrays_are_on_disk(tmp_path: Path) -> None:
    array = mapped((4, 5, 2), np.float16, tmp_path)
    assert is_mapped(array) and is_mapped(array[1:, ::2]) and array.dtype == np.float16
    assert not is_mapped(np.zeros((3, 3))[1:])
    release(np.zeros(3))  # nothing to do


def test_a_full_disk_is_told_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(mapped_array.os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        mapped((4, 5), np.uint8, tmp_path)


def test_more_than_files_can_hold(tmp_path: Path) -> None:
    for side in (2**31 - 1, 2**32 - 1):
        with pytest.raises(OSError):
            mapped((side, side), np.uint8, tmp_path)
    assert list(tmp_path.iterdir()) == []
