"""casnet runs: what is listed of runs in every state, and what can be removed."""

import json
import os
from pathlib import Path

import pytest
from helpers.checkpoints import meta_after, write_run
from helpers.cli import casnet
from helpers.datasets import write_blocks

from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.runs.folder import RunFolder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five runs: finished, stopped, damaged, begun, and one of a series."""
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data/blocks.h5", {"train": 2, "val": 1})
    store, recipe = Store(tmp_path / "data/blocks.h5"), recipes.load(recipes.find("demo"), ["training.epochs=4"])
    for age, (name, epochs) in enumerate((("demo-001", 4), ("mine", 1), ("demo-ablate-001/a-seed-0", 4))):
        run = write_run(tmp_path / "runs" / name, store, meta_after(store, recipe, epochs, ended=False))
        if name != "mine":
            run.record.write_text(json.dumps({"data": str(store.path), "recipe": "my-recipe"}))
        os.utime(run.last, (1000 - age, 1000 - age))
        os.utime(run.record, (1000 - age, 1000 - age))
    (tmp_path / "runs/demo-001/history.csv").write_text(
        "epoch,step,val_pixel_accuracy,val_mean_iou,train_seconds,val_seconds\n1,3,0.8,0.5,1000,800\n2,6,0.7,0.6,1000,800\n"
    )
    (tmp_path / "runs/demo-001/eval/test").mkdir(parents=True)
    metrics = {"pixel_accuracy": 0.75, "class_accuracy": 0.5, "mean_iou": 0.25, "frequency_weighted_iou": 0.625}
    (tmp_path / "runs/demo-001/eval/test/metrics.json").write_text(json.dumps(metrics))
    for name in ("begun", "damaged"):
        (tmp_path / "runs" / name / "checkpoints").mkdir(parents=True)
    (tmp_path / "runs/begun/run.json").write_text(json.dumps({"data": "/somewhere/photos.h5"}))
    (tmp_path / "runs/damaged/checkpoints/last.h5").write_bytes(b"nothing")
    os.utime(tmp_path / "runs/begun/run.json", (900, 900))
    os.utime(tmp_path / "runs/damaged/checkpoints/last.h5", (800, 800))
    return tmp_path


def test_every_state_newest_first(home: Path) -> None:
    found = json.loads(casnet("runs", "--json", "-"))["runs"]
    kept = [(one["run"], one["data"], one["recipe"], one["state"]) for one in found]
    assert kept == [
        ("runs/demo-001", "blocks", "my-recipe", "finished"),
        ("runs/mine", "blocks", None, "stopped after epoch 1 of 4"),
        ("runs/demo-ablate-001/a-seed-0", "blocks", "my-recipe", "finished"),
        ("runs/begun", "photos", None, "no checkpoint yet"),
        ("runs/damaged", None, None, "last.h5 is damaged"),
    ]
    figures = ("pixel_accuracy", "mean_iou", "test_pixel_accuracy", "test_mean_iou", "hours")
    assert [found[0][key] for key in figures] == [0.8, 0.5, 0.75, 0.25, 1.0]
    assert [found[1][key] for key in figures] == [None, None, None, None, 0.0]
    shown = casnet("runs")
    assert shown.startswith("5 runs, newest first; pixel accuracy / mean IoU, %") and "60 min" in shown
    assert "80.0/50.0" in shown and "75.0/25.0" in shown


def test_figures_are_those_of_the_epoch_that_chose_the_best_checkpoint(home: Path) -> None:
    store, recipe = Store(home / "data/blocks.h5"), recipes.load(recipes.find("demo"), ["evaluation.best=mean_iou"])
    write_run(home / "runs/demo-001", store, meta_after(store, recipe, 4, ended=False))
    (home / "runs/demo-001/history.csv").write_text(
        "epoch,step,val_pixel_accuracy,val_mean_iou\n1,3,0.8,0.5\n2,6,0.7,0.6\n"
    )
    found = json.loads(casnet("runs", "--json", "-"))["runs"][0]
    assert (found["run"], found["pixel_accuracy"], found["mean_iou"]) == ("runs/demo-001", 0.7, 0.6)


def test_nothing_there_and_a_damaged_file_of_metrics(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "runs/demo-001/eval/test/metrics.json").write_text('{"pixel_accuracy": []}')
    assert json.loads(casnet("runs", "--json", "-"))["runs"][0]["test_mean_iou"] is None
    (home / "empty").mkdir()
    monkeypatch.chdir(home / "empty")
    assert casnet("runs") == "runs/: no run here (casnet train begins one)\n"


def test_rm_asks_and_takes_runs_alone(home: Path) -> None:
    assert "no terminal to ask at (--yes" in casnet("runs", "rm", "runs/mine", code=2)
    assert "data: no run folder" in casnet("runs", "rm", "runs/mine", "data", "--yes", code=2)
    assert (home / "runs/mine/run.json").is_file()
    with RunFolder(home / "runs/mine").lock():
        assert "another process is training this run" in casnet("runs", "rm", "runs/mine", "--yes", code=2)
        assert json.loads(casnet("runs", "--json", "-"))["runs"][1]["state"] == "training, epoch 2 of 4"
    assert casnet("runs", "rm", "runs/mine", "runs/begun", "--yes") == "removed runs/mine\nremoved runs/begun\n"
    assert sorted(os.listdir(home / "runs")) == ["damaged", "demo-001", "demo-ablate-001"]


def test_the_answer_decides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from casnet_cli.workflows import run_list

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    run_list.remove_runs([Path("runs/mine")], False, lambda question: False)
    assert (home / "runs/mine").is_dir()
    questions: list[str] = []
    run_list.remove_runs([Path("runs/mine")], False, lambda question: not questions.append(question))
    assert not (home / "runs/mine").exists() and questions == ["remove runs/mine with its checkpoints, 0 MiB?"]
