"""The command line, run in this process or in one of its own, with a network that is tiny."""

import errno
import hashlib
import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casnet_cli.cli import app
from helpers import tiny_backbone

TESTS = Path(__file__).parents[1]

TINY = (
    "model.weights='none'",
    "model.branch_channels=16",
    "augmentation.crop=33",
    "training.batch_size=4",
    "optimizer.learning_rate=0.05",
    "optimizer.head_lr_multiplier=1.0",
)
"""EfficientNet-Lite0 with narrow branches and random weights."""

BEST = "runs/blocks-001/checkpoints/best.h5"


def settings(*more: str) -> list[str]:
    return [word for pair in (*TINY, *more) for word in ("--set", pair)]


def tiny_settings(*more: str) -> list[str]:
    """The same with the tests' own backbone, which trains in a third of the time."""
    return settings(f"model.backbone='{tiny_backbone.NAME}'", *more)


def casnet(*words: object, code: int = 0) -> str:
    """Run in this process; returns stdout, with exit code 2 stderr. Any other exit code than `code` fails the test."""
    done = _invoke(words, code)
    return done.stderr if code == 2 else done.stdout


def stderr_of(*words: object, code: int = 0) -> str:
    """Run in this process; returns stderr."""
    return _invoke(words, code).stderr


def _invoke(words: tuple[object, ...], code: int) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


class _Unwritable(io.StringIO):
    """An output that fails in all the ways there are, one after the other."""

    failures = itertools.cycle(
        (
            BrokenPipeError(errno.EPIPE, "Broken pipe"),
            OSError(errno.ENOSPC, "No space left on device"),
            ValueError("I/O operation on closed file"),
        )
    )

    def write(self, text: str) -> int:
        raise next(self.failures)


def unheard(*words: object) -> int:
    """Run in this process, where nothing can be written to stdout and stderr; returns the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", _Unwritable())
        patch.setattr(sys, "stderr", _Unwritable())
        with pytest.raises(SystemExit) as end:
            app([str(word) for word in words])
    return int(end.value.code or 0)


def start(*words: object, tiny: bool = False, **environment: str) -> "subprocess.Popen[str]":
    """Run in a process of its own. tiny: in one that knows the tests' own backbone."""
    command = [sys.executable, "-m", "helpers.process" if tiny else "casnet_cli", *(str(word) for word in words)]
    surroundings = {**os.environ, **environment}
    if tiny:
        surroundings["PYTHONPATH"] = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings, preexec_fn=_heeds_interrupts)


def _heeds_interrupts() -> None:
    """A shell's background jobs ignore Ctrl-C, and so would what the tests start from one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(*words: object, code: int = 0, tiny: bool = False, **environment: str) -> str:
    """Run in a process of its own to its end; returns stderr."""
    with start(*words, tiny=tiny, **environment) as process:
        stderr = process.communicate()[1]
    assert process.returncode == code, stderr
    return stderr


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
