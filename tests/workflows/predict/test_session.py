"""`casnet predict` on the command line, and `load` from Python, with a tiny network that has learnt a little."""

import csv
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.cli import BEST, at_home, casnet, start, stderr_of
from helpers.datasets import LABELS
from PIL import Image
from typer.testing import CliRunner

from casnet_cli import load
from casnet_cli.cli import app
from casnet_cli.errors import InputError, RunError
from casnet_cli.workflows.predict import session
from casnet_cli.workflows.predict.options import PredictOptions

NAMES = LABELS.names
TABLE = """
void = {ids = [0]}
[[class]]
name = "blue"
ids = [700]
[[class]]
name = "red"
ids = [7]
[[class]]
name = "green"
ids = [70]
"""


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def shares(masks: list[np.ndarray]) -> dict[str, float]:
    """Counted here, of each class in all pixels of the masks."""
    pixels = np.concatenate([mask.ravel() for mask in masks])
    return {name: float((pixels == index).mean()) for index, name in enumerate(NAMES)}


# What a call writes


def test_every_further_file_and_the_summaries_of_folders(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / os.fsdecode(b"bro\xffken")
    broken.mkdir()
    (broken / "text.jpg").write_text("no picture")
    below = round(np.mean([record["confidence_mean"] for record in lines(home / "predictions")]), 3)
    out, json_file = tmp_path / "out", tmp_path / "summary.json"
    options = ["--reject-below", below, "--mask-values", "ids", "--json", json_file]
    further = [word for name in ("confidence", "probabilities", "geojson", "coco") for word in ("--save", name)]
    shown = casnet("predict", "photos", broken, "--out", out, *options, *further, code=1)
    assert f"{out}: 6 labelled, 1 failed" in shown
    masks = {seed: opened(out / f"{'sub/' * (seed % 2)}{seed}.png") for seed in range(6)}
    for seed, mask in masks.items():
        stem = out / f"{'sub/' * (seed % 2)}{seed}"
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1, 2, 255}
        confidence = opened(Path(f"{stem}.confidence.png")) / 255
        assert (confidence[mask == 255] <= below + 0.002).all() and (confidence[mask != 255] >= below - 0.002).all()
        probabilities = np.load(f"{stem}.probabilities.npz")["probabilities"].astype(np.float32)
        chosen = np.take_along_axis(probabilities, np.where(mask == 255, 0, mask)[..., None], -1)[..., 0]
        assert (chosen >= probabilities.max(-1) - 1e-3)[mask != 255].all()
        areas = [feature["properties"] for feature in json.loads(Path(f"{stem}.geojson").read_text())["features"]]
        assert sum(area["pixels"] for area in areas) == (mask != 255).sum()
    coco = json.loads((out / "annotations.coco.json").read_text())
    ids = {image["file_name"]: image["id"] for image in coco["images"]}
    assert sorted(ids) == sorted(f"{'sub/' * (seed % 2)}{seed}.png" for seed in masks)
    assert sum(one["area"] for one in coco["annotations"]) == sum((mask != 255).sum() for mask in masks.values())
    assert 0.1 < np.mean([(mask == 255).mean() for mask in masks.values()]) < 0.9
    folders = {"photos": [0, 2, 4], "photos/sub": [1, 3, 5]}
    summary, records = json.loads(json_file.read_text()), lines(out)
    assert {key: summary[key] for key in ("labelled", "before", "failed")} == {"labelled": 6, "before": 0, "failed": 1}
    rows = {row["folder"]: row for row in csv.DictReader((out / "summary.csv").read_text().splitlines())}
    escaped = str(broken).encode("utf-8", "backslashreplace").decode()
    assert list(rows) == sorted([*folders, escaped]) and sorted(summary["folders"]) == sorted([*folders, str(broken)])
    assert (rows[escaped]["images"], rows[escaped]["failed"], rows[escaped]["red"]) == ("0", "1", "")
    for name, seeds in folders.items():
        own, row = summary["folders"][name], rows[name]
        assert (own["images"], own["failed"], row["images"], row["failed"]) == (3, 0, "3", "0")
        counted = shares([masks[seed] for seed in seeds])
        assert {key: own["classes"].get(key, 0.0) for key in NAMES} == pytest.approx(counted, abs=1e-5)
        assert {key: float(row[key]) for key in NAMES} == pytest.approx(counted, abs=1e-5)
        grey = [opened(out / f"{'sub/' * (seed % 2)}{seed}.difficulty.png").mean() / 255 for seed in seeds]
        assert own["difficulty_mean"] == pytest.approx(np.mean(grey), abs=2e-3)
        assert float(row["difficulty_mean"]) == own["difficulty_mean"]
    rejected = {record["file"]: record["rejected"] for record in records if record["status"] == "ok"}
    assert rejected["photos/2.png"] == pytest.approx((masks[2] == 255).mean(), abs=1e-5)


def test_values_of_masks_from_a_table_and_the_summary_on_stdout(home: Path, tmp_path: Path) -> None:
    (tmp_path / "table.toml").write_text(TABLE)
    words = ["photos/0.png", "photos/sub/1.png", "--mask-values", tmp_path / "table.toml", "--no-overlay"]
    summary = json.loads(casnet("predict", *words, "--out", tmp_path / "out", "--json", "-", "--quiet"))
    assert summary["labelled"] == 2 and sorted(summary["folders"]) == ["photos", "photos/sub"]
    assert not list((tmp_path / "out").glob("*.jpg"))
    for seed, name in ((0, "0.png"), (1, "sub/1.png")):
        usual, ours = opened(home / "predictions" / name), opened(tmp_path / "out" / f"{seed}.png")
        np.testing.assert_array_equal(ours, np.array([7, 70, 700])[usual])


