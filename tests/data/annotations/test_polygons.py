"""COCO and LabelMe annotations → class ids, against pixels set by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casnet_cli.data.annotations import polygons
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

SQUARE = [1, 1, 4, 1, 4, 4, 1, 4]


def coco(folder: Path, annotations: list[dict[str, Any]], **changes: Any) -> Path:
    whole = {
        "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
        "images": [{"id": 1, "file_name": "one.jpg", "height": 6, "width": 7}],
        "annotations": [{"id": n, "image_id": 1, "area": 16, **one} for n, one in enumerate(annotations)],
        **changes,
    }
    (folder / "coco.json").write_text(json.dumps(whole))
    return folder / "coco.json"


def label_of(file: Path) -> np.ndarray:
    _, (image,) = polygons.read_coco(file)
    return polygons.coco_label(image, file, {3: 0, 9: 1}, VOID)


def test_a_polygon_covers_its_border(tmp_path: Path) -> None:
    expected = np.full((6, 7), VOID)
    expected[1:5, 1:5] = 0
    file = coco(tmp_path, [{"category_id": 3, "segmentation": [SQUARE]}])
    np.testing.assert_array_equal(label_of(file), expected)


def test_small_things_lie_on_large_ones_whatever_their_order(tmp_path: Path) -> None:
    large = {"category_id": 3, "segmentation": [[0, 0, 6, 0, 6, 5, 0, 5]], "area": 42}
    small = {"category_id": 9, "segmentation": [SQUARE], "area": 16}
    expected = np.zeros((6, 7))
    expected[1:5, 1:5] = 1
    for order in ([large, small], [small, large]):
        np.testing.assert_array_equal(label_of(coco(tmp_path, order)), expected)


def encoded(mask: np.ndarray) -> tuple[list[int], str]:
    """Run lengths down the columns, and COCO's string of them, written by its description."""
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, len(flat)]).tolist()
    runs = [0, *runs] if flat[0] else runs
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            low, value = value & 31, value >> 5
            more = not (value == 0 and not low & 16 or value == -1 and low & 16)
            text += chr((low | 32 if more else low) + 48)
            if not more:
                break
    return runs, text


@pytest.mark.parametrize("form", [0, 1])
def test_run_lengths_plain_and_compressed(tmp_path: Path, form: int) -> None:
    rng = np.random.default_rng(2)
    for density in (0.1, 0.5, 0.95):
        mask = rng.random((40, 60)) < density
        image = {"id": 1, "file_name": "one.jpg", "height": 40, "width": 60}
        segmentation = {"size": [40, 60], "counts": encoded(mask)[form]}
        file = coco(tmp_path, [{"category_id": 9, "segmentation": segmentation}], images=[image])
        np.testing.assert_array_equal(label_of(file), np.where(mask, 1, VOID))


@pytest.mark.parametrize(
    ("changes", "annotation", "words"),
    [
        ({}, {"category_id": 4, "segmentation": [SQUARE]}, "category 4, which is not there"),
        ({}, {"category_id": 3, "image_id": 8, "segmentation": [SQUARE]}, "of image 8, which is not there"),
        ({"images": 3}, {"category_id": 3, "segmentation": [SQUARE]}, "no COCO annotation file"),
        ({"categories": None}, {"category_id": 3, "segmentation": [SQUARE]}, "no COCO annotation file"),
        ({}, {"category_id": 3}, "'segmentation' is missing"),
        ({}, {"category_id": 3, "segmentation": [[1, 2, 3]]}, "of no known form"),
        ({}, {"category_id": 3, "segmentation": {"size": [6, 7], "counts": [3]}}, "run lengths of 3 pixels"),
        ({}, {"category_id": 3, "segmentation": {"size": [10**6, 10**6], "counts": [10**12]}}, "run lengths"),
        (
            {"images": [{"id": 1, "file_name": "x", "height": 10**6, "width": 10**6}]},
            {"category_id": 3, "segmentation": [SQUARE]},
            "1000000x1000000 (at most",
        ),
    ],
)
def test_faults_of_coco(tmp_path: Path, changes: dict[str, Any], annotation: dict[str, Any], words: str) -> None:
    file = coco(tmp_path, [annotation], **changes)
    with pytest.raises(DataError) as caught:
        label_of(file)
    assert words in str(caught.value) and "coco.json" in str(caught.value)


def labelme(folder: Path, shapes: list[dict[str, Any]], **changes: Any) -> Path:
    whole = {"imagePath": "..\\photos\\a.jpg", "imageHeight": 6, "imageWidth": 7, "shapes": shapes, **changes}
    (folder / "a.json").write_text(json.dumps(whole))
    return folder / "a.json"


def test_labelme_shapes_in_their_order(tmp_path: Path) -> None:
    shapes = [
        {"label": "dog", "points": [[1, 1], [4, 4]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[2, 2], [2, 3]], "shape_type": "circle"},
        {"label": "cat", "points": [[6, 0], [6, 5], [5, 5]], "shape_type": "polygon"},
    ]
    file = labelme(tmp_path, shapes)
    found = polygons.read_labelme(file)
    label = polygons.labelme_label(found, file, {"cat": 0, "dog": 1}, VOID)
    expected = np.full((6, 7), VOID)
    expected[1:5, 1:5] = 1
    expected[2, 1:4] = expected[1:4, 2] = 0
    expected[:, 6], expected[5, 5] = 0, 0
    np.testing.assert_array_equal(label[:, :5], expected[:, :5])
    np.testing.assert_array_equal(label[:, 6], expected[:, 6])
    with pytest.raises(DataError, match="label 'dog' is no class"):
        polygons.labelme_label(found, file, {"cat": 0}, VOID)


@pytest.mark.parametrize(
    ("shapes", "changes"),
    [
        ([{"label": "a", "points": [[1, 1], [2, 2]], "shape_type": "line"}], {}),
        ([{"points": []}], {}),
        ([], {"imageHeight": "x"}),
        (7, {}),
    ],
)
def test_faults_of_labelme(tmp_path: Path, shapes: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"a\.json: no LabelMe file"):
        polygons.read_labelme(labelme(tmp_path, shapes, **changes))
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="not readable JSON"):
        polygons.read_labelme(tmp_path / "a.json")
