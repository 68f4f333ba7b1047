"""`casnet predict` on the command line, and `load` from Python, with a tiny network that has learnt a little."""

import csv
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import LABELS, blocks, write_blocks
from PIL import Image
from running import casnet, settings, start
from typer.testing import CliRunner

from casnet_cli import load
from casnet_cli.cli import app
from casnet_cli.commands import prediction_session
from casnet_cli.errors import InputError, RunError
from casnet_cli.training.checkpoint import amend

BEST = "runs/folder-001/checkpoints/best.h5"
NAMES = LABELS.names
SELECTIVE = [[0.0, 1.0, 0.5], [0.4, 0.8, 0.7], [0.6, 0.4, 0.65], [0.8, 0.1, 0.9]]
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


def digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return hashlib.sha256(b"".join(str(file).encode() + file.read_bytes() for file in files)).hexdigest()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/folder-001, photos/ and photos/sub/ of three pictures each, and predictions/ of them."""
    home = tmp_path_factory.mktemp("home")
    write_blocks(home / "data" / "blocks.h5", {"train": 12, "val": 1, "test": 1})
    (home / "photos" / "sub").mkdir(parents=True)
    for seed in range(6):
        (home / "photos" / f"{'sub/' * (seed % 2)}{seed}.png").write_bytes(blocks(seed, 48 + 9 * (seed % 2)).image)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        casnet("train", *settings("training.epochs=2", "evaluation.samples=0"))
        told = {"temperature": 0.5, "selective": SELECTIVE, "easy": {"below": 1.0}, "difficulty": [0.9] * 57}
        amend(home / BEST, told)
        casnet("predict", "photos")
    return home


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """That folder as the current one; whatever a test does, its inputs stay as they are."""
    monkeypatch.chdir(trained)
    before = digest(trained / "photos")
    yield trained
    assert digest(trained / "photos") == before


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was to be labelled, in place of labelling it."""
    names: list[str] = []
    monkeypatch.setattr(
        prediction_session, "_label", lambda chosen, jobs, *rest: names.extend(job.file.name for job in jobs)
    )
    return names


def words_alone(given: object) -> str:
    """Of a case its words name it, what is expected does not."""
    return " ".join(map(str, given)) if isinstance(given, tuple) else ""


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
    out, options = tmp_path / "out", ["--reject-below", 0.5, "--mask-values", "ids", "--json", tmp_path / "told.json"]
    further = [word for name in ("confidence", "probabilities", "geojson", "coco") for word in ("--save", name)]
    shown = casnet("predict", "photos", broken, "--out", out, *options, *further, code=1)
    assert f"{out}: 6 labelled, 1 failed" in shown
    masks = {seed: opened(out / f"{'sub/' * (seed % 2)}{seed}.png") for seed in range(6)}
    for seed, mask in masks.items():
        stem = out / f"{'sub/' * (seed % 2)}{seed}"
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1, 2, 255} and 255 in mask
        confidence = opened(Path(f"{stem}.confidence.png")).astype(int)
        assert (confidence[mask == 255] <= 128).all() and (confidence[mask != 255] >= 127).all()
        probabilities = np.load(f"{stem}.probabilities.npz")["probabilities"].astype(np.float32)
        chosen = np.take_along_axis(probabilities, np.where(mask == 255, 0, mask)[..., None], -1)[..., 0]
        assert (chosen >= probabilities.max(-1) - 1e-3)[mask != 255].all()
        areas = [feature["properties"] for feature in json.loads(Path(f"{stem}.geojson").read_text())["features"]]
        assert sum(area["pixels"] for area in areas) == (mask != 255).sum()
        assert json.loads(Path(f"{stem}.coco.json").read_text())["image"]["file_name"] == f"{seed}.png"
    folders = {"photos": [0, 2, 4], "photos/sub": [1, 3, 5]}
    told, records = json.loads((tmp_path / "told.json").read_text()), lines(out)
    assert {key: told[key] for key in ("labelled", "before", "failed")} == {"labelled": 6, "before": 0, "failed": 1}
    rows = {row["folder"]: row for row in csv.DictReader((out / "summary.csv").read_text().splitlines())}
    escaped = str(broken).encode("utf-8", "backslashreplace").decode()
    assert list(rows) == sorted([*folders, escaped]) and sorted(told["folders"]) == sorted([*folders, str(broken)])
    assert (rows[escaped]["images"], rows[escaped]["failed"], rows[escaped]["red"]) == ("0", "1", "")
    for name, seeds in folders.items():
        own, row = told["folders"][name], rows[name]
        assert (own["images"], own["failed"], row["images"], row["failed"]) == (3, 0, "3", "0")
        counted = shares([masks[seed] for seed in seeds])
        assert {key: own["classes"].get(key, 0.0) for key in NAMES} == pytest.approx(counted, abs=1e-5)
        assert {key: float(row[key]) for key in NAMES} == pytest.approx(counted, abs=1e-5)
        grey = [opened(out / f"{'sub/' * (seed % 2)}{seed}.difficulty.png").mean() / 255 for seed in seeds]
        assert own["difficulty_mean"] == pytest.approx(np.mean(grey), abs=2e-3)
        assert float(row["difficulty_mean"]) == own["difficulty_mean"]
    rejected = {record["file"]: record["rejected"] for record in records if record["status"] == "ok"}
    assert rejected["photos/2.png"] == pytest.approx((masks[2] == 255).mean(), abs=1e-5)


