"""What W&B and MLflow are given, by stand-ins for their packages and, slowly, by the packages themselves."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logger_packages
from helpers.tool_environments import run_tool, tool_python

from casnet_cli import recipe as recipes
from casnet_cli.errors import BackendError, RecipeError
from casnet_cli.reports import loggers
from casnet_cli.reports.loggers import LoggedRun, Loggers, Row, check_installed

PACKAGE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand-ins for both packages, which keep what they are given."""
    with logger_packages.importable(tmp_path / "packages", monkeypatch):
        yield tmp_path / "packages"


def row(epoch: int) -> Row:
    return {
        "epoch": epoch,
        "step": 9 * epoch,
        "learning_rate": 0.1,
        "loss": 2.0,
        "loss_coarse": 1.5,
        "train_seconds": 3.0,
        "val_mean_iou": 0.25,
        "val_seconds": 1.0,
    }


RUN = LoggedRun(Path("run"), "demo-001", {"training": {"epochs": 3, "loggers": ["wandb"]}})
SENT = {
    "epoch": 1,
    "train/loss": 2.0,
    "train/coarse": 1.5,
    "train/learning_rate": 0.1,
    "val/mean_iou": 0.25,
    "speed/train_seconds": 3.0,
    "speed/val_seconds": 1.0,
}


def test_wandb_gets_recipe_name_and_a_line_an_epoch() -> None:
    found = Loggers(["wandb"], RUN, {}, 0)
    found.write([row(1)])
    found.write([row(1), row(2)])
    import wandb

    (given,) = wandb.inits
    assert (given["project"], given["name"], given["resume"], given["dir"]) == ("casnet", "demo-001", "allow", "run")
    assert given["config"] == RUN.recipe and found.identities == {"wandb": given["id"]}
    assert wandb.logged == [(9, SENT), (18, SENT | {"epoch": 2})]
    assert found.open["wandb"].place == "offline, sent by wandb sync 'run/wandb/offline-run-1 of me'"
    found.close(finished=True)
    assert wandb.ended == [0] and found.faults == []


