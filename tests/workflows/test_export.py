"""`casnet export` on the command line, what it leaves, and `casnet predict` with what it wrote."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.checkpoints import seal
from helpers.cli import BEST, TESTS, at_home, casnet, finish, start, wait_for
from helpers.datasets import write_blocks
from helpers.networks import picture
from PIL import Image

from casnet_cli import load
from casnet_cli.export import runtime, verify
from casnet_cli.export.formats import FORMATS
from casnet_cli.runs.checkpoint import amend
from casnet_cli.workflows import export

RUN = "runs/blocks-001"
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "exporting.md"
BARE = f"""
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


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """The same with both formats that predict takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        assert "proved" in casnet("export", "--probabilities")
        assert "proved" in casnet("export", "--format", "litert", "--probabilities")
    return trained


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_export_records_its_proof(exported: Path, home: Path, name: str) -> None:
    folder = home / RUN / "export" / f"{name}-float32"
    record = json.loads((folder / "export.json").read_text())
    assert record["proved"] and record["proof"]["images"] == 1  # all validation images
    assert record["proof"]["pixels_equal"] >= 0.999 and abs(record["proof"]["pixel_accuracy_difference"]) < 0.001
    assert record["classes"] == ["red", "green", "blue"] and record["void"] == 255 and record["precision"] == "float32"
    assert set(record["outputs"]) == {"mask", "difficulty", "probabilities"}
    files = [file for file in folder.iterdir() if file.name != "export.json"]
    assert record["bytes"] == {file.name: file.stat().st_size for file in files}
    assert [each.name for each in folder.parent.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_predict_without_keras_and_tensorflow_writes_the_same(
    exported: Path, home: Path, tmp_path: Path, name: str
) -> None:
    words = ["predict", "photos", "--engine", name, "--out", str(tmp_path / "out"), "--save", "confidence"]
    done = subprocess.run([sys.executable, "-c", BARE, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    casnet("predict", "photos", "--out", tmp_path / "keras", "--save", "confidence")
    files = sorted(path.relative_to(tmp_path / "keras") for path in (tmp_path / "keras").rglob("*.*"))
    assert files == sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*"))
    for seed in range(6):
        stem = f"{'sub/' * (seed % 2)}{seed}"
        ours, keras = (opened(tmp_path / out / f"{stem}.png") for out in ("out", "keras"))
        assert (ours == keras).mean() > 0.999
        for kind in ("difficulty", "confidence"):
            ours, keras = (opened(tmp_path / out / f"{stem}.{kind}.png").astype(int) for out in ("out", "keras"))
            assert np.abs(ours - keras).max() <= 1
    again = subprocess.run([sys.executable, "-c", BARE, *words], capture_output=True, text=True)
    assert "labelling 0 of 6" in again.stderr


def test_without_probabilities_there_is_no_confidence(exported: Path, home: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(home / RUN / "export/onnx-float32/model.onnx")
    model.graph.output.pop()  # what `export` leaves out without --probabilities
    about = next(entry for entry in model.metadata_props if entry.key == "casnet_export")
    record = json.loads(about.value)
    del record["outputs"]["probabilities"]
    about.value = json.dumps(record)
    onnx.save(model, tmp_path / "own.onnx")
    casnet("predict", "photos/0.png", "--run", tmp_path / "own.onnx", "--out", tmp_path / "out")
    record = json.loads((tmp_path / "out/manifest.jsonl").read_text())
    assert record["confidence_mean"] is None and record["difficulty_mean"] > 0
    for words in (("--reject-below", 0.5), ("--save", "confidence")):
        stderr = casnet("predict", "photos/0.png", "--run", tmp_path / "own.onnx", *words, code=2)
        assert "gives no probabilities" in stderr


SNIPPETS = re.findall(r"```python\n(# label\.py .*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_the_program_of_the_page(exported: Path, home: Path, tmp_path: Path, name: str) -> None:
    (program,) = [text for text in SNIPPETS if f"MODEL.{'onnx' if name == 'onnx' else 'tflite'}" in text]
    assert not re.search(r"import (casnet|keras|tensorflow)|from (casnet|keras|tensorflow)", program)
    (tmp_path / "label.py").write_text(program)
    (model,) = (home / RUN / "export" / f"{name}-float32").glob("model.[ot]*")
    words = [sys.executable, tmp_path / "label.py", model, "photos/0.png", tmp_path / "seen.png"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"red: .*%\ngreen: .*%\nblue: .*%\ndifficulty: 0\.\d+\n", done.stdout)
    with Image.open(home / "predictions/0.png") as mask:
        np.testing.assert_array_equal(opened(tmp_path / "seen.png"), np.asarray(mask.convert("RGB")))


@pytest.fixture(scope="module")
def two_files(trained: Path) -> Path:
    """The folder of an export in two files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        assert "proved" in casnet("export", "--two-files")
    return trained / RUN / "export/onnx-float32-two-files"


