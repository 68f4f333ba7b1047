"""Ultralytics' layout: polygons or masks, sub-folders of splits, and what `prepare` makes of them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from PIL import Image

from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.layouts.ultralytics import ultralytics
from casnet_cli.data.store import Store
from casnet_cli.prediction.yolo_format import polygons

YAML = "train: images/train\nval: images/val\nnames: [road, car]\n"
NAMES = ("train/s1/a", "train/s2/a", "val/b")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures of 8x8 pixels, each with a square of road and a car on it."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        image, label = Path(f"d/images/{name}.png"), Path(f"d/labels/{name}.txt")
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(len(name)).integers(0, 255, (8, 8, 3), np.uint8)).save(image)
        label.write_text("1 .25 .25 .5 .25 .5 .5 .25 .5\n0 0 0 .75 0 .75 .75 0 .75\n")
    Path("d/data.yaml").write_text(YAML)
    return tmp_path


def labels_of(*words: str) -> dict[str, np.ndarray]:
    stderr_of("prepare", *words, "--out", "o.h5")
    return {entry.name: entry.load().label for entry in Store(Path("o.h5")).entries()}


def test_polygons(home: Path) -> None:
    """A square from 0 to 6 has 49 pixels and one from 2 to 4 has 9, as Ultralytics draws them."""
    layout = ultralytics(Tree.of(Path("d")))
    assert layout and layout.annotations == (Path("d/data.yaml"),) and layout.images == Path("d/images")
    assert layout.sentence.endswith("data.yaml with 2 classes, 3 pictures, 3 files of polygons in labels/")
    labels = labels_of("d")
    assert set(labels) == set(NAMES)
    assert [(labels[NAMES[0]] == one).sum() for one in range(3)] == [64 - 49, 49 - 9, 9]
    store = Store(Path("o.h5"))
    assert store.labels.names == ("background", "road", "car") and len(store.names["val"]) == 1
    assert set(labels_of("folder", "--images", "d/images", "--annotations", "d/data.yaml")) == set(NAMES)
    assert len(Store(Path("o.h5")).names["val"]) == 1
    Path("t.toml").write_text('[[class]]\nname = "thing"\nids = [0, 1]\n')
    assert (labels_of("d", "--classes", "t.toml")["val/b"] == 0).sum() == 49
    assert set(labels_of("d", "--val-fraction", "0.4")) == set(NAMES) and len(Store(Path("o.h5")).names["val"]) < 3


def test_pictures_without_a_file_and_with_an_empty_one(home: Path) -> None:
    Path("d/labels/val/b.txt").write_text("")
    assert not labels_of("d")["val/b"].any()
    Path("d/labels/val/b.txt").unlink()
    assert "1 of 3 pictures has no mask, such as d/images/val/b.png" in casnet("prepare", "d", code=2)
    assert not labels_of("d", "--missing", "background")["val/b"].any()
    assert set(labels_of("d", "--missing", "skip")) == set(NAMES[:2])


def test_boxes(home: Path) -> None:
    Path("d/labels/val/b.txt").write_text("0 .5 .5 .25 .25\n")
    output = casnet("prepare", "d", code=2)
    assert "boxes without an outline: 1 of 5 annotations, such as line 1 of d/labels/val/b.txt" in output
    assert labels_of("d", "--boxes", "draw")["val/b"].sum() == 9
    assert not labels_of("d", "--boxes", "skip")["val/b"].any()


def test_one_box_alone(home: Path) -> None:
    for name in NAMES:
        Path(f"d/labels/{name}.txt").write_text("0 .5 .5 .25 .25\n" if name == NAMES[0] else "")
    assert "1 of 1 annotation, such as" in casnet("prepare", "d", code=2)


def test_polygons_that_casnet_wrote(home: Path) -> None:
    """They grow by the pixels of their borders, to the right and below, as by Ultralytics."""
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 3:6] = 1
    Path("d/labels/val/b.txt").write_text(polygons(mask))
    Path("d/data.yaml").write_text(YAML.replace("road, car", "background, road"))
    found = labels_of("d")["val/b"]
    assert (found[2:6, 3:7] == 1).all() and found.sum() == 16


def test_masks_keep_their_sub_folders(home: Path) -> None:
    for name in NAMES:
        mask = Path(f"d/masks/{name}.png")
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(8, dtype=np.uint8)).save(mask)
    layout = ultralytics(Tree.of(Path("d")))
    assert layout and [one.name for one in layout.pairs] == ["train/s1/a", "train/s2/a", "val/b"]
    assert layout.table and layout.table.labels.names == ("road", "car") and not layout.annotations


def test_polygons_without_yaml(home: Path) -> None:
    """As Label Studio writes them: `classes.txt` beside, or in `labels`; without it the answer says what lacks."""
    Path("d/data.yaml").unlink()
    output = casnet("prepare", "d", code=2)
    assert "train/s1/a.txt: these are outlines of YOLO, and no data.yaml or classes.txt names their classes" in output
    for file in (Path("d/classes.txt"), Path("d/labels/classes.txt")):
        file.write_text("road\ncar\n")
        labels = labels_of("d")
        assert set(labels) == set(NAMES)
        assert [(labels[NAMES[2]] == one).sum() for one in range(3)] == [64 - 49, 49 - 9, 9]
        store = Store(Path("o.h5"))
        assert store.labels.names == ("background", "road", "car") and len(store.names["val"]) == 1
        assert set(labels_of("folder", "--images", "d/images", "--annotations", str(file))) == set(NAMES)
        file.unlink()
    output = casnet("prepare", "folder", "--images", "d/images", "--annotations", "d/labels/val/b.txt", code=2)
    assert "this is no data set of Ultralytics (expected a name a line, and images and labels beside)" in output