@pytest.mark.parametrize(
    ("url", "place"), [("https://wandb.ai/me/casnet/runs/1",) * 2, (None, "sent nowhere, as WANDB_MODE says")]
)
def test_the_place_of_a_run_that_is_sent(url: str | None, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr(wandb.Run, "offline", False)
    monkeypatch.setattr(wandb.Run, "url", url)
    assert Loggers(["wandb"], RUN, {}, 0).open["wandb"].place == place


def test_a_run_that_goes_on_keeps_its_identity_and_sends_what_is_new() -> None:
    found = Loggers(["wandb", "mlflow"], RUN, {"wandb": "mine"}, 2)
    found.write([row(1), row(2), row(3)])
    import mlflow
    import wandb

    assert wandb.inits[0]["id"] == "mine" and [step for step, _ in wandb.logged] == [27]
    epochs = [(value, step) for _, key, value, step in mlflow.metrics if key == "epoch"]
    assert epochs == [(1, 9), (2, 18), (3, 27)], "what MLflow has never seen"
    assert mlflow.made == ["casnet", ("7", "demo-001")]


def test_mlflow_keeps_the_recipe_as_parameters_and_changes_as_tags() -> None:
    first = Loggers(["mlflow"], RUN, {}, 0)
    first.close(finished=False)
    changed = LoggedRun(RUN.folder, RUN.name, {"training": {"epochs": 9, "loggers": ["wandb"], "new": 1}})
    Loggers(["mlflow"], changed, {"mlflow": "abc"}, 0).close(finished=True)
    import mlflow

    assert mlflow.params == {"training.epochs": 3, "training.loggers": ["wandb"], "training.new": 1}
    assert mlflow.tags == {"training.epochs": 9}
    assert mlflow.status == [("abc", "KILLED"), ("abc", "RUNNING"), ("abc", "FINISHED")]


def test_a_logger_that_fails_is_one_line_and_gets_the_rest_later() -> None:
    found = Loggers(["wandb"], RUN, {}, 0)
    import wandb

    wandb.fail.append(True)
    found.write([row(1)])
    found.write([row(1), row(2)])
    assert found.faults == ["wandb: did not take epoch 1: no network"]
    wandb.fail.clear()
    found.write([row(1), row(2), row(3)])
    assert [step for step, _ in wandb.logged] == [9, 18, 27] and len(found.faults) == 1


def test_one_that_cannot_be_opened_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr(wandb, "init", lambda **given: 1 / 0)
    found = Loggers(["wandb", "mlflow"], RUN, {}, 0)
    assert list(found.open) == ["mlflow"] and found.identities == {"mlflow": "abc"}
    assert found.faults == ["wandb: this training is not logged there: division by zero"]


def test_one_that_does_not_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr(loggers, "CLOSING", 0.01)
    waiting = threading.Event()
    monkeypatch.setattr(wandb.Run, "finish", lambda run, exit_code: waiting.wait(10))
    found = Loggers(["wandb"], RUN, {}, 0)
    found.close(finished=True)
    waiting.set()
    assert found.faults == ["wandb: has not taken all after 0 s"]


def test_a_package_that_is_missing_or_only_a_folder_is_named(packages: Path) -> None:
    check_installed(["wandb", "mlflow"])
    for name in ("wandb", "mlflow"):
        (packages / f"{name}.py").unlink()
    (packages / "wandb").mkdir()  # as W&B leaves one
    with pytest.raises(BackendError) as raised:
        check_installed(["wandb", "mlflow", "wandb"])
    assert raised.value.faults == (
        "training.loggers: wandb is not installed (pip install wandb)",
        "training.loggers: mlflow is not installed (pip install mlflow)",
    )


@pytest.mark.parametrize("value", ["wandb", "['tensorboard']", "[1]"])
def test_the_recipe_takes_a_list_of_their_names(value: str) -> None:
    with pytest.raises(RecipeError, match="training.loggers"):
        recipes.load(recipes.find("demo"), [f"training.loggers={value}"])
    both = recipes.load(recipes.find("demo"), ["training.loggers=['wandb', 'mlflow']"])
    assert both.training.loggers == ("wandb", "mlflow")


REAL = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from casnet_cli.reports.loggers import LoggedRun, Loggers, check_installed

names, rows = ["wandb", "mlflow"], json.loads(sys.argv[3])
check_installed(names)
recipe = {"training": {"epochs": len(rows), "loggers": names}, "augmentation": {"scales": [0.5, 2.0]}}
found = Loggers(names, LoggedRun(Path("run"), "demo-001", recipe), json.loads(sys.argv[2]), len(rows) - 1)
found.write(rows)
print("RESULT", json.dumps([found.identities, found.faults]))
found.close(True)
assert not found.faults, found.faults
"""


@pytest.mark.slow
def test_the_packages_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tool_python("wandb==0.31.0", "mlflow==3.17.2")
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}/tracked")

    def logged(known: dict[str, str], epochs: int) -> dict[str, str]:
        printed = run_tool(python, REAL, PACKAGE, json.dumps(known), json.dumps([row(n + 1) for n in range(epochs)]))
        identities, faults = json.loads(printed.partition("RESULT ")[2].splitlines()[0])
        assert faults == []
        return identities

    first = logged({}, 1)
    assert logged(first, 2) == first
    (line,) = tmp_path.glob("tracked/*/*/metrics/val/mean_iou")
    assert [text.split()[1:] for text in line.read_text().splitlines()] == [["0.25", "9"], ["0.25", "18"]]
    (parameter,) = tmp_path.glob("tracked/*/*/params/training.epochs")
    assert parameter.read_text() == "1" and parameter.parents[1].name == first["mlflow"]
    kept = sorted(tmp_path.glob(f"run/wandb/offline-run-*-{first['wandb']}/run-{first['wandb']}.wandb"))
    assert len(kept) == 2 and all(b"val/mean_iou" in file.read_bytes() for file in kept)
    words = [python, "-m", "wandb", "sync", "--help"]
    assert "PATH" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
