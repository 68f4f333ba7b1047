"""What counts as the newest data and the newest run."""

import os
from pathlib import Path

import pytest

from casnet_cli import paths
from casnet_cli.errors import DataError, RunError
from casnet_cli.runs import locate


def made(*names: str) -> None:
    """Files, each newer than the one before."""
    for age, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (age, age))


def test_hidden_files_and_links_that_lead_nowhere_are_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made("data/old.h5", "data/own.h5", "data/._own.h5")
    Path("data/gone.h5").symlink_to("nowhere.h5")
    assert paths.newest_data() == Path("data/own.h5")
    for name in ("old", "own"):
        Path(f"data/{name}.h5").unlink()
    with pytest.raises(DataError, match="no prepared data set here"):
        paths.newest_data()


def test_the_newest_run_and_the_one_begun_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate.newest_begun() is None
    made("runs/a/run.json", "runs/a/checkpoints/best.h5", "runs/b/run.json", "runs/.trash/checkpoints/best.h5")
    assert locate.newest_run() == Path("runs/a")
    assert locate.newest_begun() == Path("runs/b"), "killed before its first checkpoint"
    made("runs/c/x", "runs/c/x", "runs/c/x", "runs/c/x", "runs/a/checkpoints/last.h5")
    assert locate.newest_begun() == Path("runs/a"), "it went on since"
    Path("runs/a/checkpoints/best.h5").unlink()
    with pytest.raises(RunError, match="no run with a checkpoint here"):
        locate.newest_run()
