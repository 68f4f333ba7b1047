"""The rarer options of casnet train, and what it does when something goes wrong."""

import json
import shutil
import signal
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.cli import casnet, finish, settings, start, stderr_of, tiny_settings, wait_for
from helpers.datasets import write_blocks

from casnet_cli.labels import LabelSet


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/blocks.h5 and runs/begun of two epochs, with its previous checkpoint."""
    home = tmp_path_factory.mktemp("begun")
    write_blocks(home / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        casnet("train", "folder", "--run", "runs/begun", *tiny_settings("training.epochs=2"))
    return home


@pytest.fixture
def home(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, as these tests change what is there."""
    shutil.copytree(begun, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def test_a_truncated_checkpoint_is_refused_and_the_previous_one_offered(home: Path) -> None:
    last = home / "runs/begun/checkpoints/last.h5"
    last.write_bytes(last.read_bytes()[:100_000])
    message = casnet("train", "--resume", code=2)
    assert "last.h5: not a readable HDF5 file" in message
    offered = "cp runs/begun/checkpoints/previous.h5 runs/begun/checkpoints/last.h5"
    assert "(previous.h5, after step 3, is good: " in message and offered in message.replace("\n", " ")
    _, source, target = offered.split()
    shutil.copy(source, target)
    casnet("train", "--resume")
    assert len((home / "runs/begun/history.csv").read_text().splitlines()) == 3


def test_flipped_bits_of_a_checkpoint_are_not_trained_on(home: Path) -> None:
    last = home / "runs/begun/checkpoints/last.h5"
    whole = last.read_bytes()
    with h5py.File(last) as file:
        place = file["optimizer/coarse_logits/kernel"].id.get_offset()
    last.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    message = casnet("train", "--resume", "--set", "training.epochs=3", code=2)
    assert "last.h5: damaged checkpoint: its content does not fit its digest (previous.h5, after step 3, is" in message
    for words in (("eval", "--data", "data/blocks.h5"), ("export", "--data", "data/blocks.h5")):
        message = casnet(*words, "--run", last, code=2)
        assert "last.h5: damaged checkpoint: its content does not fit its digest (previous.h5 beside it" in message


@pytest.mark.slow
def test_a_run_that_another_process_trains_is_left_alone(home: Path) -> None:
    with start("train", "folder", "--run", "runs/one", *tiny_settings("training.epochs=500"), tiny=True) as process:
        wait_for(home / "runs/one/checkpoints/last.h5", process)
        output = finish("train", "--resume", "--run", "runs/one", code=2, tiny=True)
        process.kill()
        process.communicate()
    assert "runs/one: another process is training this run" in output
    for name in ("last.h5", "best.h5"):
        (home / "runs/one/checkpoints" / name).unlink()
    casnet("train", "--resume", "--run", "runs/one", "--data", "data/blocks.h5", "--set", "training.epochs=1")
    text = (home / "runs/one/recipe.toml").read_text()
    assert "branch_channels = 16" in text, "a run without a checkpoint begins anew with its own recipe"
    assert "not a folder" in casnet("train", "folder", "--run", "data/blocks.h5", code=2)


def test_a_last_checkpoint_that_is_gone_is_replaced_by_the_best(home: Path) -> None:
    (home / "runs/begun/checkpoints/last.h5").unlink()
    casnet("train", "--resume", "--run", "runs/begun")
    assert len((home / "runs/begun/history.csv").read_text().splitlines()) == 3
    message = casnet("train", "--resume", "--set", "evaluation.scale=2.0", code=2)
    assert "finished, so nothing comes of evaluation.scale: 1.0 → 2.0" in message


def test_a_change_by_set_is_recorded_and_others_are_refused(home: Path) -> None:
    first = json.loads((home / "runs/begun/run.json").read_text()) | {"command": ["casnet", "train", "folder"]}
    (home / "runs/begun/run.json").write_text(json.dumps(first))
    casnet("train", "--resume", "--set", "training.epochs=3", "--set", "optimizer.learning_rate=0.01")
    record = json.loads((home / "runs/begun/run.json").read_text())
    (noted,) = record["continued"]
    assert record["command"] == first["command"] != noted["command"] and noted["after_step"] == 6
    assert noted["changes"] == ["optimizer.learning_rate: 0.05 → 0.01", "training.epochs: 2 → 3"]
    assert "after step 6: training.epochs: 2 → 3" in (home / "runs/begun/log.txt").read_text()
    with h5py.File("runs/begun/checkpoints/last.h5") as file:
        assert "learning_rate = 0.01" in file.attrs["recipe"]
    message = casnet("train", "--resume", "--set", "model.branch_channels=8", code=2)
    assert "cannot change in a run that goes on: model.branch_channels: 16 → 8" in message
    for change in ("training.seed: 0 → 1", "training.batch_size: 4 → 6"):
        given = change.replace(": 0 → ", "=").replace(": 4 → ", "=")
        assert f"goes on: {change}" in casnet("train", "--resume", "--set", given, code=2).replace("\n", " ")
    assert "--fold 2" in casnet("train", "--resume", "--fold", "2", code=2)


def test_a_loss_that_is_no_number_is_kept_and_repeated(home: Path) -> None:
    extreme = tiny_settings("optimizer.learning_rate=1e30", "model.variant='coarse'")
    output = stderr_of("train", "folder", "--run", "runs/nan", *extreme, code=1)
    (folder,) = Path("runs/nan").glob("not-finite-step-*")
    assert output.count("error:") == 1 and f"casnet train --replay {folder}" in output.replace("\n", " ")
    about = json.loads((folder / "step.json").read_text())
    with np.load(folder / "batch.npz") as arrays:
        assert arrays["image"].shape == (4, 33, 33, 3) and arrays["label"].shape == (4, 33, 33)
    assert len(about["images"]) == 4 and all(name.startswith("train/") for name in about["images"])
    with h5py.File(folder / "state.h5") as file:
        assert json.loads(file.attrs["progress"])["step"] == about["step"] - 1
    repeated = casnet("train", "--replay", folder, code=1)
    assert str(about["losses"]["loss"]) in repeated and about["images"][0] in repeated
    for damaged in ("[" * 200_000, "[]", json.dumps(about | {"class_weights": 3}), json.dumps(about | {"images": [3]})):
        (folder / "step.json").write_text(damaged)
        assert "not the folder of a step that failed" in casnet("train", "--replay", folder, code=2)
    (folder / "step.json").write_text(json.dumps(about))
    cut = (folder / "batch.npz").read_bytes()[:5000]
    (folder / "batch.npz").write_bytes(cut)
    assert "not the folder of a step that failed" in casnet("train", "--replay", folder, code=2)
    good = casnet("train", "--replay", home / "runs/begun", code=2)
    assert "not the folder of a step that failed" in good


def test_a_run_without_a_checkpoint_begins_anew_with_its_own_recipe_data_and_fold(home: Path) -> None:
    write_blocks(home / "mine" / "folded.h5", {"train": 12}, folds=2)
    (home / "runs/dead").mkdir()
    shutil.copy(home / "runs/begun/recipe.toml", home / "runs/dead/recipe.toml")
    about = {"data": str(home / "mine/folded.h5"), "fold": 9, "init": "runs/gone"}
    (home / "runs/dead/run.json").write_text(json.dumps(about))
    words = ("train", "--run", "runs/dead", "--resume")
    assert "mine/gone.h5: no such" in casnet(*words, "--data", "mine/gone.h5", code=2)
    assert "--fold 9: no such fold (1..2)" in casnet(*words, code=2), "the data in data/ have no folds"
    assert "runs/gone: no such run" in casnet(*words, "--fold", "2", code=2)


@pytest.mark.slow
def test_fine_tuning_takes_over_classes_by_name(home: Path) -> None:
    other = LabelSet(("Blue", "red", "black", "white"), ((0, 0, 255), (255, 0, 0), (0, 0, 0), (255, 255, 255)))
    write_blocks(home / "data" / "other.h5", {"train": 8, "val": 2}, labels=other)
    options = ["--data", "data/other.h5", "--set", "training.epochs=1", "--set", "training.batch_size=4"]
    output = finish("train", "folder", "--init", "runs/begun", "--run", "runs/tuned", *options, tiny=True)
    assert "classes kept: Blue, red; new: black, white" in output
    with h5py.File("runs/tuned/checkpoints/last.h5") as file:
        assert list(file.attrs["classes"]) == list(other.names)
        assert "branch_channels = 16" in file.attrs["recipe"], "the network is the old run's"
    assert "no such run" in casnet("train", "folder", "--init", "runs/none", code=2)


def test_a_dry_run_writes_nothing_and_names_class_weights(home: Path) -> None:
    before = sorted(path for path in home.rglob("*"))
    output = stderr_of("train", "folder", "--dry-run", *tiny_settings("training.class_weights='auto'"))
    assert "expected time: about" in output and "class weights: red " in output
    assert sorted(path for path in home.rglob("*")) == before
    weights = tiny_settings("training.class_weights=[1.0, 2.0]")
    assert "2 weights for the 3 classes" in casnet("train", "folder", "--dry-run", *weights, code=2)


def test_max_time_stops_with_the_state_saved(home: Path) -> None:
    options = tiny_settings("training.epochs=5000", "training.checkpoint_every_steps=0")
    output = stderr_of("train", "folder", "--run", "runs/short", "--max-time", "5s", *options, code=130)
    assert "stopped before --max-time, after step" in output and "--run runs/short --resume" in output
    with h5py.File("runs/short/checkpoints/last.h5") as file:
        assert json.loads(file.attrs["progress"])["step"] > 0


@pytest.mark.parametrize(
    ("settings_given", "message"),
    [
        (["training.accumulation=3"], "training.batch_size: 4 cannot be cut into 3 equal parts"),
        (["model.frozen_stages=99"], "model.frozen_stages"),
    ],
)
def test_settings_that_do_not_fit(home: Path, settings_given: list[str], message: str) -> None:
    assert message in casnet("train", "folder", *tiny_settings(*settings_given), code=2).replace("\n", " ")


def test_strategies_that_are_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no workers named" in casnet("train", "folder", "--strategy", "multi-worker", *tiny_settings(), code=2)
    worker = {"cluster": {"worker": ["127.0.0.1:9", "127.0.0.1:10"]}, "task": {"type": "worker", "index": -1}}
    for nonsense in ("{broken", json.dumps(worker)):
        monkeypatch.setenv("TF_CONFIG", nonsense)
        output = casnet("train", "folder", "--strategy", "auto", *tiny_settings(), code=2)
        assert "TF_CONFIG: names no worker of a cluster" in output and output.count("error:") == 1


def test_back_ends_that_are_not_there_or_cannot_train(home: Path) -> None:
    output = finish("train", "folder", *settings(), code=2, KERAS_BACKEND="theano")
    assert "KERAS_BACKEND=theano: no such back end (one of tensorflow, jax, torch)" in output.replace("\n", " ")


def test_an_interrupt_while_the_engine_is_imported_is_kept(home: Path) -> None:
    words = ("train", "folder", "--run", "runs/never", *settings("training.epochs=200"))
    with start(*words, PYTHONPROFILEIMPORTTIME="1") as process:  # a line on stderr for each import
        assert process.stderr and any("workflows.train.session" in line for line in process.stderr)
        time.sleep(0.5)  # the next import is that of the engine, which takes seconds
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