def test_two_files_by_the_program_of_the_page(two_files: Path, home: Path, tmp_path: Path) -> None:
    (program,) = [text for text in SNIPPETS if "THRESHOLD" in text]
    (tmp_path / "label.py").write_text(program)
    masks = {}
    for threshold in (0, 1):
        words = [tmp_path / "label.py", two_files, "photos/0.png", tmp_path / "seen.png", str(threshold)]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert ("ran the fine branch" in done.stdout) == (threshold == 0)
        masks[threshold] = opened(tmp_path / "seen.png")
    for name, part in (("coarse.onnx", "coarse"), ("fine.onnx", "fine")):
        stderr = casnet("predict", "photos", "--run", two_files / name, code=2)
        assert f"{name}: the {part} one of two files" in stderr
    with Image.open(home / "predictions/0.png") as mask:
        np.testing.assert_array_equal(masks[0], np.asarray(mask))
    casnet("predict", "photos/0.png", "--fine", "auto", "--out", tmp_path / "out")  # easy below 1: everything
    np.testing.assert_array_equal(masks[1], opened(tmp_path / "out/0.png"))


def test_two_files_make_one(two_files: Path, home: Path) -> None:
    assert sorted(file.name for file in two_files.iterdir()) == ["coarse.onnx", "export.json", "fine.onnx"]
    ours, keras = runtime.two_files(two_files / "coarse.onnx"), load(home / RUN)
    images = [picture(*size) for size in ((37, 50), (80, 33), (49, 65), (40, 160))]
    pairs = [(ours(image)["mask"].ravel(), keras.predict(image).mask.ravel()) for image in images]
    found, expected = (np.concatenate(masks) for masks in zip(*pairs, strict=True))
    assert len(np.unique(expected)) > 1 and (found == expected).mean() > 0.999


def test_beyond_its_limits_it_is_kept_aside(exported: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from casnet_cli.export.runtime import ExportedPredictor

    proved = home / RUN / "export/onnx-float32/model.onnx"
    before = proved.stat().st_mtime_ns
    again = lambda model, spec, folder: Path(shutil.copy(proved, folder))  # noqa: E731
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], write=again))
    wrong = lambda self, image: {"mask": image[..., 0] * 0, "difficulty": image[..., 0] * 0.0}  # noqa: E731
    monkeypatch.setattr(ExportedPredictor, "predict", wrong)
    assert "refused" in casnet("export", code=1)
    folder = home / RUN / "export/onnx-float32-refused"
    record = json.loads((folder / "export.json").read_text())
    assert not record["proved"] and record["proof"]["pixels_equal"] < 0.999 and (folder / "model.onnx").is_file()
    assert proved.stat().st_mtime_ns == before


def test_limits() -> None:
    assert [verify.within(0.9991, -0.0006, precision) for precision in verify.LIMITS] == [True, False, True]
    assert [verify.within(0.9989, 0.0051, precision) for precision in verify.LIMITS] == [False, False, False]


# Bad input

