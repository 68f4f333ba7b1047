"""What `casnet predict` will write, foreseen by the sizes of pictures and the kinds of outputs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli import at_home, casnet, stderr_of
from helpers.datasets import LABELS, blocks

from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.workflows.predict.space import space_of


def jobs_of(folder: Path, count: int) -> list[Job]:
    """Pictures of 100 x 40 pixels."""
    found = []
    for seed in range(count):
        file = folder / f"{seed:03d}.png"
        file.write_bytes(blocks(seed, 100, 40).image)
        found.append(Job(file, Path(file.stem)))
    return found


def test_it_follows_pixels_kinds_and_classes(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, 100)
    found = space_of(jobs, Outputs(tmp_path, LABELS, ""))
    assert found and found.likely == pytest.approx(100 * 4000 * (0.03 + 0.2 + 0.2), abs=1)
    assert found.least == 100 * 3 * 64 and found.basis == "the sizes of 34 of 100 pictures"
    more = space_of(jobs, Outputs(tmp_path, LABELS, "", overlay=False, extra=("confidence", "probabilities")))
    assert more and more.likely == pytest.approx(100 * 4000 * (0.03 + 0.2 + 0.2 + 1.5 * len(LABELS)), abs=1)


def test_what_has_no_size_does_not_count(tmp_path: Path) -> None:
    damaged, film, stream = tmp_path / "a.jpg", tmp_path / "b.mp4", Path("-")
    damaged.write_bytes(b"\xff\xd8\xff nothing")
    others = [Job(damaged, Path("a")), Job(film, Path("b")), Job(stream, Path("stdin")), Job(tmp_path / "c", Path("c"))]
    outputs = Outputs(tmp_path, LABELS, "")
    assert space_of(others, outputs) is None and space_of([], outputs) is None
    mixed = space_of([*others, *jobs_of(tmp_path, 1)], outputs)
    assert mixed and mixed.basis == "the sizes of 1 of 3 pictures (1 video not counted)"


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


def test_the_call_says_it_and_ends_where_nothing_would_fit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = stderr_of("predict", "photos", "--out", "said")
    assert "said: about " in shown and "by the sizes of 6 of 6 pictures, and " in shown.replace("\n", " ")
    assert "to write" not in stderr_of("predict", "photos", "--out", "said"), "nothing is left to do"
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2000))
    assert "warning: few: about" in stderr_of("predict", "photos", "--out", "few").replace("\n", " ")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "none: needs 1 KiB at least" in casnet("predict", "photos", "--out", "none", code=2)
    assert not list(Path("none").glob("*.png"))
