"""`casnet predict` and `casnet rank` that nobody listens to any more."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.cli import unheard


def test_without_a_listener_all_files_are_written(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    assert unheard("predict", "photos", "--out", tmp_path / "out", "--json", tmp_path / "summary.json") == 0
    written, expected = (
        {file.relative_to(folder) for file in folder.rglob("*")} for folder in (tmp_path / "out", Path("predictions"))
    )
    assert written == expected and json.loads((tmp_path / "summary.json").read_text())
    assert unheard("predict", "photos", "--out", tmp_path / "out", "--json", "-") == 2, "that was asked for"
    shutil.copytree("photos", tmp_path / "photos")
    (tmp_path / "photos" / "broken.png").write_text("no picture")
    assert unheard("predict", tmp_path / "photos", "--out", tmp_path / "out") == 1
    assert unheard("predict", "nowhere") == 2
    assert unheard("rank", "photos", "--out", tmp_path / "rank.csv") == 0
    assert len((tmp_path / "rank.csv").read_text().splitlines()) == 7
