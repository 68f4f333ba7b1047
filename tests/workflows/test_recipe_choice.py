"""Which data and recipe `casnet train` takes by itself."""

import os
from pathlib import Path

import pytest
from helpers.datasets import write_blocks

from casnet_cli.errors import DataError
from casnet_cli.workflows.recipe_choice import choose


def test_data_named_by_set_go_before_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = write_blocks(tmp_path / "data" / "mine.h5", {"train": 3})
    newest = write_blocks(tmp_path / "data" / "newest.h5", {"train": 3})
    os.utime(mine, (1, 1))
    assert choose(None, None, []).data.samefile(newest)
    chosen = choose(None, None, ["data.name=mine"])
    assert chosen.data.samefile(mine) and chosen.recipe.data.name == "mine"
    assert choose(None, newest, ["data.name=mine"]).data == newest
    with pytest.raises(DataError, match="data/other.h5: not there"):
        choose(None, None, ["data.name=other"])
