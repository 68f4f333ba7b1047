"""What counts as the newest run, and where its files lie."""

import os
from pathlib import Path

import pytest

from casnet_cli.errors import RunError
from casnet_cli.runs import locate


def made(*names: str) -> None:
    """Files, each newer than the one before."""
    for age, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (age, age))


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


def test_where_the_files_of_a_run_lie() -> None:
    run = locate.RunLayout(Path("runs/a"))
    assert [run.best, run.last, run.previous] == [
        Path("runs/a/checkpoints") / name for name in ("best.h5", "last.h5", "previous.h5")
    ]
    assert [run.record, run.recipe, run.history] == [
        Path("runs/a") / name for name in ("run.json", "recipe.toml", "history.csv")
    ]
    assert run.export("onnx-float32") == Path("runs/a/export/onnx-float32")


def test_the_run_of_a_file() -> None:
    assert locate.run_of(Path("runs/a/checkpoints/best.h5")) == Path("runs/a")
    assert locate.run_of(Path("checkpoints/best.h5")) == Path()
    assert locate.run_of(Path("best.h5")) is None and locate.run_of(Path("runs/a/best.h5")) is None
    exported = Path("/home/runs/a/export/onnx-float32/model.onnx")
    assert locate.run_of_export(exported) == Path("/home/runs/a")
    assert locate.is_best(Path("x/best.h5")) and not locate.is_best(Path("x/last.h5"))
    assert locate.is_refused(Path("export/onnx-int8-refused")) and not locate.is_refused(exported.parent)


def test_runs_in_a_folder_and_what_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = "runs/cv/fold-2/checkpoints/best.h5", "runs/cv/fold-1/checkpoints/best.h5", "runs/cv/x/checkpoints/last.h5"
    made(*names, "runs/model.onnx")
    assert locate.runs_with_best(Path("runs/cv")) == [Path("runs/cv/fold-1"), Path("runs/cv/fold-2")]
    assert locate.runs_with_best(Path("runs/cv"), "*-2") == [Path("runs/cv/fold-2")]
    assert locate.checkpoint_of(Path("runs/cv/fold-2")) == Path(names[0])
    for path, message in (
        ("runs/model.onnx", "an exported file"),
        ("runs/gone", "no such run"),
        ("runs/cv", "a folder of runs .name one of them, such as runs/cv/fold-1"),
        ("runs/cv/x", "has no checkpoint yet .checkpoints/best.h5 is written at the first validation"),
    ):
        with pytest.raises(RunError, match=message):
            locate.checkpoint_of(Path(path))
    assert [locate.claim_run("folder"), locate.claim_run("folder")] == [
        Path("runs/folder-001"),
        Path("runs/folder-002"),
    ]
