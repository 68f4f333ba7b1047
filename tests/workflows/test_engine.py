"""Prediction takes the faster engine by itself: files for ONNX Runtime beside a run, written once, proved and timed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import TESTS, at_home, casnet, stderr_of
from helpers.networks import picture
from PIL import Image

from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.progress import Progress
from casnet_cli.runs.trained import open_run
from casnet_cli.workflows.engine import VARIABLE, fastest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")
pytest.importorskip("tf2onnx", reason="needs tf2onnx (pip install tf2onnx)")

RUN, WRITING = "runs/blocks-001", "writing the network for ONNX Runtime"
RECORD = f"{RUN}/engine/engine.json"
WITHOUT_KERAS = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from helpers import tiny_backbone
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from casnet_cli.cli import main
sys.argv = ["casnet", *sys.argv[1:]]
with tiny_backbone.named():
    main()
"""


@pytest.fixture(scope="module")
def with_engine(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained run, whose files the end of its training wrote, and four pictures."""
    home = tmp_path_factory.mktemp("engine")
    shutil.copytree(trained, home, dirs_exist_ok=True)
    (home / "pictures").mkdir()
    for seed in range(4):
        Image.fromarray(picture(60 + 7 * seed, 80, seed)).save(home / f"pictures/{seed}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.delenv(VARIABLE, raising=False)
        assert WRITING in stderr_of("train", "--run", RUN, "--resume")
    return home


@pytest.fixture
def home(with_engine: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv(VARIABLE, raising=False)
    kept = (with_engine / RECORD).read_bytes()
    yield from at_home(with_engine, monkeypatch)
    (with_engine / RECORD).write_bytes(kept)


def make_faster(home: Path, onnx: bool) -> None:
    """Let the record say which engine was faster: what a tiny network takes is chance."""
    content = json.loads((home / RECORD).read_text())
    content["proof"] |= {"seconds_per_image": 1.0, "keras_seconds_per_image": 2.0 if onnx else 0.5}
    (home / RECORD).write_text(json.dumps(content))


def engines_in(folder: Path) -> set[str]:
    return {json.loads(line)["engine"] for line in (folder / "manifest.jsonl").read_text().splitlines()}


def flat(values: object, name: str = "") -> dict[str, object]:
    """The numbers of a parsed JSON, by their paths."""
    if isinstance(values, dict | list):
        items = values.items() if isinstance(values, dict) else enumerate(values)
        return {key: x for place, value in items for key, x in flat(value, f"{name}/{place}").items()}
    return {name: values} if isinstance(values, float) else {}


def mask(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_the_record_holds_the_proof(home: Path) -> None:
    content = json.loads((home / RECORD).read_text())
    assert content["proof"]["within_limits"] and content["proof"]["pixels_equal"] > 0.999
    assert content["proof"]["difficulty_farthest"] < 1e-4 and content["proof"]["images"] >= 1
    names = {file.name for file in (home / RUN / "engine").iterdir()}
    assert names == {*content["files"], "engine.json"} and "network.onnx" in names
    assert not list((home / RUN).glob("*.part*"))


def test_predict_takes_what_was_faster_and_writes_nothing_twice(home: Path, tmp_path: Path) -> None:
    for onnx, name in ((True, "onnx"), (False, "keras")):
        make_faster(home, onnx)
        shown = stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path / name)
        assert f"engine {name}" in shown and WRITING not in shown
        assert engines_in(tmp_path / name) == {name}
    for seed in range(4):
        np.testing.assert_array_equal(mask(tmp_path / f"onnx/{seed}.png"), mask(tmp_path / f"keras/{seed}.png"))


def test_another_engine_redoes_nothing(home: Path, tmp_path: Path) -> None:
    make_faster(home, onnx=True)
    stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path)
    assert "labelling 0 of 4" in stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path, "--engine", "keras")
    assert engines_in(tmp_path) == {"onnx"}


@pytest.mark.parametrize("option", [("--tile", "65"), ("--save", "probabilities"), ("--overlay",)], ids=" ".join)
def test_options_of_predict_work_with_it(home: Path, tmp_path: Path, option: tuple[str, ...]) -> None:
    make_faster(home, onnx=True)
    casnet("predict", "pictures", "--run", RUN, "--out", tmp_path / "onnx", *option)
    casnet("predict", "pictures", "--run", RUN, "--out", tmp_path / "keras", "--engine", "keras", *option)
    assert engines_in(tmp_path / "onnx") == {"onnx"}
    for file in (tmp_path / "keras").glob("*.png"):
        difference = mask(file).astype(int) - mask(tmp_path / "onnx" / file.name)
        assert np.abs(difference).max() <= (0 if file.stem.isdigit() else 1), file.name  # maps are rounded to bytes


def test_eval_gives_the_figures_of_keras(home: Path, tmp_path: Path) -> None:
    make_faster(home, onnx=True)
    found = []
    for engine in ("auto", "keras"):
        casnet("eval", "--run", RUN, "--split", "train", "--engine", engine, "--out", tmp_path / engine)
        found.append(json.loads((tmp_path / engine / "metrics.json").read_text()))
    assert [each["engine"] for each in found] == ["onnx", "keras"]
    assert found[0]["per_class"] == found[1]["per_class"] and found[0]["branches"] == found[1]["branches"]
    for each in found:
        for key in ("engine", "seconds", "images_per_second"):
            del each[key]
    assert flat(found[0]) == pytest.approx(flat(found[1]), abs=1e-5)


def test_rank_scores_as_keras_does(home: Path, tmp_path: Path) -> None:
    make_faster(home, onnx=True)
    lines = []
    for engine in ("auto", "keras"):
        casnet("rank", "pictures", "--run", RUN, "--engine", engine, "--out", tmp_path / f"{engine}.csv")
        lines.append([row.split(",")[:5] for row in (tmp_path / f"{engine}.csv").read_text().splitlines()])
    assert lines[0] == lines[1] and engines_in(tmp_path / "auto") == {"onnx"}


def test_neither_keras_nor_tensorflow_is_imported(home: Path, tmp_path: Path) -> None:
    make_faster(home, onnx=True)
    words = ["predict", "pictures", "--run", RUN, "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", WITHOUT_KERAS, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert engines_in(tmp_path) == {"onnx"}


def test_what_is_not_as_it_was_written_is_not_taken(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_faster(home, onnx=True)
    monkeypatch.setattr("casnet_cli.workflows.engine._can_write", lambda: False)
    file = home / RUN / "engine/network.onnx"
    content = file.read_bytes()
    unnamed = json.loads((home / RECORD).read_text()) | {"files": {}}
    damages = (
        (file, content[:-9] + b"?" + content[-8:]),
        (home / RECORD, b"{}"),
        (home / RECORD, json.dumps(unnamed).encode()),
    )
    for number, (place, damaged) in enumerate(damages):
        before = place.read_bytes()
        place.write_bytes(damaged)
        assert "engine keras" in stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path / f"{number}")
        place.write_bytes(before)
    assert "engine onnx" in stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path / "whole")


def test_nothing_is_written_while_a_training_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / RECORD).unlink()
    written: list[object] = []
    monkeypatch.setattr("casnet_cli.workflows.engine.write", written.append)
    run = open_run(Path(RUN))
    assert fastest(run, 9).name == "keras" and len(written) == 1
    unfinished = replace(read_meta(home / RUN / "checkpoints/last.h5"), progress=Progress(step=1))
    monkeypatch.setattr("casnet_cli.runs.checkpoint.read_meta", lambda path: unfinished)
    assert fastest(run, 9).name == "keras" and len(written) == 1


def test_where_it_cannot_be_written_keras_predicts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("casnet_cli.export.engine.write", full)
    (home / RECORD).unlink()
    shown = stderr_of("predict", "pictures", "--run", RUN, "--out", tmp_path / "full")
    assert "engine: cannot be written: No space left on device (Keras predicts)" in shown and "engine keras" in shown
    shown = stderr_of("predict", "pictures/0.png", "--run", RUN, "--out", tmp_path / "one")
    assert WRITING not in shown, "one picture is no reason to write"
