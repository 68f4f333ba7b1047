"""crossval and compare on small data, against each other and against train and eval."""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.cli import casnet, tiny_settings
from helpers.datasets import write_blocks
from typer.testing import CliRunner

from casnet_cli.cli import app
from casnet_cli.runs.checkpoint import amend, read_meta
from casnet_cli.runs.folder import RunFolder

SHORT = tiny_settings(
    "training.epochs=1", "training.deterministic=true", "evaluation.samples=0", 'model.variant="coarse"'
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two folds, trained by one call each."""
    home = tmp_path_factory.mktemp("series")
    write_blocks(home / "data" / "blocks.h5", {"train": 12}, folds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        casnet("crossval", "folder", "--run", "runs/cv", "--folds", "2", *SHORT)
        casnet("crossval", "--run", "runs/cv", "--resume")
    return home


@pytest.fixture
def home(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, as these tests may change what is there."""
    shutil.copytree(done, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def metrics(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "eval/test/metrics.json").read_text()))


def summary_of(series: Path, tta: str = "none") -> dict[str, Any]:
    return dict(json.loads((series / "summary.json").read_text())["figures"][tta])


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_fold_is_the_run_that_train_makes(home: Path) -> None:
    casnet("train", "folder", "--fold", "1", "--run", "runs/alone", *SHORT)
    assert digest(home / "runs/alone/checkpoints/best.h5") == digest(home / "runs/cv/fold-1/checkpoints/best.h5")
    casnet("eval", "--run", "runs/alone")
    ours, theirs = metrics(home / "runs/alone"), metrics(home / "runs/cv/fold-1")
    for timed in ("seconds", "images_per_second"):
        del ours[timed], theirs[timed]
    assert ours == theirs


def test_the_mean_and_spread_are_those_of_the_folds(home: Path) -> None:
    summary = summary_of(home / "runs/cv")
    folds = [metrics(home / f"runs/cv/fold-{fold}") for fold in (1, 2)]
    for key in ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou"):
        values = [fold[key] for fold in folds]
        assert summary["groups"]["folds"]["mean"][key] == pytest.approx(np.mean(values), rel=1e-12)
        assert summary["groups"]["folds"]["spread"][key] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    names = []
    for fold in (1, 2):
        with open(home / f"runs/cv/fold-{fold}/eval/test/per_image.csv") as file:
            names += [row["name"] for row in csv.DictReader(file)]
    assert len(names) == len(set(names)) == 12, "every image is tested once"


def test_compare_takes_the_folds_together_and_measures_what_is_not_yet(home: Path) -> None:
    casnet("compare", "runs/cv", "--json", "compared.json")
    (record,) = json.loads((home / "compared.json").read_text())["runs"]
    summary = summary_of(home / "runs/cv")
    assert record["runs"] == 2 and record["images"] == 12
    assert record["mean_iou"] == summary["groups"]["folds"]["mean"]["mean_iou"]
    assert record["mean_iou_ci95"][0] < record["mean_iou"] < record["mean_iou_ci95"][1]
    assert "not measured on the same images" in casnet("compare", "runs/cv/fold-1", "runs/cv/fold-2", code=2)
    assert "named twice" in casnet("compare", "runs/cv", "runs/cv", code=2)
    best = home / "runs/cv/fold-1/checkpoints/best.h5"
    copy = home / "best.h5"
    copy.write_bytes(best.read_bytes())
    with h5py.File(copy, "r+") as file:  # as if its only epoch had been followed by others
        file.attrs["progress"] = json.dumps({"step": 0, "sums": {}, "history": []})
        del file.attrs["content_sha256"]
    copy.replace(best)
    casnet("compare", "runs/cv", "--json", "compared.json")
    assert json.loads((home / "compared.json").read_text())["runs"][0]["runs"] == 2
    shown = casnet("compare", "runs/cv/fold-1", "--tta", "flip")
    assert "tta flip" in shown and (home / "runs/cv/fold-1/eval/test-flip/metrics.json").is_file()
    assert "named twice" in casnet("compare", "runs/cv/fold-1", "runs/cv/fold-1/checkpoints/best.h5", code=2)


