"""The whole path through the command line, on data that a tiny network learns in seconds.

The path itself runs as users run it; what lies beside it, where compiling takes most of the time, uncompiled.
"""

import csv
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import tiny_backbone
from helpers.cli import casnet, finish, settings, start, tiny_settings
from helpers.datasets import LABELS, blocks, write_blocks
from helpers.eager import functions_eager
from PIL import Image
from typer.testing import CliRunner

from casnet_cli.cli import app
from casnet_cli.data.store import Store
from casnet_cli.labels import LabelSet
from casnet_cli.runs.checkpoint import amend, read_meta

pytestmark = pytest.mark.usefixtures("tiny", "uncompiled")


@pytest.fixture(scope="module")
def trained(tiny: None, uncompiled: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/blocks.h5 and runs/blocks-001, trained with nothing but settings on the line."""
    home = tmp_path_factory.mktemp("home")
    write_blocks(home / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    with pytest.MonkeyPatch.context() as patch, functions_eager(False):
        patch.chdir(home)
        casnet("train", *tiny_settings("training.epochs=8"))
    return home


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def test_the_run_folder(home: Path) -> None:
    run = home / "runs" / "blocks-001"
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    fixed = {".lock", "recipe.toml", "run.json", "log.txt", "history.csv", "checkpoints/last.h5", "checkpoints/best.h5"}
    assert len([name for name in names if name.startswith("events.out.tfevents.")]) == 1
    names = {name for name in names if not name.startswith("events.out")}
    assert names == fixed | {"checkpoints/previous.h5"} | {f"samples/epoch-{k:04d}.jpg" for k in range(1, 9)}
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == list("12345678")
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    about = json.loads((run / "run.json").read_text())
    assert about["data"] == str(home / "data" / "blocks.h5") and len(about["data_sha256"]) == 64
    with h5py.File(run / "checkpoints" / "best.h5") as file:
        assert "model" in file and list(file.attrs["classes"]) == list(LABELS.names)


def test_eval_writes_what_it_promises_and_learns_the_blocks(home: Path, compiled_again: None) -> None:
    shown = casnet("eval", "--worst", 2)
    out = home / "runs" / "blocks-001" / "eval" / "test"
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["pixel_accuracy"] > 0.6 and metrics["images"] == 4
    confusion = np.array([row[1:] for row in csv.reader((out / "confusion.csv").read_text().splitlines())][1:], int)
    assert confusion.sum() == metrics["labelled_pixels"]
    assert np.trace(confusion) / confusion.sum() == pytest.approx(metrics["pixel_accuracy"])
    assert len(list(csv.DictReader((out / "per_image.csv").read_text().splitlines()))) == 4
    assert len(list((out / "pictures").glob("worst-*.png"))) == 2
    assert f"{100 * metrics['pixel_accuracy']:.1f}" in shown
    casnet("eval", "--split", "val", "--worst", 0)
    assert (out.parent / "val" / "metrics.json").exists()


def test_the_temperature_is_fitted_at_the_end_and_lies_in_the_best_checkpoint_alone(home: Path) -> None:
    files = home / "runs" / "blocks-001" / "checkpoints"
    best, last = (read_meta(files / f"{name}.h5") for name in ("best", "last"))
    assert best.calibration["images"] == 3 and last.calibration == {}
    record = json.loads((home / "runs/blocks-001/eval/test/metrics.json").read_text())["calibration"]
    temperature = best.temperature
    assert record["temperature"] == temperature and (record["ece_calibrated"] is None) == (temperature is None)


def test_a_finished_run_that_was_not_calibrated_is_on_resume_as_it_would_have_been(
    home: Path, compiled_again: None
) -> None:
    best = home / "runs" / "blocks-001" / "checkpoints" / "best.h5"
    before, calibration = best.read_bytes(), read_meta(best).calibration
    amend(best, {})
    casnet("train", "--run", "runs/blocks-001", "--resume")
    again = read_meta(best).calibration
    best.write_bytes(before)
    # Sums of float32 in several threads differ in their last bits from one call to the next. Only the thresholds show
    # it: they are probabilities of single pixels, cut off, not rounded, at six decimals.
    points, points_again = (each.pop("selective") for each in (calibration, again))  # type: ignore[misc]
    thresholds = [threshold for threshold, *_ in points]
    assert [threshold for threshold, *_ in points_again] == pytest.approx(thresholds, rel=0, abs=2e-6)
    assert [rest for _, *rest in points_again] == [rest for _, *rest in points]
    assert again == calibration


def test_eval_in_tiles_enlarged_and_with_predictions(home: Path, compiled_again: None) -> None:
    casnet("eval", "--tile", 33, "--scale", 1.5, "--tta", "flip", "--save-predictions", "--split", "val")
    out = home / "runs/blocks-001/eval/val-flip-scale-1.5-tile-33"
    record = json.loads((out / "metrics.json").read_text())
    assert (record["tta"], record["scale"], record["tile"]) == ("flip", 1.5, 33)
    lines = [json.loads(line) for line in (out / "predictions/manifest.jsonl").read_text().splitlines()]
    store, right, labelled = Store(home / "data/blocks.h5"), 0, 0
    lines.sort(key=lambda line: line["file"])  # images of one size are predicted together
    assert [line["file"] for line in lines] == store.names["val"] and all(line["status"] == "ok" for line in lines)
    for line, entry in zip(lines, store.entries()[12:15], strict=True):
        label = entry.load().label
        mask = np.asarray(Image.open(out / "predictions" / line["mask"]))
        right += ((mask == label) & (label != 255)).sum()
        labelled += (label != 255).sum()
    assert record["pixel_accuracy"] == pytest.approx(right / labelled) and record["labelled_pixels"] == labelled
    with h5py.File(home / "data/blocks.h5") as file:
        shutil.copy(home / "data/blocks.h5", home / "evil.h5")
        names = [name.decode() for name in file["val/name"][:]]
    with h5py.File(home / "evil.h5", "r+") as file:
        file["val/name"][:] = ["../../../../../escaped", *names[1:]]
        for split in file:
            del file[split]["digest"]
    output = casnet("eval", "--data", "evil.h5", "--split", "val", "--save-predictions", "--out", "evil", code=2)
    assert "a name that leads out of" in output and not list(home.rglob("escaped*"))
    for words in (("--tile", 8), ("--scale", 0), ("--scale", 99)):
        assert "error:" in casnet("eval", *words, code=2)


def test_predict_labels_a_folder_like_eval_does(home: Path, tmp_path: Path, compiled_again: None) -> None:
    for seed in (15, 16):
        (tmp_path / f"{seed}.png").write_bytes(blocks(seed, 57).image)
    casnet("predict", tmp_path, "--out", home / "p1")
    label = blocks(15, 57).label
    with Image.open(home / "p1" / "15.png") as image:
        mask = np.asarray(image)
    assert mask.shape == label.shape and (mask == label)[label != 255].mean() > 0.6
    (tmp_path / "broken.jpg").write_text("no picture")
    casnet("predict", tmp_path, "--out", home / "p1", "--no-overlay", code=1)
    lines = [json.loads(line) for line in (home / "p1" / "manifest.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines] == ["ok", "ok", "failed"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_other_back_ends_give_the_same_masks_and_metrics(home: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip(name)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.png").write_bytes(blocks(seed, 48, 40).image)
    casnet("predict", folder, "--out", tmp_path / "ours")
    finish("predict", folder, "--out", tmp_path / "theirs", tiny=True, KERAS_BACKEND=name)
    pairs = [
        [np.asarray(Image.open(tmp_path / side / f"{seed}.png")) for side in ("ours", "theirs")] for seed in range(4)
    ]
    assert np.mean([ours == theirs for ours, theirs in pairs]) >= 0.999
    casnet("eval", "--out", tmp_path / "eval-ours")
    finish("eval", "--out", tmp_path / "eval-theirs", tiny=True, KERAS_BACKEND=name)
    ours, theirs = (json.loads((tmp_path / f"eval-{side}/metrics.json").read_text()) for side in ("ours", "theirs"))
    assert theirs["pixel_accuracy"] == pytest.approx(ours["pixel_accuracy"], abs=1e-3)


def test_best_alone_is_enough(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = tmp_path / "alone.h5"
    alone.write_bytes((home / "runs" / "blocks-001" / "checkpoints" / "best.h5").read_bytes())
    (tmp_path / "picture.png").write_bytes(blocks(3).image)
    data = home / "data" / "blocks.h5"
    monkeypatch.chdir(tmp_path)
    casnet("predict", tmp_path / "picture.png", "--run", alone)
    for _ in range(2):  # over its own files
        casnet("eval", "--run", alone, "--data", data, "--out", tmp_path / "metrics")
    assert (tmp_path / "predictions" / "picture.png").exists() and (tmp_path / "metrics" / "metrics.json").exists()
    assert "name them by --data" in casnet("eval", "--run", alone, "--out", tmp_path / "x", code=2)
    assert "--out DIR" in casnet("eval", "--run", alone, "--data", data, code=2)


def test_an_interrupted_evaluation_leaves_no_empty_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    messages: list[str] = []
    monkeypatch.setattr("casnet_cli.inference.keras_predictor.KerasPredictor", interrupted)
    monkeypatch.setattr("casnet_cli.console.message", messages.append)
    casnet("eval", "--out", tmp_path / "metrics", code=130)
    assert list(tmp_path.iterdir()) == [] and messages[-1] == "interrupted"


def test_metrics_are_written_over_nothing_else(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name, content in (("report.html", "mine"), ("metrics.json", '{"mine": 1}')):
        (tmp_path / "mine" / name).write_text(content)
        output = casnet("eval", "--out", tmp_path / "mine", code=2).replace("\n", " ")
        assert "is there, and no evaluation wrote it" in output and (tmp_path / "mine" / name).read_text() == content


def test_a_finished_run_says_so_and_an_existing_one_is_not_overwritten(home: Path) -> None:
    casnet("train", "--resume", "--run", "runs/blocks-001")
    assert "holds a run already" in casnet("train", "--run", "runs/blocks-001", code=2)
    message = casnet("train", "demo", "--resume", "--run", "runs/blocks-001", "--data", "data/blocks.h5", code=2)
    assert "the recipe has changed" in message


@pytest.mark.slow
def test_stopping_and_resuming_gives_the_same_weights(home: Path, tmp_path: Path) -> None:
    """A real process, stopped by SIGINT in the middle of an epoch, against one that ran through."""
    options = [
        *settings("training.epochs=3", "training.deterministic=true", "evaluation.samples=0"),
        "--data",
        "data/blocks.h5",
    ]

    def weights(run: Path) -> dict[str, np.ndarray]:
        found = {}
        with h5py.File(run / "checkpoints" / "last.h5") as file:
            file.visititems(
                lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        return found

    through, stopped = tmp_path / "through", tmp_path / "stopped"
    finish("train", "folder", *options, "--run", through)
    with start("train", "folder", *options, "--run", stopped) as process:
        assert process.stderr
        for line in process.stderr:
            if "epoch 1:" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130 and f"casnet train --run {stopped} --resume" in rest
    finish("train", "--run", stopped, "--resume")
    ours, theirs = weights(stopped), weights(through)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


def test_data_of_other_classes_are_refused(home: Path, tmp_path: Path) -> None:
    other = LabelSet(("one", "two", "three"), LABELS.palette)
    write_blocks(tmp_path / "other.h5", {"test": 2}, labels=other)
    message = casnet("eval", "--data", tmp_path / "other.h5", code=2)
    assert "the run has 3: red, green, blue; the data 3: one, two, three" in message


def test_info_of_everything(home: Path) -> None:
    assert "12 images" in casnet("info", "data/blocks.h5")
    run = casnet("info", "runs/blocks-001")
    assert "tiny at stride 16" in run and f"parameters: backbone {tiny_backbone.PARAMETERS:,}, coarse " in run
    assert "best validation mean IoU: 0." in casnet("info", "runs/blocks-001/checkpoints/best.h5")
    recipe = casnet("info", "sift-flow")
    assert "augmentation.crop: 233" in recipe and "classes: 33 (those of sift-flow)" in recipe
    assert "parameters: backbone 2,998,304, coarse " in casnet("info", "sift-flow-lite")
    assert "parameters: backbone 23,587,712, " in recipe and "gmac at 233x233: backbone 21.78, " in recipe
    assert json.loads(casnet("info", "--json", "-"))["keras"]


def test_prepare_demo_and_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    casnet("prepare", "demo")
    assert len(Store(tmp_path / "data" / "demo.h5").labels) == 8
    assert "sift-flow-lite" in casnet("recipe", "list")
    assert casnet("recipe", "show", "demo").startswith("# ")
    casnet("recipe", "copy", "folder", "mine.toml")
    assert "exists already" in casnet("recipe", "copy", "folder", "mine.toml", code=2)


MISTAKES = [
    ("train", "--bogus", "no such option: --bogus"),
    ("bogus", "no such command 'bogus'"),
    ("train", "nonsense", "nonsense: no such recipe"),
    ("train", "demo", "--set", "training.epoch=1", "did you mean training.epochs?"),
    ("train", "demo", "data/demo.h5: not there"),
    ("train", "no prepared data set here"),
    ("train", "--data", "missing.h5", "missing.h5: no such prepared data set"),
    ("train", "--data", "text.h5", "text.h5: not a readable HDF5 file"),
    ("eval", "no run with a checkpoint here"),
    ("eval", "--run", "empty", "empty: this run has no checkpoint yet"),
    ("eval", "--run", "text.h5", "text.h5: not a readable HDF5 file"),
    ("eval", "--run", "missing", "missing: no such run"),
    ("eval", "--split", "all", "invalid value for '--split'"),
    ("predict", "missing argument"),
    ("predict", "empty", "no run with a checkpoint here"),
    ("prepare", "imagenet", "imagenet"),
    ("prepare", "camvid", "put camvid.zip or the folder camvid/ there"),
    ("prepare", "sift-flow", "--source", "text.h5", "text.h5"),
    ("info", "missing.h5", "missing.h5"),
    ("recipe", "show", "sift", "sift: no such recipe"),
    ("demo", "--set", "training.epoch=1", "did you mean training.epochs?"),
]


ONE_AFTER_ANOTHER = f"""
import contextlib, io, json, sys
from casnet_cli.cli import main
for case in {MISTAKES!r}:
    sys.argv, code, out, err = ["casnet", *case[:-1]], 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    engines = sorted({{"tensorflow", "keras", "grain"}} & set(sys.modules))
    print(json.dumps([code, out.getvalue(), err.getvalue(), engines]))
"""


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], list[str]]:
    """What each of them ends with, all in one process: exit code, stdout, stderr, and engines imported by then."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "empty").mkdir()
    (folder / "text.h5").write_text("hello")
    words = [sys.executable, "-c", ONE_AFTER_ANOTHER]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not list(folder.glob("runs/*")), done.stderr
    return dict(zip(MISTAKES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: " ".join(case[:-1]))
def test_mistakes_get_one_line_and_exit_2_without_the_engine(
    mistakes: dict[tuple[str, ...], list[str]], case: tuple[str, ...]
) -> None:
    code, shown, message, engines = mistakes[case]
    assert (code, shown, engines) == (2, "", [])
    assert message.startswith("error: ") and message.count("\n") == 1 and case[-1] in message


def test_a_mistake_ends_the_process_with_exit_code_2(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "casnet_cli", "eval"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: runs/: no run with a checkpoint here")


def test_a_reader_that_stops_is_no_failure(home: Path) -> None:
    words = f"{sys.executable} -m casnet_cli info data/blocks.h5 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_needs_no_engine_and_version_is_shown() -> None:
    for words in (["--help"], ["train", "--help"], ["--version"]):
        code = (
            f"import sys; sys.argv = ['casnet', *{words}]\n"
            "from casnet_cli.cli import main\n"
            "try: main()\n"
            "finally: print(sorted({'tensorflow', 'keras', 'h5py', 'numpy'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout.endswith("[]\n")


@pytest.mark.parametrize("words", [("--quiet", "eval", "--worst", "0"), ("eval", "--worst", "0", "-q")])
def test_quiet_before_and_behind_the_verb(home: Path, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and done.stderr == "" and "fused, per class" in done.stdout
    casnet("recipe", "list")  # and the next command is not quiet


def test_more_in_a_batch_than_there_are_images(home: Path) -> None:
    assert "12 training images, fewer than training.batch_size = 13" in casnet(
        "train", "--set", "training.batch_size=13", code=2
    )


@pytest.mark.parametrize("content", ["{bad", "[]", '{"data": 5}'])
def test_a_broken_run_json_is_one_line(home: Path, content: str, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(home / "runs" / "blocks-001", copy)
    (copy / "run.json").write_text(content)
    assert "run.json: damaged" in casnet("eval", "--run", copy, code=2)


@pytest.mark.parametrize("target", ["/nonexistent/x", ".", "/dev/full"])
def test_output_that_cannot_be_written(home: Path, target: str) -> None:
    assert f"{target}: cannot be written" in casnet("info", "data/blocks.h5", "--json", target, code=2)


def test_a_name_too_long(home: Path) -> None:
    assert "File name too long" in casnet("info", "a" * 300, code=2)


def test_an_unwritable_output_is_one_line(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("in the way")
    assert "cannot be written" in casnet("eval", "--out", target / "below", code=2)
    (tmp_path / "x.png").write_bytes(blocks(0).image)
    assert "cannot be written" in casnet("predict", tmp_path / "x.png", "--out", target / "below", code=2)
