"""A checkpoint that is replaced while it is read: meta, weights and digest are of one and the same file."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import pytest
from helpers.cli import TINY
from helpers.datasets import LABELS

from casnet_cli import recipe as recipes
from casnet_cli.errors import RunError
from casnet_cli.runs import checkpoint, held
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress
from casnet_cli.util.files import sha256_of


def write(path: Path, step: int) -> None:
    empty: Any = SimpleNamespace(weights=[], layers=[], named=dict)
    recipe = recipes.load(recipes.find("folder"), list(TINY))
    schedule: Any = {"best": 0.5, "waited": 0, "dropped": 0, "finished": False}
    checkpoint.save(path, empty, empty, Meta(recipe, LABELS, "blocks", "0" * 64, None, Progress(step), schedule))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "best.h5", 1)
    return tmp_path / "best.h5"


def replacing(path: Path, times: int) -> Callable[[Path], Any]:
    """`read_meta`, in whose midst a training writes another checkpoint, so many times."""
    steps = iter(range(2, 2 + times))

    def read(file: Path) -> Meta:
        found = checkpoint.read_meta(file)
        if (step := next(steps, None)) is not None:
            write(path, step)
        return found

    return read


def test_what_is_held_is_of_one_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "read_meta", replacing(path, 2))
    found = held.hold(path)
    assert found.meta.progress.step == 3 and found.sha256 == sha256_of(path)
    assert isinstance(found.weights, h5py.File) and not list(path.parent.glob("*.part"))


def test_a_file_that_changes_all_the_time_or_is_gone_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "read_meta", replacing(path, 100))
    with pytest.raises(RunError, match="best.h5: is written anew all the time"):
        held.hold(path)
    path.unlink()
    with pytest.raises(RunError, match="best.h5: cannot be read: No such file"):
        held.hold(path)
