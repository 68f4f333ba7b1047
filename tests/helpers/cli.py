"""The command line, run in this process or in one of its own, with a network that is tiny."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from casnet_cli.cli import app

TINY = (
    "model.weights='none'",
    "model.branch_channels=16",
    "augmentation.crop=33",
    "training.batch_size=4",
    "optimizer.learning_rate=0.05",
    "optimizer.head_lr_multiplier=1.0",
)


BEST = "runs/folder-001/checkpoints/best.h5"


def settings(*more: str) -> list[str]:
    return [word for pair in (*TINY, *more) for word in ("--set", pair)]


def casnet(*words: object, code: int = 0) -> str:
    """Run in this process; returns stdout, with exit code 2 stderr. Any other exit code than `code` fails the test."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stderr if code == 2 else done.stdout


def start(*words: object, **environment: str) -> "subprocess.Popen[str]":
    """Run in a process of its own."""
    command = [sys.executable, "-m", "casnet_cli", *(str(word) for word in words)]
    surroundings = {**os.environ, **environment}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings, preexec_fn=_heeds_interrupts)


def _heeds_interrupts() -> None:
    """A shell's background jobs ignore Ctrl-C, and so would what the tests start from one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(*words: object, code: int = 0, **environment: str) -> str:
    """Run in a process of its own to its end; returns stderr."""
    with start(*words, **environment) as process:
        said = process.communicate()[1]
    assert process.returncode == code, said
    return said


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until the file is there, looking without a pause."""
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]


def digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return hashlib.sha256(b"".join(str(file).encode() + file.read_bytes() for file in files)).hexdigest()


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as the current one; whatever a test does, its photos/ stay as they are."""
    monkeypatch.chdir(folder)
    before = digest(folder / "photos")
    yield folder
    assert digest(folder / "photos") == before