def test_damaged_metrics_are_measured_anew(home: Path) -> None:
    before = summary_of(home / "runs/cv")
    for fold, content in ((1, "{"), (2, "[]")):
        (home / f"runs/cv/fold-{fold}/eval/test/metrics.json").write_text(content)
    casnet("crossval", "--resume")
    assert summary_of(home / "runs/cv") == before
    counts = home / "runs/cv/fold-2/eval/test/per_image.npz"
    counts.write_bytes(counts.read_bytes()[:300])
    casnet("compare", "runs/cv")
    assert counts.stat().st_size > 300


def test_metrics_of_other_images_or_checkpoints_are_kept_apart(home: Path) -> None:
    before = summary_of(home / "runs/cv")
    casnet("eval", "--run", "runs/cv/fold-1", "--fold", "2")
    casnet("eval", "--run", "runs/cv/fold-1/checkpoints/last.h5")
    write_blocks(home / "data" / "other.h5", {"train": 3, "test": 2})
    casnet("compare", "runs/cv/fold-1", "--data", "data/other.h5")
    folders = {re.sub("-[0-9a-f]{8}$", "", folder.name) for folder in (home / "runs/cv/fold-1/eval").iterdir()}
    assert folders == {"test", "test-fold-2", "test-last", "test-blocks"}
    casnet("crossval", "--resume")
    assert summary_of(home / "runs/cv") == before
    shutil.copytree(home / "runs/cv/fold-1", home / "runs/twin")
    about = json.loads((home / "runs/twin/run.json").read_text()) | {"data": str(home / "data/other.h5")}
    (home / "runs/twin/run.json").write_text(json.dumps(about))
    output = casnet("compare", "runs/cv/fold-1", "runs/twin", code=2).replace("\n", " ")
    assert "not to be measured on the same data" in output


def test_what_is_finished_is_only_shown_again(home: Path) -> None:
    before = (home / "runs/cv/fold-1/checkpoints/last.h5").stat().st_mtime_ns
    assert "mean ± spread of 2" in casnet("crossval", "--resume")
    assert (home / "runs/cv/fold-1/checkpoints/last.h5").stat().st_mtime_ns == before
    assert "runs/: no run with a checkpoint here" in casnet("eval", code=2), "no fold counts as the newest run"


