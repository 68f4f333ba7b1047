"""What is to be written against what is free: a sentence, a warning, or a refusal."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from casnet_cli.errors import InputError
from casnet_cli.util.space import SpaceNeeded, check_space


class Usage(NamedTuple):
    total: int
    used: int
    free: int


NEEDED = SpaceNeeded(least=3 << 30, likely=5 << 30, basis="12 of 90 images")


def test_enough_perhaps_too_little_and_surely_too_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    free = [6 << 30]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(8 << 30, 0, free[0]))
    target = tmp_path / "not" / "there" / "yet.h5"
    told = f"{target}: about 5.0 GiB to write, by 12 of 90 images, and "
    assert check_space(target, NEEDED) == f"{told}6.0 GiB are free"
    assert asked == [tmp_path], "the nearest folder that is there"
    for left in (4 << 30, 3 << 30):
        free[0] = left
        assert check_space(target, NEEDED) == f"warning: {told}{left >> 30}.0 GiB are free, which may not be enough"
    free[0] = (3 << 30) - (200 << 20)
    with pytest.raises(InputError, match=r"yet.h5: needs 3.0 GiB at least, by 12 of 90 images, and 2.8 GiB are free"):
        check_space(target, NEEDED)
    assert not (tmp_path / "not").exists()


def test_where_the_file_system_does_not_say_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: Path) -> Usage:
        raise OSError(38, "Function not implemented")

    for usage in (unknown, lambda path: Usage(0, 0, 0)):
        monkeypatch.setattr(shutil, "disk_usage", usage)
        assert check_space(tmp_path, NEEDED) == f"{tmp_path}: about 5.0 GiB to write, by 12 of 90 images"
