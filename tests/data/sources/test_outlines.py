"""Shapes that become a label: classes by name, and what is left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.annotations.drawing import LABELME, PYCOCOTOOLS
from casnet_cli.data.annotations.shapes import Kind, Shape, checked_points
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.outlines import label_of_shapes, names_of
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import VOID, with_colors

FILE = Path("lab/a.json")


def shape(label: str, left: float, number: int, kind: Kind = Kind.BOX) -> Shape:
    return Shape(kind, label, f"shape {number}", FILE, checked_points([(left, 1), (left + 2, 3)], 2))


def test_names_without_a_table_and_with_one() -> None:
    names = names_of(
        None, dict.fromkeys(["car", "__ignore__", "_background_", "", "background", "bus"]) | {"bus": (1, 2, 3)}, FILE
    )
    assert names.labels.names == ("background", "car", "bus") and names.rest == 0
    assert names.labels.palette[2] == (1, 2, 3) and names.labels.palette[1] != (1, 2, 3)
    found = {name: names.class_of(name) for name in ("car", "__ignore__", "_background_", "tree")}
    assert found == {"car": 1, "__ignore__": VOID, "_background_": 0, "tree": None}
    table = ClassTable(with_colors(("car", "__ignore__")), names={"Car": 0, "_background_": 1})
    names = names_of(table, {}, FILE)
    found = {name: names.class_of(name) for name in ("car", "Car", "__ignore__", "_background_")}
    assert found == {"car": 0, "Car": 0, "__ignore__": 1, "_background_": 1} and names.rest == VOID
    with pytest.raises(DataError, match="lab/a.json: 301 classes .at most 255"):
        names_of(None, dict.fromkeys(map(str, range(300))), FILE)


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    names, remarks = names_of(None, {"car": None}, FILE), Remarks()
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (12, 8)).save(picture)
    shapes = [shape("car", 1, 1), shape("", 1, 2), *(shape("car", 40 + n, 3 + n) for n in range(5))]
    shapes.append(shape("car", 5, 9, Kind.LINE))
    label = label_of_shapes(shapes, picture, names, None, LABELME, remarks)
    assert label.shape == (8, 12) and label[1:4, 1:4].all() and label.max() == 1
    far = "shape 3 (box) of a.jpg in a.json, shape 4 (box) of a.jpg in a.json, shape 5 (box) of a.jpg in a.json"
    expected = [
        "1 shape of points and lines, drawn as wide as LabelMe draws them: shape 9 (line) of a.jpg in a.json",
        f"5 shapes outside of the picture, left out: {far} and 2 more",
        "1 shape without a class, left out: shape 2 (box) of a.jpg in a.json",
    ]
    for _ in range(2):  # a file that is read twice counts once
        label_of_shapes(shapes, picture, names, None, LABELME, remarks)
        assert [one.line for one in remarks.all()] == expected
    thin = Shape(Kind.POLYGON, "car", "annotation 7", FILE, checked_points([(2, 2.1), (8, 2.1), (8, 2.2)], 3))
    label_of_shapes([thin], picture, names, None, PYCOCOTOOLS, alone := Remarks())
    assert [one.line for one in alone.all()] == [
        "1 shape without a pixel inside, left out: annotation 7 (polygon) of a.jpg in a.json"
    ]


def test_a_label_that_is_no_class_is_an_error_that_names_the_shape(tmp_path: Path) -> None:
    names = names_of(None, {"car": None}, FILE)
    with pytest.raises(
        Unfit, match=r"lab/a.json: shape 4 \(box\): label 'tree' is no class \(background, car;"
    ) as caught:
        label_of_shapes([shape("tree", 1, 4)], tmp_path / "a.jpg", names, (8, 12), LABELME, Remarks())
    assert caught.value.kind is UnfitKind.VALUE and caught.value.what == "label 'tree'"


def test_labels_that_nothing_claims_are_void_and_counted_if_the_table_says_so(tmp_path: Path) -> None:
    names, remarks = names_of(ClassTable(with_colors(("background", "car")), rest=True), {}, FILE), Remarks()
    shapes = [shape("car", 1, 1), shape("tree", 5, 2), shape("_background_", 5, 3), shape("tree", 9, 4)]
    label = label_of_shapes(shapes, tmp_path / "a.jpg", names, (8, 12), LABELME, remarks)
    assert label[2].tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 0, VOID, VOID, VOID]
    assert [one.line for one in remarks.all()] == [
        "2 shapes of label 'tree', which no class claims, taken for void: "
        "shape 2 (box) of a.jpg in a.json, shape 4 (box) of a.jpg in a.json"
    ]


def test_run_lengths_that_do_not_fit_name_picture_and_annotation(tmp_path: Path) -> None:
    runs = Shape(Kind.RUNS, "car", "annotation 5", FILE, runs=np.array([3]), size=(1, 4))
    names = names_of(None, {"car": None}, FILE)
    with pytest.raises(Unfit, match=r"lab/a.json: a.jpg: annotation 5 .run-length code.: run lengths of 4x1"):
        label_of_shapes([runs], tmp_path / "a.jpg", names, (8, 12), PYCOCOTOOLS, Remarks())
