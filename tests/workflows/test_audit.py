"""`casnet audit` on the command line: a planted error is found, and voided in a copy."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import h5py
import numpy as np
import pytest
from helpers.checkpoints import seal
from helpers.cli import BEST, at_home, casnet, digest, stderr_of
from helpers.datasets import LABELS, FunctionPredictor, blocks

from casnet_cli.data.addition import Addition
from casnet_cli.data.images import decode_label
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store, write
from casnet_cli.labels import VOID

PREDICTOR = "casnet_cli.inference.keras_predictor.KerasPredictor"
FOLD = "series/fold-1/checkpoints/best.h5"


@pytest.fixture(scope="module")
def planted(trained: Path) -> Path:
    """data/planted.h5, of whose two test images one has the class red named blue in a corner, and a run of these data:
    the trained one, with another digest of its data."""

    def wrong(seed: int) -> Sample:
        sample = blocks(seed, 160, 120)
        label = np.array(sample.label)
        if seed == 1:
            label[20:50, 4:30] = 2
        return Sample(sample.image, label)

    entries = [
        Entry(split, f"{split}/{seed}", lambda seed=seed: wrong(seed))
        for seed, split in enumerate(("train", "test", "test"))
    ]
    target = trained / "data" / "planted.h5"
    write(target, Source("blocks", LABELS, lambda root: entries, ""), entries, {"source": "", "source_sha256": ""})
    copy = trained / "planted" / "checkpoints" / "best.h5"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((trained / BEST).read_bytes())
    with h5py.File(copy, "r+") as file:
        file.attrs["data"] = json.dumps({"name": "blocks", "sha256": Store(target).content_sha256, "fold": None})
        seal(file)
    return trained


@pytest.fixture
def home(planted: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(planted, monkeypatch)


def by_color(image: np.ndarray) -> dict[str, np.ndarray]:
    """Sure of the class whose colour is nearest, in the place of a network that has learnt enough."""
    distances = np.linalg.norm(image[None] - np.asarray(LABELS.palette, float)[:, None, None], axis=-1)
    p = np.where(distances == distances.min(axis=0), 0.96, 0.02)
    return {"probabilities": p, "difficulty": np.full(image.shape[:2], 0.1)}


def labels(file: Path, split: str) -> list[np.ndarray]:
    with h5py.File(file) as opened:
        return [np.asarray(decode_label(content.tobytes())) for content in opened[split]["label"]]


def test_a_planted_error_is_first_and_becomes_void_in_a_copy(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    words = ["audit", "--run", "planted", "--data", "data/planted.h5", "--out", tmp_path / "out"]
    shown = casnet(*words)
    assert "suspects.csv" in shown
    rows = list(csv.DictReader((tmp_path / "out/suspects.csv").read_text().splitlines()))
    first = next(row for row in rows if row["label"] == "blue")
    assert (first["split"], first["image"], first["kind"], first["proposal"]) == ("test", "test/1", "object", "red")
    assert rows == [first] and [first[key] for key in ("x", "y", "width", "height")] == ["4", "20", "26", "30"]
    page = (tmp_path / "out/page.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 3 * len(rows)
    counts = list(csv.reader((tmp_path / "out/confusion.csv").read_text().splitlines()))
    assert counts[0] == ["label", *LABELS.names]
    assert sum(int(cell) for row in counts[1:] for cell in row[1:]) == sum(int(row["pixels"]) for row in rows)

    for row in rows:
        row["void"] = "yes" if row is first else "no"
    with open(tmp_path / "out/suspects.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    before = digest(home / "data")
    casnet(*words, "--apply-void", tmp_path / "clean.h5")
    assert digest(home / "data") == before
    for split in ("train", "test"):
        for old, new in zip(labels(home / "data/planted.h5", split), labels(tmp_path / "clean.h5", split), strict=True):
            assert ((new == old) | (new == VOID)).all()
    old, new = labels(home / "data/planted.h5", "test")[0], labels(tmp_path / "clean.h5", "test")[0]
    changed = new != old
    assert changed.sum() == int(first["pixels"]) and (old[changed] == 2).all()
    ours, theirs = Store(tmp_path / "clean.h5"), Store(home / "data/planted.h5")
    assert ours.names == theirs.names and ours.labels == theirs.labels
    assert ours.file["test"]["image"][0].tobytes() == theirs.file["test"]["image"][0].tobytes()


def test_labels_of_a_class_that_the_network_has_not_learnt_are_kept_apart(
    home: Path, tmp_path: Path, monkeypatch
) -> None:
    def blind(image: np.ndarray) -> dict[str, np.ndarray]:
        outputs = by_color(image)
        outputs["probabilities"][0] = 0.0  # it never predicts red
        return outputs

    messages: list[str] = []
    monkeypatch.setattr("casnet_cli.console.message", messages.append)
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    words = ["audit", "--run", "planted", "--data", "data/planted.h5"]
    casnet(*words, "--out", tmp_path / "sighted")
    assert not [line for line in messages if "note:" in line]
    monkeypatch.setattr(PREDICTOR, lambda *given: FunctionPredictor(blind))
    casnet(*words, "--out", tmp_path / "blind")
    rows = list(csv.DictReader((tmp_path / "blind/suspects.csv").read_text().splitlines()))
    red = sum(row["label"] == "red" for row in rows)
    (note,) = [line for line in messages if "note:" in line]
    assert red and note.startswith(f"note: {red} of {len(rows)} regions have a label") and "(red)" in note


def test_nothing_is_written_over(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    words = ["audit", "--run", "planted", "--data", "data/planted.h5", "--out", tmp_path / "out"]
    assert "not there yet" in casnet(*words, "--apply-void", tmp_path / "clean.h5", code=2)
    casnet(*words)
    before = digest(home / "data")
    assert "is there already" in casnet(*words, "--apply-void", "data/planted.h5", code=2)
    assert "no name of a data set" in casnet(*words, "--apply-void", tmp_path / "out/suspects.csv", code=2)
    assert digest(home / "data") == before
    casnet(*words)
    for name in ("page.html", "confusion.csv"):
        own = tmp_path / "out" / name
        written = own.read_bytes()
        own.write_text("mine")
        assert f"out/{name}: is there, and is no" in casnet(*words, code=2) and own.read_text() == "mine"
        own.write_bytes(written)
    (tmp_path / "out/suspects.csv").write_text("number,void\n1,no\n")
    assert "was edited" in casnet(*words, code=2)
    assert "no row says yes" in casnet(*words, "--apply-void", tmp_path / "clean.h5", code=2)


def test_suspects_become_tasks_with_the_given_labels(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    words = ["audit", "--run", "planted", "--data", "data/planted.h5", "--out", tmp_path / "out"]
    save = ["--save", "label-studio", "--save", "cvat", "--save", "coco"]
    assert "1 image to correct" in stderr_of(*words, *save)
    tasks = tmp_path / "out/tasks"
    (task,) = json.loads((tasks / "annotations.label-studio.json").read_text())
    assert task["data"]["name"] == "test/1.png" and task["data"]["suspects"] == "1: blue → red"
    assert task["data"]["image"].endswith("?d=images/test/1.png")
    assert task["predictions"][0]["score"] == 0.02, "the probability of the given label"
    store = Store(home / "data/planted.h5")
    assert (tasks / "images/test/1.png").read_bytes() == store.file["test"]["image"][0].tobytes()
    with ZipFile(tasks / "annotations.cvat.zip") as archive:
        image = ElementTree.fromstring(archive.read("annotations.xml")).find("image")
        assert archive.read("images/test/1.png") == (tasks / "images/test/1.png").read_bytes()
    assert image is not None
    (region,) = (one for one in image if one.findtext("attribute") == "1: blue → red")
    assert region.get("label") == "blue"
    assert [region.get(key) for key in ("left", "top", "width", "height")] == ["4", "20", "26", "30"]
    coco = json.loads((tasks / "annotations.coco.json").read_text())
    label = labels(home / "data/planted.h5", "test")[0]
    assert {one["category_id"] - 1: one["area"] for one in coco["annotations"]} == {
        value: int((label == value).sum()) for value in (0, 1, 2)
    }
    before = digest(tasks)
    casnet(*words, *save)
    assert digest(tasks) == before, "a second call"
    words = ["prepare", "folder", "--images", tasks / "images", "--annotations", tasks / "annotations.coco.json"]
    into = ["--add", "data/planted.h5", "--out", tmp_path / "mended.h5"]
    assert "nothing to add: data/planted.h5 has 1 label of these already" in casnet(*words, *into, code=2)
    for one in coco["annotations"]:  # the correction: what is blue is green
        one["category_id"] = min(one["category_id"], 2)
    (tasks / "annotations.coco.json").write_text(json.dumps(coco))
    said = stderr_of(*words, *into)
    assert "1 label replaced (1 in test" in said and "test/1" in said
    old, new = (labels(file, "test") for file in (home / "data/planted.h5", tmp_path / "mended.h5"))
    np.testing.assert_array_equal(new[0], np.where(old[0] == 2, 1, old[0]))
    assert all((one == other).all() for one, other in zip(old[1:], new[1:], strict=True))


def test_mistakes_with_tasks_are_one_line(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    words = ["audit", "--run", "planted", "--data", "data/planted.h5", "--out", tmp_path / "out"]
    assert "'labelme' is not one of" in casnet(*words, "--save", "labelme", code=2)
    said = casnet(*words, "--save", "cvat", "--apply-void", tmp_path / "x.h5", code=2)
    assert "not with --apply-void" in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tasks").write_text("in the way")
    said = casnet(*words, "--save", "cvat", code=2)
    assert "out/tasks: cannot be written: " in said.replace("\n", "")


def test_an_interrupt_leaves_no_empty_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(image: np.ndarray) -> dict[str, np.ndarray]:
        raise KeyboardInterrupt

    words = ["audit", "--run", "planted", "--data", "data/planted.h5", "--out", tmp_path / "out"]
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(interrupted)
    )
    casnet(*words, code=130)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(by_color)
    )
    casnet(*words)
    kept = digest(tmp_path / "out")
    monkeypatch.setattr(
        "casnet_cli.inference.keras_predictor.KerasPredictor", lambda *given: FunctionPredictor(interrupted)
    )
    casnet(*words, code=130)
    assert digest(tmp_path / "out") == kept


def test_later_versions_of_the_data_are_audited_on_what_was_held_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr("casnet_cli.console.message", messages.append)
    old, entries = Store(home / "data/planted.h5"), [Entry("train", "new", lambda: blocks(9, 160, 120))]
    addition = Addition(old, Source("more", LABELS, lambda root: entries, ""))
    write(tmp_path / "later.h5", addition.united(), addition.entries(Path()), {})
    with monkeypatch.context() as patch:
        patch.setattr(PREDICTOR, lambda *given: FunctionPredictor(by_color))
        casnet("audit", "--run", "planted", "--data", tmp_path / "later.h5", "--out", tmp_path / "out")
    assert any("2 images that it never trained on" in line for line in messages)
    casnet("eval", "--run", "planted", "--data", tmp_path / "later.h5", "--out", tmp_path / "eval", "--worst", 0)
    assert any("1 image added since: none of these was trained on" in line for line in messages)
    casnet("eval", "--run", "planted", "--data", tmp_path / "later.h5", "--out", tmp_path / "eval", "--split", "train")
    assert any("1 image added since: all of these were trained on" in line for line in messages)


def test_images_that_the_run_trained_on_are_not_audited(home: Path) -> None:
    shown = casnet("audit", "--run", "runs/blocks-001", "--data", "data/planted.h5", code=2)
    assert "not the data that" in shown and shown.count("\n") == 1
    shown = casnet("audit", "--run", "planted", "--data", "data/planted.h5", "--split", "train", code=2)
    assert "'train' is not one of" in shown
    assert "nowhere: no such run" in casnet("audit", "--run", "nowhere", code=2)
