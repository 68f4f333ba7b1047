"""A training that nobody listens to any more."""

import os
import signal
from pathlib import Path

import pytest
from helpers.cli import tiny_settings, unheard
from helpers.datasets import write_blocks

from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.history import read_history
from casnet_cli.training.loop import StepReport
from casnet_cli.workflows.train.progress_view import TrainingView

pytestmark = pytest.mark.usefixtures("tiny", "hangups_count")
LAST = "checkpoints/last.h5"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    return tmp_path


def test_without_a_listener_it_is_saved_at_a_signal_and_goes_on_to_its_end(home: Path) -> None:
    run = home / "run"
    show = TrainingView.step

    def stop(view: TrainingView, report: StepReport) -> None:
        show(view, report)
        if report.step == 2:
            for _ in range(2):  # as `timeout` does, and a shell whose terminal is closed
                os.kill(os.getpid(), signal.SIGHUP)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingView, "step", stop)
        options = tiny_settings("training.epochs=1", "evaluation.samples=1")
        assert unheard("train", "folder", "--run", run, *options) == 130
    assert read_meta(run / LAST).progress.step == 2
    assert unheard("train", "--run", run, "--resume") == 0
    assert read_meta(run / LAST).progress.step == 3
    assert len(read_history(run / "history.csv")) == (run / "log.txt").read_text().count("epoch 1: ") == 1
