"""What options of `casnet predict` make a call do, and what is wrong with them; nothing is predicted."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.cli import BEST, TINY, at_home, casnet, digest
from helpers.datasets import LABELS, FunctionPredictor, blocks

from casnet_cli import recipe as recipes
from casnet_cli.prediction import geotiff_format
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.runs import checkpoint
from casnet_cli.runs.checkpoint import Meta, amend
from casnet_cli.runs.progress import Progress
from casnet_cli.util.extras import install
from casnet_cli.workflows.engine import Engine
from casnet_cli.workflows.predict import engines, session

SELECTIVE = [[0.0, 1.0, 0.5], [0.4, 0.8, 0.7], [0.6, 0.4, 0.65], [0.8, 0.1, 0.9]]


def plain(image: np.ndarray) -> dict[str, np.ndarray]:
    mask = image.argmax(-1)
    return {"mask": mask, "difficulty": np.full(mask.shape, 0.5), "confidence": np.full(mask.shape, 0.75)}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/blocks-001 without weights, photos/ and photos/sub/ of three pictures each, and predictions/
    of them."""
    home = tmp_path_factory.mktemp("home")
    (home / BEST).parent.mkdir(parents=True)
    empty: Any = SimpleNamespace(weights=[], layers=[], named=dict)
    chosen = recipes.load(recipes.find("folder"), list(TINY))
    checkpoint.save(home / BEST, empty, empty, Meta(chosen, LABELS, "blocks", "0" * 64, None, Progress(1), {}))
    calibration = {"temperature": 0.5, "selective": SELECTIVE, "easy": {"below": 1.0}, "difficulty": [0.9] * 57}
    amend(home / BEST, calibration)
    (home / "photos" / "sub").mkdir(parents=True)
    for seed in range(6):
        (home / "photos" / f"{'sub/' * (seed % 2)}{seed}.png").write_bytes(blocks(seed).image)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        predict = lambda network, jobs, *into: list(predict_folder(FunctionPredictor(plain), jobs, *into))  # noqa: E731
        patch.setattr(Engine, "predictor", lambda *given: None)
        patch.setattr(session, "label", predict)
        casnet("predict", "photos")
    return home


