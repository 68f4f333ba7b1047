"""What a terminal shows of a training, and W&B, whose run goes on with it and whose faults end nothing."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logger_packages
from helpers.cli import TESTS, casnet, stderr_of, tiny_settings
from helpers.datasets import write_blocks
from rich.console import Console

from casnet_cli import console

SETTINGS = tiny_settings("evaluation.samples=0")
FOLLOWED = tiny_settings("training.loggers=['wandb']", "evaluation.samples=0")
PARTS = re.compile(r"training  ━*─*  (\d+)/(\d+|\?)  \d:\d\d:\d\d passed  (\d:\d\d|-:-)\S* left(?:  (.*))?")
EPOCH = re.compile(
    r"epoch \d: loss \d+\.\d{3}, pixel accuracy \d+\.\d, mean IoU \d+\.\d( \(best\))?, "
    r"lowest \w+ \d+\.\d, \w+ \d+\.\d, \w+ \d+\.\d"
)


def check(shown: str, width: int, epochs: int) -> None:
    """What was drawn on a terminal of so many columns by a training of so many epochs."""
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown))]
    lines = [line if line.startswith("training  ") else re.sub(" +", " ", line) for line in lines]
    drawn = [line for line in lines if line.startswith("training  ")]
    found = [match for line in drawn if (match := PARTS.fullmatch(line))]
    assert not [line for line in drawn if not PARTS.fullmatch(line)]
    assert len(found) == len(drawn) > 3 and max(map(len, drawn)) <= width
    assert {match[2] for match in found} == {"?", str(3 * epochs)}
    assert all(line.count("━") + line.count("─") >= 10 for line in drawn)
    notes = [match[4] for match in found if match[4]]
    assert re.fullmatch(r"compiling, about \d+ \w+", notes[0])
    assert any(note.startswith("epoch ") for note in notes) and "validating 0/3" in notes and "calibrating" in notes
    assert sum(EPOCH.match(line) is not None for line in lines) == epochs
    assert any(line.startswith("its curves: tensorboard --logdir runs/blocks-001") for line in lines)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_blocks(tmp_path / "data/blocks.h5", {"train": 12, "val": 3})
    monkeypatch.chdir(tmp_path)
    with logger_packages.importable(tmp_path / "packages", monkeypatch):
        yield tmp_path


@pytest.mark.usefixtures("tiny")
def test_at_80_columns_and_followed_by_wandb(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False, soft_wrap=True)
    with monkeypatch.context() as patch:
        patch.setattr(console, "err", screen)
        casnet("train", "folder", *FOLLOWED, "--set", "training.epochs=1")
    assert isinstance(screen.file, io.StringIO)
    check(screen.file.getvalue(), 80, epochs=1)
    assert "wandb: offline, sent by wandb sync" in screen.file.getvalue()
    import wandb

    first = wandb.inits[0]
    assert first["name"] == "blocks-001" and first["config"]["training"]["loggers"] == ["wandb"]
    record = json.loads((home / "runs/blocks-001/run.json").read_text())
    assert (record["logged"], record["recipe"]) == ({"wandb": first["id"]}, "folder")
    wandb.fail.append(True)
    shown = stderr_of("train", "--resume", "--set", "training.epochs=3")
    assert [given["id"] for given in wandb.inits] == [first["id"]] * 2
    fault = "wandb: did not take epoch 2: no network"
    log = (home / "runs/blocks-001/log.txt").read_text().splitlines()
    assert shown.count(f"warning: {fault}") == 1 and fault in log
    assert sum(EPOCH.match(line) is not None for line in log) == 3, "it ended nothing"
    record = json.loads((home / "runs/blocks-001/run.json").read_text())
    assert (record["logged"], record["recipe"]) == ({"wandb": first["id"]}, "folder")
    assert len(record["continued"]) == 1
    assert [values["epoch"] for _, values in wandb.logged] == [1] and wandb.ended == [0, 0]


def test_a_missing_package_is_one_line_before_anything_is_written(home: Path) -> None:
    (home / "packages/wandb.py").unlink()
    line = casnet("train", "folder", *FOLLOWED, code=2)
    assert line.strip().endswith("error: training.loggers: wandb is not installed (pip install wandb)")
    assert not (home / "runs").exists() and "wandb" not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 120])
def test_in_a_terminal_of_its_own(width: int) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    surroundings = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    surroundings |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    surroundings["PYTHONPATH"] = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "helpers.process", "train", "folder", *SETTINGS, "--set", "training.epochs=2"]
    shown = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings) as process:
        os.close(theirs)
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    check(shown.decode(), width, epochs=2)
