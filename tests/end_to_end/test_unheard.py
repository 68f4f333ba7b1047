"""Processes whose reader is killed, as `casnet train 2>&1 | tee log` knows it: they end as they would have."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli import TESTS, settings, start
from helpers.datasets import blocks, write_blocks
from helpers.tiny_backbone import NAME

from casnet_cli.runs.checkpoint import read_meta

pytestmark = pytest.mark.usefixtures("tiny", "hangups_count")
TRAIN = ("train", "folder", "--data", "data/blocks.h5", *settings("evaluation.samples=1", f"model.backbone='{NAME}'"))


def unread(*words: object, code: int = 0, redirections: str = "2>&1 | head -n 1") -> str:
    """Run a process whose output goes to a reader that leaves after its first line; returns what is shown at all."""
    surroundings = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "helpers.process", *map(str, words)]
    line = f'"$0" "$@" {redirections}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", line, *command], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": surroundings}
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_train_eval_and_predict_outlive_the_reader_of_their_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").write_bytes(blocks(1).image)
    shown = unread(*TRAIN, "--run", "run", "--set", "training.epochs=2")
    assert shown.count("\n") == 1
    run = tmp_path / "run"
    assert read_meta(run / "checkpoints/best.h5").temperature is not None, "calibrated, which comes last"
    assert (run / "log.txt").read_text().count("epoch ") == 2
    assert unread("eval", "--run", run, redirections="2>&1 | head -n 1").count("\n") == 1
    assert (run / "eval/test/report.html").is_file()
    assert unread("eval", "--run", run, "--out", "full", redirections=">/dev/full 2>/dev/full") == ""
    assert (tmp_path / "full/report.html").is_file()
    assert unread("predict", "photos", "--run", run, redirections=">&- 2>&- <&-") == ""
    assert (tmp_path / "predictions/1.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_has_ended_the_reader_too_saves(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 60, "val": 3})
    long = ("--set", "training.epochs=5000", "--set", "training.batch_size=1")
    with start(*TRAIN, *long, "--run", "run", tiny=True) as process:
        assert process.stderr and any("expected time" in line for line in process.stderr)
        process.stderr.close()
        process.send_signal(number)
        assert process.wait() == 130
    assert read_meta(tmp_path / "run/checkpoints/last.h5").progress.step >= 6, "saved before its first validation"
