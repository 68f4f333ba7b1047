"""Data sets of Ultralytics: the YAML file, the pictures that it names, and their files of polygons."""

from pathlib import Path

import numpy as np
import pytest

from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.data.annotations.yolo import read_dataset, read_yolo
from casnet_cli.data.sources.annotation_projects import read_project
from casnet_cli.errors import DataError, Unfit

YAML = "path: /elsewhere/d\ntrain: images/train\nval: images/val\nnames: {0: road, 1: car}\n"


def data_set(root: Path, yaml: str = YAML, **texts: str) -> Path:
    for name in ("images/train/a", "images/train/s/a", "images/val/b"):
        for file in (root / f"{name}.jpg", root / name.replace("images", "labels") / "x"):
            file.parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.jpg").touch()
    for name, text in texts.items():
        (root / "labels/train" / f"{name}.txt").write_text(text)
    (root / "data.yaml").write_text(yaml)
    return root / "data.yaml"


def test_polygons_boxes_and_pictures_without_a_file(tmp_path: Path) -> None:
    read = read_yolo(data_set(tmp_path, a="\ufeff0 0 0 .5 0 .5 .5\n\n1.0 .5 .5 .5 .25\n"))
    assert [(Path(one.name).name, one.split) for one in read.pictures] == [
        ("a.jpg", "train"),
        ("a.jpg", "train"),
        ("b.jpg", "val"),
    ]
    assert dict(read.classes) == {"road": None, "car": None} and dict(read.ids) == {"road": 0, "car": 1}
    assert read.annotations == 2 and read.boxes == (f"line 3 of {tmp_path}/labels/train/a.txt",)
    polygon, box = read.pictures[0].read().shapes
    assert (polygon.label, polygon.id, polygon.kind) == ("road", "line 1", Kind.POLYGON)
    assert (box.label, box.kind, box.points.tolist()) == ("car", Kind.BOX, [[0.25, 0.375], [0.75, 0.625]])
    np.testing.assert_array_equal(polygon.points, [(0, 0), (0.5, 0), (0.5, 0.5)])
    assert read.pictures[0].absent is None and read.pictures[1].absent == tmp_path / "labels/train/s"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.1 0.2 0.3 0.4 0.5", "line 1: an odd number of coordinates, 5"),
        ("0 0.1 0.2", "line 1: 1 point (at least 3)"),
        ("7 0 0 1 0 1 1", "line 1: 7 is the number of no class (0 to 1)"),
        ("0.5 0 0 1 0 1 1", "line 1: 0.5 is the number of no class"),
        ("car 0 0 1 0 1 1", "line 1: car is the number of no class"),
        ("0 0 0 nan 0 1 1", "line 1: a coordinate is no number (expected fractions"),
        ("0 0 0 x 0 1 1", "line 1: its points are no pairs of numbers"),
        ("0 0 0 100 0 100 80", "line 1: it lies outside of the picture (expected fractions"),
        ("0 -1 0 -.5 0 -.5 1", "line 1: it lies outside of the picture"),
        ("0", "line 1: 0 points (at least 3)"),
    ],
)
def test_lines_that_cannot_be_read_are_named(tmp_path: Path, line: str, words: str) -> None:
    picture = read_yolo(data_set(tmp_path, a=line)).pictures[0]
    with pytest.raises(Unfit) as fault:
        picture.read()
    assert f"a.txt: {words}" in str(fault.value)


def test_folders_and_lists_however_they_are_named(tmp_path: Path) -> None:
    """Roboflow's `../`, lists beside or below, several folders, a split that repeats another, and a test that lacks."""
    roboflow = "train: ../images/train\nval: ../images/val\ntest: ../images/test\nnames: [road]\n"
    assert len(read_yolo(data_set(tmp_path, roboflow)).pictures) == 3
    (tmp_path / "train.txt").write_text("./images/train/a.jpg\nimages/train/s/a.jpg\n")
    listed = read_dataset(data_set(tmp_path, "train: train.txt\nnames: [road]\n"), tmp_path)
    assert listed and [one.name for one in listed.pictures] == ["a", "s/a"]
    several = read_yolo(data_set(tmp_path, "train: [images/train, images/val]\nval: images/val\nnames: [road]\n"))
    assert [one.split for one in several.pictures] == ["train"] * 3 and "1 picture" in several.notes[0]
    with pytest.raises(DataError, match="val: gone is not there"):
        read_yolo(data_set(tmp_path, "train: images/train\nval: gone\nnames: [road]\n"))


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("train: images/train\nnames: {a: b}\n", "names are no list and no table of ids"),
        ("train: images/train\nnames: [a]\nkpt_shape: [3, 2]\n", "keypoints, not outlines"),
        ("a: [", "no data set of Ultralytics"),
        ("train: images/train\n", "no data set of Ultralytics"),
    ],
)
def test_yaml_of_another_kind(tmp_path: Path, yaml: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_yolo(data_set(tmp_path, yaml))


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"train: [", b"names: [a]"])
def test_a_yaml_file_by_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d.yml").write_bytes(content)
    with pytest.raises(DataError, match=r"d\.yml: this is no data set of Ultralytics"):
        read_project(tmp_path / "d.yml")