def test_the_coarse_branch_alone_where_all_is_easy(home: Path, tmp_path: Path) -> None:
    from casnet_cli.inference.keras_predictor import KerasPredictor
    from casnet_cli.inference.outputs import BRANCHES
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.runs.checkpoint import load_model

    run = tmp_path / "own.h5"
    run.write_bytes((home / BEST).read_bytes())
    with h5py.File(run, "r+") as file:  # so that the branches differ, however little the network has learnt
        file["model/fine_logits/bias"][0] += 5
        del file.attrs["content_sha256"]
    shown = stderr_of("predict", "photos/0.png", "--run", run, "--fine", "auto", "--out", tmp_path / "out")
    assert "own.h5: written by an earlier casnet, without a digest, so that damage cannot be seen" in shown
    # easy below 1: all
    outputs = KerasPredictor(load_model(run)[0], InferenceSettings(), BRANCHES).predict(opened(home / "photos/0.png"))
    np.testing.assert_array_equal(opened(tmp_path / "out/0.png"), outputs["coarse"])
    assert (outputs["coarse"] != outputs["mask"]).any()


def test_an_image_from_stdin(home: Path, tmp_path: Path) -> None:
    def call(content: bytes) -> int:
        words = ["predict", "-", "--out", str(tmp_path / "out")]
        return CliRunner().invoke(app, words, input=content).exit_code

    assert call((home / "photos/0.png").read_bytes()) == 0
    np.testing.assert_array_equal(opened(tmp_path / "out/stdin.png"), opened(home / "predictions/0.png"))
    assert call(b"no picture") == 1
    assert [(line["file"], line["status"]) for line in lines(tmp_path / "out")] == [("-", "ok"), ("-", "failed")]


def test_stdin_that_is_closed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert session.predict([Path("-")], None, PredictOptions(tmp_path / "out")) == 1
    assert lines(tmp_path / "out")[0]["error"] == "standard input is closed"


def test_a_video(home: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    clips = tmp_path / "clips"
    clips.mkdir()
    with av.open(str(clips / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 48, 40, "yuv420p"
        for seed in range(4):
            picture = opened(home / "photos" / f"{'sub/' * (seed % 2)}{seed}.png")[:, :48]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
    (clips / "cut.mp4").write_bytes((clips / "clip.mp4").read_bytes()[:700])
    out = tmp_path / "out"
    casnet("predict", clips, "--out", out, "--save", "confidence", code=1)
    records = {Path(record["file"]).name: record for record in lines(out)}
    assert records["cut.mp4"]["status"] == "failed" and "not a readable video" in records["cut.mp4"]["error"]
    record = records["clip.mp4"]
    assert (record["frames"], record["width"], record["height"], record["mask"]) == (4, 48, 40, "clip")
    frames = {f"clip/{frame:06d}{end}" for frame in range(4) for end in (".png", ".difficulty.png", ".confidence.png")}
    files = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    assert files == frames | {"clip.overlay.mp4", "manifest.jsonl", "summary.csv"}
    counted = shares([opened(out / f"clip/{frame:06d}.png") for frame in range(4)])
    assert record["classes"] == pytest.approx({name: share for name, share in counted.items() if share}, abs=1e-5)


def test_an_interrupt_leaves_nothing_half(home: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(2000):
        (tmp_path / "many" / f"{number}.png").symlink_to(home / "photos/0.png")
    out = tmp_path / "out"
    with start("predict", tmp_path / "many", "--run", home / BEST, "--out", out, tiny=True) as process:
        while not (out / "manifest.jsonl").exists() or len(lines(out)) < 20:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate()[1]
    assert process.returncode == 130 and "Traceback" not in stderr
    records = lines(out)
    assert 20 <= len(records) < 2000 and all(record["status"] == "ok" for record in records)
    assert not list(out.rglob(".*"))
    for file in out.glob("*.*g"):
        with Image.open(file) as image:
            image.load()
    assert all((out / ending).exists() for record in records for ending in (record["mask"],))


# From Python


def test_the_same_outputs_from_python(home: Path) -> None:
    model = load("runs/blocks-001")
    assert model.labels.names == NAMES
    image = opened(home / "photos/sub/1.png")
    prediction = model.predict(image)
    np.testing.assert_array_equal(prediction.mask, opened(home / "predictions/sub/1.png"))
    np.testing.assert_allclose(
        prediction.difficulty * 255, opened(home / "predictions/sub/1.difficulty.png"), atol=0.51
    )
    assert prediction.probabilities.shape == (*image.shape[:2], 3)
    np.testing.assert_allclose(prediction.probabilities.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(prediction.probabilities.argmax(-1), prediction.mask)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(image).save(home / "turned.png", exif=turned)
    pictures = Image.fromarray(image), Image.fromarray(image).convert("RGBA")
    for other in (home / "photos/sub/1.png", "photos/sub/1.png", *pictures):
        np.testing.assert_array_equal(model.predict(other).mask, prediction.mask)  # type: ignore[arg-type]
    assert model.predict(home / "turned.png").mask.shape == prediction.mask.shape[::-1]
    for wrong in (image[..., 0], image.astype(np.float32), image[..., :2], image[:0], np.zeros((2, 3, 4), np.uint8)):
        with pytest.raises(InputError, match=r"\(\(H, W, 3\) uint8 RGB\)"):
            model.predict(wrong)
    for file in ("missing.png", "data", "runs/blocks-001/recipe.toml"):
        with pytest.raises(InputError, match=file):
            model.predict(file)
    with pytest.raises(RunError, match="no such run"):
        load("missing")