def test_values_of_masks_from_a_table_and_the_answer_on_stdout(home: Path, tmp_path: Path) -> None:
    (tmp_path / "table.toml").write_text(TABLE)
    words = ["photos/0.png", "photos/sub/1.png", "--mask-values", tmp_path / "table.toml", "--no-overlay"]
    told = json.loads(casnet("predict", *words, "--out", tmp_path / "out", "--json", "-", "--quiet"))
    assert told["labelled"] == 2 and sorted(told["folders"]) == ["photos", "photos/sub"]
    assert not list((tmp_path / "out").glob("*.jpg"))
    for seed, name in ((0, "0.png"), (1, "sub/1.png")):
        usual, ours = opened(home / "predictions" / name), opened(tmp_path / "out" / f"{seed}.png")
        np.testing.assert_array_equal(ours, np.array([7, 70, 700])[usual])


def test_the_coarse_answer_alone_where_all_is_easy(home: Path, tmp_path: Path) -> None:
    from casnet_cli.model.answers import Network, Protocol
    from casnet_cli.model.reading import branch_answers
    from casnet_cli.training.checkpoint import load_model

    casnet("predict", "photos/0.png", "--fine", "auto", "--out", tmp_path / "out")  # easy below 1: everything
    said = Network(load_model(home / BEST)[0], Protocol(), branch_answers)(opened(home / "photos/0.png"))
    np.testing.assert_array_equal(opened(tmp_path / "out/0.png"), said["coarse"])
    assert (said["coarse"] != said["mask"]).any()


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
    assert prediction_session.predict([Path("-")], None, prediction_session.Wanted(tmp_path / "out")) == 1
    assert lines(tmp_path / "out")[0]["error"] == "standard input is closed"


