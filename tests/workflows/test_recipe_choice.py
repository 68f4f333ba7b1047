"""Which data and recipe `casnet train` takes by itself."""

import os
from pathlib import Path

import pytest
import requests
from helpers.datasets import write_blocks

from casnet_cli.errors import DataError
from casnet_cli.workflows.recipe_choice import choose, weights_server_reachable


def test_data_named_by_set_go_before_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = write_blocks(tmp_path / "data" / "mine.h5", {"train": 3})
    newest = write_blocks(tmp_path / "data" / "newest.h5", {"train": 3})
    os.utime(mine, (1, 1))
    assert choose(None, None, []).data.samefile(newest)
    assert choose(None, None, []).name == choose("folder", None, []).name == "blocks", "runs are named after the data"
    assert choose("demo", newest, []).name == "demo"
    chosen = choose(None, None, ["data.name=mine"])
    assert chosen.data.samefile(mine) and chosen.recipe.data.name == "mine"
    assert choose(None, newest, ["data.name=mine"]).data == newest
    with pytest.raises(DataError, match="data/other.h5: not there"):
        choose(None, None, ["data.name=other"])


@pytest.mark.parametrize("status", [200, 403, None])
def test_any_reply_of_the_server_of_weights_will_do(monkeypatch: pytest.MonkeyPatch, status: int | None) -> None:
    def head(url: str, timeout: float) -> requests.Response:
        if status is None:
            raise requests.ConnectionError("no route")
        response = requests.Response()
        response.status_code = status
        return response

    monkeypatch.setattr(requests, "head", head)
    assert weights_server_reachable() is (status is not None)
