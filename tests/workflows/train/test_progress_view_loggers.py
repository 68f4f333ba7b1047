"""A training that W&B follows: its run goes on with the training, and its faults end nothing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logger_packages
from helpers.cli import casnet, stderr_of, tiny_settings
from helpers.datasets import write_blocks

SETTINGS = tiny_settings("training.loggers=['wandb']", "evaluation.samples=0")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_blocks(tmp_path / "data/blocks.h5", {"train": 4, "val": 1})
    monkeypatch.chdir(tmp_path)
    with logger_packages.importable(tmp_path / "packages", monkeypatch):
        yield tmp_path


@pytest.mark.usefixtures("tiny")
def test_the_run_goes_on_with_the_training(home: Path) -> None:
    shown = stderr_of("train", "folder", *SETTINGS, "--set", "training.epochs=1")
    assert "wandb: offline, sent by wandb sync" in shown
    assert "its curves: tensorboard --logdir runs/blocks-001" in shown
    import wandb

    first = wandb.inits[0]
    assert first["name"] == "blocks-001" and first["config"]["training"]["loggers"] == ["wandb"]
    record = json.loads((home / "runs/blocks-001/run.json").read_text())
    assert (record["logged"], record["recipe"]) == ({"wandb": first["id"]}, "folder")
    wandb.fail.append(True)
    shown = stderr_of("train", "--resume", "--set", "training.epochs=3")
    assert [given["id"] for given in wandb.inits] == [first["id"]] * 2
    fault = "wandb: did not take epoch 2: no network"
    assert shown.count(f"warning: {fault}") == 1
    assert fault in (home / "runs/blocks-001/log.txt").read_text()
    record = json.loads((home / "runs/blocks-001/run.json").read_text())
    assert (record["logged"], record["recipe"]) == ({"wandb": first["id"]}, "folder")
    assert len(record["continued"]) == 1
    assert len((home / "runs/blocks-001/history.csv").read_text().splitlines()) == 4, "it ended nothing"
    assert [values["epoch"] for _, values in wandb.logged] == [1] and wandb.ended == [0, 0]


def test_a_missing_package_is_one_line_before_anything_is_written(home: Path) -> None:
    (home / "packages/wandb.py").unlink()
    line = casnet("train", "folder", *SETTINGS, code=2)
    assert line.strip().endswith("error: training.loggers: wandb is not installed (pip install wandb)")
    assert not (home / "runs").exists() and "wandb" not in sys.modules