WRONG: list[tuple[tuple[object, ...], str]] = [
    (("--run", "nowhere"), "nowhere: no such run"),
    (("--size", "0x5"), "0x5: no size of an image"),
    (("--size", "40x60"), "--size 40x60: too small for a pyramid of 6x6 bins (sides of 81 pixels and more)"),
    (("--size", "2160x3840"), "--size 2160x3840: an exported file takes 4.2 megapixels at most"),
    (("--two-files", "--precision", "int8"), "--two-files: not in integers"),
    (("--format", "savedmodel", "--precision", "int8"), "--precision int8: --format savedmodel is in float32 ("),
    (("--format", "litert", "--two-files"), "--two-files: --format litert is one file"),
    (("--data", "nowhere.h5"), "nowhere.h5: no such prepared data set"),
    (("--format", "caffe"), "'caffe' is not one of"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=lambda given: " ".join(map(str, given)) if given else "")
def test_mistakes_are_one_line(home: Path, words: tuple[object, ...], expected: str) -> None:
    stderr = casnet("export", *words, code=2)
    assert expected in stderr and stderr.count("\n") == 1 and stderr.startswith("error: ")


def test_a_package_that_is_missing_is_named_with_its_extra(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None if name in ("tf2onnx", "ai_edge_litert") else 1)
    assert "tf2onnx is not installed (pip install tf2onnx onnx onnxruntime)" in casnet("export", code=2)
    assert "(pip install ai-edge-litert)" in casnet("export", "--format", "litert", code=2)


def test_a_run_that_is_not_finished(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    for name in ("best.h5", "last.h5"):
        (folder / name).write_bytes((home / BEST).with_name(name).read_bytes())
    set_epochs(folder / "last.h5", 9)
    stderr = casnet("export", "--run", tmp_path / "run", code=2)
    assert "its training is not finished, epoch 6 of 9" in stderr and f"--run {folder / 'best.h5'}" in stderr
    set_epochs(folder / "last.h5", 2)
    set_epochs(folder / "best.h5", 9)  # as the best epoch of a longer run would be

    def goes_on(*given: object) -> None:
        raise LookupError("it went on")

    monkeypatch.setattr(export, "_write_and_prove", goes_on)
    with pytest.raises(LookupError, match="it went on"):
        casnet("export", "--run", tmp_path / "run", "--data", "data/blocks.h5")


def set_epochs(file: Path, epochs: int) -> None:
    with h5py.File(file, "r+") as opened:
        opened.attrs["recipe"] = re.sub(r"epochs = \d+", f"epochs = {epochs}", opened.attrs["recipe"])
        seal(opened)


def test_a_folder_of_somebody_else(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run" / "checkpoints" / "best.h5"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((home / BEST).read_bytes())
    (tmp_path / "run" / "export").write_text("in the way")
    stderr = casnet("export", "--run", tmp_path / "run", "--data", "data/blocks.h5", code=2)
    assert "export/onnx-float32: cannot be written" in stderr


def test_without_data_it_is_written_and_not_proved(home: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.h5"
    alone.write_bytes((home / BEST).read_bytes())
    words = ["export", "--run", alone, "--format", "savedmodel"]
    shown = casnet(*words)
    assert "not proved" in shown
    record = json.loads((tmp_path / "export/savedmodel-float32/export.json").read_text())
    assert record["proved"] is False and record["proof"] is None
    assert "is calibrated on training images" in casnet("export", "--run", alone, "--precision", "int8", code=2)
    data = write_blocks(tmp_path / "tests.h5", {"test": 2})
    words = ["export", "--run", alone, "--precision", "int8", "--data", data]
    assert "is calibrated on training images, and" in casnet(*words, code=2).replace("\n", " ")


def test_an_interrupt_leaves_nothing_half(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run" / "checkpoints" / "best.h5"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((home / BEST).read_bytes())
    folder = tmp_path / "run" / "export"
    with start("export", "--run", tmp_path / "run", "--data", "data/blocks.h5", tiny=True) as process:
        wait_for(folder, process)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_killed_export_is_swept_by_the_next(home: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.h5"
    alone.write_bytes((home / BEST).read_bytes())
    with start("export", "--run", alone, "--format", "savedmodel", tiny=True) as process:
        while not list(tmp_path.glob("export/.*.part")):
            assert process.poll() is None, process.communicate()[1]
        os.kill(process.pid, signal.SIGKILL)
    assert [each.name.startswith(".") for each in (tmp_path / "export").iterdir()] == [True]
    finish("export", "--run", alone, "--format", "savedmodel", tiny=True)
    assert [each.name for each in (tmp_path / "export").iterdir()] == ["savedmodel-float32"]


def test_engines_that_do_not_fit(exported: Path, home: Path) -> None:
    file = f"{RUN}/export/onnx-float32/model.onnx"
    assert "is a file for onnx" in casnet("predict", "photos", "--run", file, "--engine", "litert", code=2)
    assert "--tile: not with an exported file" in casnet("predict", "photos", "--engine", "onnx", "--tile", 65, code=2)
    assert "--fine auto: not with" in casnet("predict", "photos", "--engine", "onnx", "--fine", "auto", code=2)
    assert "nowhere: no such run" in casnet("predict", "photos", "--run", "nowhere", "--engine", "onnx", code=2)
    for verb in ("export", "bench", "rank"):
        words = ["photos"] if verb == "rank" else []
        assert f"{file}: an exported file (a run folder or a checkpoint" in casnet(verb, *words, "--run", file, code=2)
    (home / "empty" / "checkpoints").mkdir(parents=True, exist_ok=True)
    assert "no export for litert here" in casnet("predict", "photos", "--run", "empty", "--engine", "litert", code=2)


def test_a_folder_of_an_export_is_as_good_as_its_file(exported: Path, home: Path, tmp_path: Path) -> None:
    folder = f"{RUN}/export/litert-float32"
    casnet("predict", "photos/0.png", "--run", folder, "--out", tmp_path / "out")
    assert (opened(tmp_path / "out/0.png") == opened(home / "predictions/0.png")).mean() > 0.999
    assert "exported for: litert" in casnet("info", folder)


def test_an_export_of_an_earlier_checkpoint_says_so(exported: Path, home: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(home / RUN, run)
    casnet("predict", "photos/0.png", "--run", run, "--engine", "onnx", "--out", tmp_path / "out")
    amend(run / "checkpoints/best.h5", {"temperature": 3.0})
    words = ["predict", "photos/0.png", "--run", str(run), "--engine", "onnx", "--out", str(tmp_path / "out")]
    assert "was exported from an earlier checkpoint" in finish(*words, tiny=True)
    record = json.loads(
        casnet("bench", "--run", run, "--engine", "all", "--size", "40x48", "--repeats", 1, "--json", "-")
    )
    assert record["engines"][0]["engine"] == "keras" and record["engines"][0]["pixel_accuracy"] is None
    (run / "export/onnx-float32/export.json").write_text("{")
    assert "export.json: not readable" in casnet("bench", "--run", run, "--engine", "onnx", code=2)


def test_an_image_that_memory_does_not_suffice_for_is_one_failure(
    exported: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from casnet_cli.export import runtime as runtimes

    run, description = runtimes.open_session(home / RUN / "export/onnx-float32/model.onnx")

    def short(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if given["image"].shape[2] == 57:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 1")
        return run(given)

    monkeypatch.setattr(runtimes, "open_session", lambda file: (short, description))
    casnet("predict", "photos", "--engine", "onnx", "--out", tmp_path / "out", code=1)
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    failed = {line["file"]: line["error"] for line in lines if line["status"] == "failed"}
    assert set(failed) == {"photos/4.png", "photos/sub/1.png"} and "memory" in failed["photos/4.png"]
    assert len(lines) == 6


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_info_of_a_file(exported: Path, home: Path, name: str) -> None:
    (model,) = (home / RUN / "export" / f"{name}-float32").glob("model.[ot]*")
    shown = casnet("info", model)
    assert f"exported for: {name}" in shown and "classes: red, green, blue" in shown and "sizes: any" in shown


def test_bench_of_engines(exported: Path, home: Path) -> None:
    record = json.loads(casnet("bench", "--engine", "all", "--size", "40x48", "--repeats", 1, "--json", "-"))
    rows = {(row["engine"], row["precision"]): row for row in record["engines"]}
    assert {("keras", "float32"), ("onnx", "float32"), ("litert", "float32")} <= set(rows)
    for row in rows.values():
        assert row["seconds"] > 0 and row["load_seconds"] > 0 and row["bytes"] > 1000
    assert rows["onnx", "float32"]["pixel_accuracy"] == pytest.approx(
        rows["keras", "float32"]["pixel_accuracy"], abs=0.01
    )
    assert "--format savedmodel writes one" in casnet("bench", "--engine", "savedmodel", code=2)
    assert "not with --recipe or --only" in casnet("bench", "--engine", "all", "--recipe", "demo", code=2)