@pytest.fixture
def home(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(labelled, monkeypatch)


@pytest.fixture
def labelled_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the inputs to label, in place of labelling them."""
    names: list[str] = []
    monkeypatch.setattr(Engine, "predictor", lambda *given: None)
    monkeypatch.setattr(session, "label", lambda network, jobs, *into: names.extend(job.file.name for job in jobs))
    return names


def words_alone(given: object) -> str:
    """Of a case its words name it, what is expected does not."""
    return " ".join(map(str, given)) if isinstance(given, tuple) else ""


# What a call does again

ALL = ["0.png", "2.png", "4.png", "1.png", "3.png", "5.png"]
REPEATED: list[tuple[tuple[object, ...], list[str]]] = [
    ((), []),
    (("--batch", 2), []),
    (("--reject-below", 0), []),
    (("--target-accuracy", 0.5), []),  # which needs no rejecting
    (("--mask-values", "palette"), []),
    (("--no-overlay",), []),
    (("--run", BEST), []),
    (("--no-resume",), ALL),
    (("--tile", 65), ALL),
    (("--fine", "auto"), ALL),
    (("--reject-below", 0.5), ALL),
    (("--target-accuracy", 0.7), ALL),
    (("--mask-values", "ids"), ALL),
    (("--save", "geojson"), ALL),
    (("--run", "other.h5"), ALL),
]


@pytest.mark.parametrize(("options", "expected"), REPEATED, ids=words_alone)
def test_what_changed_options_do_again(
    home: Path, labelled_names: list[str], options: tuple[object, ...], expected: list[str]
) -> None:
    (home / "other.h5").write_bytes((home / BEST).read_bytes())
    amend(home / "other.h5", {"temperature": 0.7})
    before = (home / "predictions/manifest.jsonl").read_bytes()
    shown = casnet("predict", "photos", *options)
    assert labelled_names == expected and ("6 were done before" in shown) == (not expected)
    assert (home / "predictions/manifest.jsonl").read_bytes() == before


def test_what_is_missing_or_changed_is_done_again(home: Path, tmp_path: Path, labelled_names: list[str]) -> None:
    shutil.copytree(home / "photos", tmp_path / "photos", copy_function=shutil.copy2)
    os.chdir(tmp_path)
    words = ["predict", "photos", "--run", home / BEST, "--out", "out"]
    shutil.copytree(home / "predictions", tmp_path / "out")
    casnet(*words)
    assert labelled_names == []
    (tmp_path / "out/sub/3.overlay.jpg").unlink()
    os.utime(tmp_path / "photos/2.png")
    casnet(*words)
    assert labelled_names == ["2.png", "3.png"]


def test_shares_of_the_work_and_their_summaries(home: Path, tmp_path: Path, labelled_names: list[str]) -> None:
    out = tmp_path / "out"
    for number in (1, 2):
        casnet("predict", "photos", "--out", out, "--shard", f"{number}/2")
    assert sorted(labelled_names) == sorted(ALL)
    endings = "-1-of-2", "-2-of-2"
    names = {f"manifest{ending}.jsonl" for ending in endings} | {f"summary{ending}.csv" for ending in endings}
    assert {file.name for file in out.iterdir()} == names


def test_a_warning_where_images_are_harder_than_those_of_validation(home: Path, labelled_names: list[str]) -> None:
    (home / "easy.h5").write_bytes((home / BEST).read_bytes())
    amend(home / "easy.h5", {"difficulty": [0.01] * 57})
    summaries = [json.loads(casnet("predict", "photos", "--run", run, "--json", "-")) for run in (BEST, "easy.h5")]
    assert summaries[0]["warning"] is None
    assert "harder than the run's validation images: mean difficulty 0." in summaries[1]["warning"]
    assert "higher in 100.0 % of pairs (4.0 sigma)" in summaries[1]["warning"]


# Mistakes


MISTAKES: list[tuple[tuple[object, ...], str]] = [
    (("missing",), "missing: no such file or folder"),
    (("notes.txt",), "notes.txt: neither image nor video by its ending"),
    (("bare",), "bare: no image in it (one of .apng"),
    (("missing.jpg",), "missing.jpg: no such file"),
    (("photos/0.png/x.png",), "photos/0.png/x.png: no such file"),
    (("photos", "--run", "missing"), "missing: no such run"),
    (("photos", "--run", "notes.txt"), "notes.txt: not a readable HDF5 file"),
    (("photos", "--tile", 64), "invalid value for '--tile'"),
    (("photos", "--tile", "x"), "invalid value for '--tile'"),
    (("photos", "--batch", 0), "invalid value for '--batch'"),
    (("photos", "--batch", 1025), "invalid value for '--batch'"),
    (("photos", "--shard", "0/2"), "0/2: no share (I/N with I from 1 to N, such as 1/8)"),
    (("photos", "--shard", "3/2"), "3/2: no share"),
    (("photos", "--shard", "1/0"), "1/0: no share"),
    (("photos", "--shard", "2"), "2: no share"),
    (("photos", "--shard", "1/2/3"), "1/2/3: no share"),
    (("photos", "--shard", "1/2\n"), "no share"),
    (("photos", "--shard", "٣/٤"), "no share"),
    (("photos", "--reject-below", 1.5), "invalid value for '--reject-below'"),
    (("photos", "--reject-below", -0.1), "invalid value for '--reject-below'"),
    (("photos", "--reject-below", "nan"), "invalid value for '--reject-below'"),
    (("photos", "--target-accuracy", "nan"), "invalid value for '--target-accuracy'"),
    (
        ("photos", "--target-accuracy", 0.95),
        "no confidence promises it (on the validation images at most 0.9000)",
    ),
    (("photos", "--target-accuracy", 0.5, "--reject-below", 0.5), "both given (one of the two)"),
    (("photos", "--target-accuracy", 0.5, "--run", "bare.h5"), "casnet train --run RUN --resume adds it"),
    (("photos", "--fine", "auto", "--run", "bare.h5"), "bare.h5: holds no threshold for --fine auto"),
    (("photos", "--fine", "never"), "'never' is not one of 'auto', 'always'"),
    (("photos", "--save", "coco", "--simplify", "2"), "--simplify: only with --save geojson, labelme, label-studio"),
    (("photos", "--save", "geojson", "--simplify", "nan"), "'--simplify'"),
    (("photos", "--save", "geojson", "--simplify", "-1"), "greater than or equal to 0"),
    (("photos", "--save", "pdf"), "'pdf' is not one of 'confidence', 'probabilities', 'geojson', 'labelme'"),
    (("photos", "--geojson", "crs"), "--geojson: only with --save geojson"),
    (("photos", "--save", "geojson", "--geojson", "map"), "'map' is not one of 'pixels', 'crs'"),
    (("photos", "--mask-values", "missing.toml"), "missing.toml: no such file of mask values"),
    (("photos", "--mask-values", "photos"), "photos: "),
    (("photos", "--mask-values", "notes.txt"), "notes.txt: "),
    (("photos", "--mask-values", "less.toml"), "less.toml: lacks classes 'green', 'blue'"),
    (("photos", "--out", "photos"), "photos: is also the output folder"),
    (("photos/0.png", "--out", "photos"), "photos/0.png: would be written over"),
    (("photos", "--out", "notes.txt"), "notes.txt: cannot be written: File exists"),
    (("photos", "--out", "notes.txt/x"), "notes.txt/x: cannot be written: Not a directory"),
    (("photos", "--out", "taken"), "taken/manifest.jsonl: cannot be written: Is a directory"),
    (("photos", "--out", "loop"), "loop: cannot be written"),
    (("photos", "--json", "none/summary.json"), "none/summary.json: cannot be written: no such folder"),
    (("photos", "--json", "bare"), "bare: cannot be written: Is a directory"),
    (("photos", "--json", "photos/0.png"), "photos/0.png: is an input or a file of predictions"),
    (("photos", "--json", "predictions/manifest.jsonl"), "choose another --json"),
    (("photos", "--json", "predictions/../predictions/summary.csv"), "choose another --json"),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=words_alone)
def test_mistakes_get_one_line_exit_2_and_no_output(
    home: Path, labelled_names: list[str], words: tuple[object, ...], expected: str
) -> None:
    (home / "notes.txt").write_text("no picture")
    (home / "bare").mkdir(exist_ok=True)
    (home / "taken/manifest.jsonl").mkdir(parents=True, exist_ok=True)
    if not (home / "loop").is_symlink():
        (home / "loop").symlink_to("loop")
    (home / "less.toml").write_text('[[class]]\nname = "red"\nids = [0]\n')
    (home / "bare.h5").write_bytes((home / BEST).read_bytes())
    amend(home / "bare.h5", {})
    before = digest(home / "predictions")
    stderr = casnet("predict", *words, code=2)
    assert stderr.startswith("error: ") and stderr.count("\n") == 1 and expected in stderr
    assert labelled_names == [] and digest(home / "predictions") == before


def test_geotiffs_need_rasterio(home: Path, labelled_names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geotiff_format, "available", lambda: False)
    stderr = casnet("predict", "photos", "--save", "geotiff", code=2)
    assert stderr == f"error: --save geotiff: GeoTIFFs need rasterio ({install('geo')})\n"
    assert labelled_names == []


def test_a_file_that_cannot_be_read_is_a_failure_and_no_mistake(
    home: Path, tmp_path: Path, labelled_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *given, **named: False)
    casnet("predict", "photos/0.png", "photos/2.png", "--out", tmp_path / "out")
    assert labelled_names == ["0.png", "2.png"]


def test_an_exported_file_may_lie_anywhere() -> None:
    for file in ("/model.onnx", "/models/model.onnx", "/a/export/onnx-float32/model.onnx"):
        engines._note_if_outdated(Path(file), None)  # type: ignore[arg-type]  # no run around it
