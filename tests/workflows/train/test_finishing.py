"""casnet train --finish: a stopped run is closed where it stands, and a call that was killed is repeated."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.cli import casnet, stderr_of, tiny_settings
from helpers.datasets import write_blocks

from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.training.loop import EpochReport
from casnet_cli.workflows.train import finishing
from casnet_cli.workflows.train.calibrate import is_calibrated
from casnet_cli.workflows.train.pace import Pace
from casnet_cli.workflows.train.trainer import Trainer

RUN = Path("runs/stopped")
LAST, BEST = RUN / "checkpoints/last.h5", RUN / "checkpoints/best.h5"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/blocks.h5 and a run as a stop after the first of nine epochs leaves it, not calibrated."""
    home = tmp_path_factory.mktemp("stopped")
    write_blocks(home / "data" / "blocks.h5", {"train": 8, "val": 3})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr(Trainer, "_stops_after", lambda self, report: isinstance(report, EpochReport))
        shown = stderr_of("train", "folder", "--run", RUN, *tiny_settings("training.epochs=9"), code=130)
    assert "close it as it is, which also calibrates it: casnet train --run runs/stopped --finish" in shown
    return home


@pytest.fixture
def home(stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, as these tests change what is there."""
    shutil.copytree(stopped, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def test_a_stopped_run_is_calibrated_and_finished_where_it_stands(home: Path) -> None:
    assert not is_calibrated(BEST) and not read_meta(LAST).finished
    shown = stderr_of("train", "--finish")
    assert "finishing runs/stopped after step 2" in shown
    assert "runs/stopped: finished after 1 of 9 epochs" in shown.replace("\n", " ")
    assert is_calibrated(BEST) and read_meta(LAST).finished
    assert (RUN / "log.txt").read_text().splitlines()[-1] == "finished after 1 of 9 epochs"
    (noted,) = json.loads((RUN / "run.json").read_text())["continued"]
    assert noted["after_step"] == 2 and noted["changes"] == []
    assert "finished" in casnet("runs")
    with RunFolder(RUN).lock(lambda text: None):
        assert "another process is training this run" in casnet("train", "--finish", code=2)
    before = {file: file.read_bytes() for file in RUN.rglob("*") if file.is_file()}
    for words in (("--finish",), ("--finish", "--run", RUN), ("--resume",)):
        assert "finished already, after 1 epoch" in stderr_of("train", *words)
    assert {file: file.read_bytes() for file in RUN.rglob("*") if file.is_file()} == before


def test_the_mark_comes_last_so_that_a_killed_call_is_repeated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*given: object) -> None:
        raise KeyboardInterrupt

    for step in ("calibrate_run", "finish"):
        with monkeypatch.context() as patch:
            patch.setattr(finishing, step, kill)
            casnet("train", "--finish", code=130)
        assert not read_meta(LAST).finished
    stderr_of("train", "--finish")
    assert is_calibrated(BEST) and read_meta(LAST).finished


def test_a_run_that_was_never_validated_takes_its_last_checkpoint(home: Path) -> None:
    BEST.unlink()
    shown = stderr_of("train", "--finish", "--run", RUN)
    assert "was never validated, and its last checkpoint becomes the best one" in shown.replace("\n", " ")
    assert is_calibrated(BEST) and read_meta(LAST).finished


def test_what_cannot_be_finished_is_one_line(home: Path) -> None:
    LAST.unlink()
    BEST.unlink()
    assert "runs/stopped: nothing to finish" in casnet("train", "--finish", "--run", RUN, code=2)
    assert "--finish: closes a run as it is" in casnet("train", "folder", "--finish", code=2)
    shutil.rmtree("runs")
    assert "runs: nothing to finish, as there is no run with a checkpoint" in casnet("train", "--finish", code=2)


def test_a_calibration_that_max_time_leaves_no_time_for_is_named_and_added(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = Path("runs/late/checkpoints/best.h5")
    with monkeypatch.context() as patch:
        patch.setattr(Pace, "ahead_of_calibration", lambda pace: 7200.0)
        words = ("--run", "runs/late", "--max-time", "1h", *tiny_settings("training.epochs=1"))
        shown = stderr_of("train", "folder", *words)
    said = "not calibrated, for which --max-time leaves no time; do it by: casnet train --run runs/late --finish"
    assert said in shown.replace("\n", " ") and not is_calibrated(best)
    assert "finished already" in stderr_of("train", "--run", "runs/late", "--finish") and is_calibrated(best)
