"""LabelMe's files: what each kind of shape becomes, and what cannot be read."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.annotations.drawing import LABELME, draw
from casnet_cli.data.annotations.labelme import read_labelme
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.errors import DataError

TRIANGLE = [[6, 0], [6, 5], [5, 5]]


def labelme(folder: Path, shapes: Any, **changes: Any) -> Path:
    whole = {"imagePath": "..\\photos\\a.jpg", "imageHeight": 60, "imageWidth": 70, "shapes": shapes, **changes}
    (folder / "a.json").write_text(json.dumps(whole))
    return folder / "a.json"


def one(kind: str | None, points: Any, **more: Any) -> dict[str, Any]:
    return {"label": "car", "points": points, "shape_type": kind, **more}


def png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels(folder: Path, shape: dict[str, Any]) -> np.ndarray:
    return draw([(each, 1) for each in read_labelme(labelme(folder, [shape])).shapes], 60, 70, 0, LABELME).label


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        (one("rectangle", [[10, 10], [60, 10], [60, 50], [10, 50]]), (10, 60, 10, 50)),
        (one("rectangle", [[60, 50], [10, 10]]), (10, 60, 10, 50)),
        (one("rectangle", [[10.9, 50.2], [60.7, 10.1]]), (10, 60, 10, 50)),
        (one("polygon", [[10, 10], [60, 10], [60, 50], [10, 50]]), (10, 60, 10, 50)),
        (one(None, [[10, 10], [60, 10], [60, 50], [10, 50]]), (10, 60, 10, 50)),
        (one("rotation", [[10, 10], [60, 10], [60, 50], [10, 50]], direction=0.1), (10, 60, 10, 50)),
        (one("oriented_rectangle", [[10, 10], [60, 10], [60, 50], [10, 50]]), (10, 60, 10, 50)),
        (one("linestrip", [[10, 20], [59, 20]]), (10, 59, 16, 25)),
        (one("mask", [[10.0, 20.0], [13.0, 22.0]], mask=png(np.full((3, 4), True))), (10, 13, 20, 22)),
        (one("mask", [[10, 20], [13, 22]], mask=png(np.full((3, 4), 255, np.uint8))), (10, 13, 20, 22)),
    ],
)
def test_shapes_that_fill_a_box(tmp_path: Path, shape: dict[str, Any], box: tuple[int, int, int, int]) -> None:
    left, right, top, bottom = box
    expected = np.zeros((60, 70))
    expected[top : bottom + 1, left : right + 1] = 1
    np.testing.assert_array_equal(pixels(tmp_path, shape), expected)


def test_four_corners_that_are_no_level_rectangle_are_a_polygon(tmp_path: Path) -> None:
    tilted = [[10, 20], [20, 10], [30, 20], [20, 30]]
    np.testing.assert_array_equal(pixels(tmp_path, one("rectangle", tilted)), pixels(tmp_path, one("polygon", tilted)))
    assert pixels(tmp_path, one("rectangle", tilted)).sum() == 221  # of 21 rows 1, 3, … 21, … 3, 1


def test_points_and_the_order_of_the_file(tmp_path: Path) -> None:
    file = labelme(tmp_path, [one("points", [[1, 1], [2, 2]]), one("circle", [[9, 9], [9, 12]], label=None)])
    shapes = read_labelme(file).shapes
    assert [(shape.kind, shape.label, shape.id) for shape in shapes] == [
        (Kind.POINT, "car", "shape 1"),
        (Kind.POINT, "car", "shape 1"),
        (Kind.CIRCLE, "", "shape 2"),
    ]


@pytest.mark.parametrize("changes", [{"imageHeight": None}, {"imageHeight": None, "imageWidth": None}])
def test_a_size_that_is_missing(tmp_path: Path, changes: dict[str, None]) -> None:
    found = read_labelme(labelme(tmp_path, [one("polygon", TRIANGLE)], **changes))
    assert (found.size, len(found.shapes)) == (None, 1)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (one("cuboid", TRIANGLE), r"shape 2 \(cuboid\): casnet does not know this kind of shape"),
        (one("polygon", [[1, 1], [2, 2]]), r"shape 2 \(polygon\): 2 points \(at least 3\)"),
        (one("circle", TRIANGLE), r"3 points \(at most 2\)"),
        (one("rectangle", TRIANGLE), r"3 points \(a rectangle has two or four\)"),
        (one("polygon", []), "shape 2"),
        (one("polygon", [[1, 1], [2, float("nan")], [3, 3]]), "a coordinate of nan"),
        (one("polygon", 7), "no pairs of numbers"),
        ({"label": "car"}, "shape 2: is of no form"),
        (7, "shape 2: is of no form"),
        (one("mask", [[10, 10], [20, 20]], mask="iVBORw0KGgo="), r"shape 2 \(mask\): its mask is no PNG"),
        (one("mask", [[10, 10], [20, 20]], mask="?"), "its mask is no PNG"),
        (one("mask", [[10, 10], [20, 20]], mask=None), "its mask is no PNG"),
        (one("mask", [[10, 10], [20, 20]], mask=png(np.ones((3, 4), bool))), "a mask of 4x3 pixels for 11x11"),
        (one("mask", [[0, 0], [900000, 900000]], mask=png(np.ones((3, 4), bool))), "a mask of 900001x900001"),
    ],
)
def test_shapes_that_cannot_be_read_are_named(tmp_path: Path, shape: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"a\.json: .*{words}"):
        read_labelme(labelme(tmp_path, [one("polygon", TRIANGLE), shape]))


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ({"shapes": [], "imageHeight": "x", "imageWidth": 3}, "3 x x, is no number of pixels"),
        ({"shapes": [], "imageHeight": 10**6, "imageWidth": 10**6}, "1000000x1000000 .at most"),
        ({"shapes": 7}, "this is not a LabelMe file: it holds shapes"),
        ([], "this is not a LabelMe file: it is an empty JSON list"),
        (7, "it is a number alone"),
        ({}, "it holds nothing"),
        ({"images": [], "annotations": [], "categories": []}, "this is a COCO file, not a LabelMe file"),
        ({"_via_img_metadata": {}}, "this is a VIA file, not a LabelMe file"),
    ],
)
def test_files_of_another_form_are_named(tmp_path: Path, whole: Any, words: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(whole))
    with pytest.raises(DataError, match=rf"a\.json: .*{words}"):
        read_labelme(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "the file is empty"), ("\n", "the file is empty"), ("{", ""), ("[" * 100_000, "nested"), ("\x00\xff", "")],
    ids=["empty", "blank", "cut", "deep", "binary"],
)
def test_damaged_files_are_one_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=rf"a\.json: not readable JSON: {words}"):
        read_labelme(tmp_path / "a.json")


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "a.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError, match=f"{path}: cannot be read: {words}"):
            read_labelme(path)