def test_a_trained_fold_that_was_not_measured_is_measured(home: Path) -> None:
    shutil.rmtree(home / "runs/cv/fold-2/eval")
    before = digest(home / "runs/cv/fold-2/checkpoints/last.h5")
    casnet("crossval", "--resume", "--tta", "flip")
    assert json.loads((home / "runs/cv/fold-2/eval/test-flip/metrics.json").read_text())["tta"] == "flip"
    assert set(summary_of(home / "runs/cv", "flip")["runs"]) == set(summary_of(home / "runs/cv")["runs"])
    assert digest(home / "runs/cv/fold-2/checkpoints/last.h5") == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("crossval", "folder", "--run", "runs/cv"),
            "runs/cv: holds runs of casnet crossval already (continue it by --resume",
        ),
        (("ablate", "--run", "runs/cv", "--resume"), "runs/cv: written by casnet crossval"),
        (("crossval", "--run", "runs/cv", "--resume", "--set", "training.epochs=2"), "training.epochs: 1 → 2"),
        (("crossval", "--run", "runs/cv", "--resume", "--folds", "4"), "--folds 4: not folds of these data"),
        (("crossval", "--run", "runs/cv", "--resume", "--folds", "1,x"), "--folds 1,x: not folds of these data"),
        (("ablate", "folder", "--seeds", "1,1"), "--seeds 1,1: not a list of different seeds"),
        (("ablate", "folder", "--seeds", "-1"), "--seeds -1: not a list of different seeds"),
        (("crossval", "folder", "--run", "runs/cv/fold-1"), "runs/cv/fold-1: not a folder of casnet crossval"),
        (("crossval", "folder", "--strategy", "multi-worker"), "its processes do not share a run"),
        (("ablate", "folder", "--fold", "0"), "fold 0"),
        (("compare", "nowhere"), "nowhere: no such run"),
        (("eval", "--run", "runs/cv"), "runs/cv: a folder of runs (name one of them, such as runs/cv/fold-1)"),
        (("crossval", "folder", "--tta", "twice"), "twice"),
    ],
)
def test_mistakes(done: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(done)
    assert message in casnet(*words, code=2)


def test_fine_tuned_folds_keep_what_was_set_and_are_calibrated_later(home: Path) -> None:
    tuned = ("--init", "runs/cv/fold-1", "--set", "model.frozen_stages=2", "--set", "training.epochs=1")
    few = ("--set", "training.batch_size=4", "--set", "evaluation.samples=0")
    casnet("crossval", "folder", "--run", "runs/tuned", "--folds", "1", *tuned, *few)
    text = (home / "runs/tuned/fold-1/recipe.toml").read_text()
    assert "frozen_stages = 2" in text and "branch_channels = 16" in text
    options = json.loads((home / "runs/tuned/summary.json").read_text())["options"]
    assert Path(options["init"]).samefile(home / "runs/cv/fold-1") and Path(options["init"]).is_absolute()
    best = home / "runs/tuned/fold-1/checkpoints/best.h5"
    record = read_meta(best).calibration
    amend(best, {})
    shutil.rmtree(home / "runs/tuned/fold-1/eval")
    casnet("crossval", "--run", "runs/tuned", "--resume", "--folds", "1")
    assert record and read_meta(best).calibration == record
    assert metrics(home / "runs/tuned/fold-1")["calibration"]["temperature"] == record["temperature"]


def test_what_does_not_belong_together_is_not_joined(home: Path) -> None:
    shutil.rmtree(home / "runs/cv/fold-2")
    shutil.copytree(home / "runs/cv/fold-1", home / "runs/cv/fold-2")
    assert "fold-2: trained on fold 1 (expected 2)" in casnet("crossval", "--resume", code=2).replace("\n", " ")
    text = (home / "runs/cv/recipe.toml").read_text()
    (home / "runs/cv/recipe.toml").write_text(text.replace("seed = 0", "seed = 5"))
    message = casnet("crossval", "--resume", code=2).replace("\n", " ")
    assert "fold-1: of another recipe: training.seed: 5 → 0" in message
    write_blocks(home / "data" / "whole.h5", {"train": 8, "test": 2})
    assert "has no folds" in casnet("crossval", "folder", "--data", "data/whole.h5", code=2)
    assert "not the data" in casnet("crossval", "--resume", "--data", "data/whole.h5", code=2)
    (home / "runs/cv/summary.json").write_text("{}")
    assert "summary.json: damaged: kind is missing" in casnet("crossval", "--run", "runs/cv", "--resume", code=2)


def test_what_cannot_be_done_leaves_nothing_behind(home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine/recipe.toml").write_text((home / "runs/cv/recipe.toml").read_text().replace("seed = 0", "seed = 9"))
    kept = (home / "mine/recipe.toml").read_text()
    assert "another recipe is there already" in casnet("crossval", "folder", "--run", "mine", *SHORT, code=2)
    assert (home / "mine/recipe.toml").read_text() == kept
    many = tiny_settings("training.batch_size=400")
    assert "fewer than training.batch_size" in casnet("crossval", "folder", "--run", "runs/new", *many, code=2)
    assert "--max-time soon" in casnet("crossval", "folder", "--run", "runs/new", "--max-time", "soon", code=2)
    assert "--folds 9" in casnet("crossval", "folder", "--run", "runs/new", "--folds", "9", code=2)
    assert not (home / "runs/new").exists() and [run.name for run in (home / "runs").iterdir()] == ["cv"]
    (home / "runs/broken").mkdir()
    (home / "runs/broken/summary.json").write_text("{}")
    assert "mean ± spread of 2" in casnet("crossval", "--resume")


def test_a_fold_that_another_process_trains_is_left_to_it(home: Path) -> None:
    shutil.rmtree(home / "runs/cv/fold-2")
    held = RunFolder(home / "runs/cv/fold-2").lock()
    shown = casnet("crossval", "--resume")
    held.close()
    assert "mean ± spread of 1" in shown and not (home / "runs/cv/fold-2/checkpoints").exists()


def test_no_time_left_tells_how_to_go_on(home: Path) -> None:
    shutil.rmtree(home / "runs/cv/fold-2/eval")
    done = CliRunner().invoke(app, ["crossval", "--resume", "--max-time", "0.00001"])
    assert done.exit_code == 130 and "casnet crossval --run runs/cv --resume" in done.stderr.replace("\n", " ")
    assert not (home / "runs/cv/fold-2/eval/test/metrics.json").exists()
    (home / "runs/cv/fold-2/checkpoints/last.h5").unlink()
    casnet("crossval", "--resume")
    assert len((home / "runs/cv/fold-2/history.csv").read_text().splitlines()) == 2, "not trained a second time"