def test_a_video(home: Path, tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    clips = tmp_path / "clips"
    clips.mkdir()
    with av.open(str(clips / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 48, 40, "yuv420p"
        for seed in range(4):
            picture = np.asarray(Image.open(home / "photos" / f"{'sub/' * (seed % 2)}{seed}.png"))[:, :48]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
    (clips / "cut.mp4").write_bytes((clips / "clip.mp4").read_bytes()[:700])
    out, stub = tmp_path / "out", prediction_session._label
    monkeypatch.undo()
    monkeypatch.chdir(home)
    casnet("predict", clips, "--out", out, "--save", "confidence", code=1)
    records = {Path(record["file"]).name: record for record in lines(out)}
    assert records["cut.mp4"]["status"] == "failed" and "not a readable video" in records["cut.mp4"]["error"]
    record = records["clip.mp4"]
    assert (record["frames"], record["width"], record["height"], record["mask"]) == (4, 48, 40, "clip")
    frames = {f"clip/{frame:06d}{end}" for frame in range(4) for end in (".png", ".difficulty.png", ".confidence.png")}
    files = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    assert files == frames | {"clip.overlay.mp4", "manifest.jsonl", "summary.csv"}
    assert record["classes"] == pytest.approx(
        {name: share for name, share in shares([opened(out / f"clip/{k:06d}.png") for k in range(4)]).items() if share},
        abs=1e-5,
    )
    monkeypatch.setattr(prediction_session, "_label", stub)
    casnet("predict", clips, "--out", out, "--save", "confidence", code=1)
    assert asked == ["cut.mp4"]
    (out / "clip/000002.confidence.png").unlink()
    casnet("predict", clips, "--out", out, "--save", "confidence", code=1)
    assert asked[1:] == ["clip.mp4", "cut.mp4"]


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
    home: Path, asked: list[str], options: tuple[object, ...], expected: list[str]
) -> None:
    (home / "other.h5").write_bytes((home / BEST).read_bytes())
    amend(home / "other.h5", {"temperature": 0.7})
    before = (home / "predictions/manifest.jsonl").read_bytes()
    shown = casnet("predict", "photos", *options)
    assert asked == expected and f"{6 - len(expected)} were done before" in shown or len(expected) == 6
    assert (home / "predictions/manifest.jsonl").read_bytes() == before


def test_what_is_missing_or_changed_is_done_again(home: Path, tmp_path: Path, asked: list[str]) -> None:
    shutil.copytree(home / "photos", tmp_path / "photos", copy_function=shutil.copy2)
    os.chdir(tmp_path)
    words = ["predict", "photos", "--run", home / BEST, "--out", "out"]
    shutil.copytree(home / "predictions", tmp_path / "out")
    casnet(*words)
    assert asked == []
    (tmp_path / "out/sub/3.overlay.jpg").unlink()
    os.utime(tmp_path / "photos/2.png")
    casnet(*words)
    assert asked == ["2.png", "3.png"]


def test_shares_of_the_work_and_their_summaries(home: Path, tmp_path: Path, asked: list[str]) -> None:
    out = tmp_path / "out"
    for number in (1, 2):
        casnet("predict", "photos", "--out", out, "--shard", f"{number}/2")
    assert sorted(asked) == sorted(ALL)
    endings = "-1-of-2", "-2-of-2"
    names = {f"manifest{ending}.jsonl" for ending in endings} | {f"summary{ending}.csv" for ending in endings}
    assert {file.name for file in out.iterdir()} == names


def test_a_warning_where_images_are_harder_than_those_of_validation(home: Path, asked: list[str]) -> None:
    (home / "easy.h5").write_bytes((home / BEST).read_bytes())
    amend(home / "easy.h5", {"difficulty": [0.01] * 57})
    told = [json.loads(casnet("predict", "photos", "--run", run, "--json", "-")) for run in (BEST, "easy.h5")]
    assert told[0]["warning"] is None
    assert "harder than the run's validation images: mean difficulty 0." in told[1]["warning"]
    assert "higher in 100.0 % of pairs (4.0 sigma)" in told[1]["warning"]


# Mistakes


MISTAKES: list[tuple[tuple[object, ...], str]] = [
    (("missing",), "missing: no such file or folder"),
    (("notes.txt",), "notes.txt: neither image nor video by its ending"),
    (("bare",), "bare: no image in it (one of .bmp"),
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
    (("photos", "--save", "pdf"), "'pdf' is not one of 'confidence', 'probabilities', 'geojson', 'coco'"),
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
    (("photos", "--json", "none/told.json"), "none/told.json: cannot be written: no such folder"),
    (("photos", "--json", "bare"), "bare: cannot be written: Is a directory"),
    (("photos", "--json", "photos/0.png"), "photos/0.png: is an input or a file of predictions"),
    (("photos", "--json", "predictions/manifest.jsonl"), "choose another --json"),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=words_alone)
def test_mistakes_get_one_line_exit_2_and_no_output(
    home: Path, asked: list[str], words: tuple[object, ...], expected: str
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
    said = casnet("predict", *words, code=2)
    assert said.startswith("error: ") and said.count("\n") == 1 and expected in said
    assert asked == [] and digest(home / "predictions") == before


def test_an_interrupt_leaves_nothing_half(home: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(2000):
        (tmp_path / "many" / f"{number}.png").symlink_to(home / "photos/0.png")
    out = tmp_path / "out"
    with start("predict", tmp_path / "many", "--run", home / BEST, "--out", out) as process:
        while not (out / "manifest.jsonl").exists() or len(lines(out)) < 20:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130 and "Traceback" not in said
    records = lines(out)
    assert 20 <= len(records) < 2000 and all(record["status"] == "ok" for record in records)
    assert not list(out.rglob(".*"))
    for file in out.glob("*.*g"):
        with Image.open(file) as image:
            image.load()
    assert all((out / ending).exists() for record in records for ending in (record["mask"],))


# From Python


def test_the_same_answer_from_python(home: Path) -> None:
    model = load("runs/folder-001")
    assert model.labels.names == NAMES
    image = opened(home / "photos/sub/1.png")
    said = model.predict(image)
    np.testing.assert_array_equal(said.mask, opened(home / "predictions/sub/1.png"))
    np.testing.assert_allclose(said.difficulty * 255, opened(home / "predictions/sub/1.difficulty.png"), atol=0.51)
    assert said.probabilities.shape == (*image.shape[:2], 3)
    np.testing.assert_allclose(said.probabilities.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(said.probabilities.argmax(-1), said.mask)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(image).save(home / "turned.png", exif=turned)
    pictures = Image.fromarray(image), Image.fromarray(image).convert("RGBA")
    for other in (home / "photos/sub/1.png", "photos/sub/1.png", *pictures):
        np.testing.assert_array_equal(model.predict(other).mask, said.mask)  # type: ignore[arg-type]
    assert model.predict(home / "turned.png").mask.shape == said.mask.shape[::-1]
    for wrong in (image[..., 0], image.astype(np.float32), image[..., :2], image[:0], np.zeros((2, 3, 4), np.uint8)):
        with pytest.raises(InputError, match=r"\(\(H, W, 3\) uint8 RGB\)"):
            model.predict(wrong)
    for file in ("missing.png", "data", "runs/folder-001/recipe.toml"):
        with pytest.raises(InputError, match=file):
            model.predict(file)
    with pytest.raises(RunError, match="no such run"):
        load("missing")
