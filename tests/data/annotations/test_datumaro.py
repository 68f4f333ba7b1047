"""Datumaro's JSON files: shapes as datumaro draws them, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.drawn_masks import mask_of

from casnet_cli.data.annotations.datumaro import NOT_DRAWN, read_datumaro
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.errors import DataError

CLASSES = {"sky": 0, "road": 1, "tree": 2}
SQUARE = {"type": "polygon", "label_id": 1, "points": [1, 1, 4, 1, 4, 4, 1, 4]}


def datumaro(folder: Path, *annotations: Any, **changes: Any) -> Path:
    whole = {
        "info": {},
        "categories": {
            "label": {"labels": [{"name": name, "parent": "", "attributes": []} for name in CLASSES]},
            "mask": {"colormap": [{"label_id": 2, "r": 1, "g": 2, "b": 3}]},
        },
        "items": [{"id": "sub/a", "annotations": annotations, "image": {"path": "sub/a.png", "size": [5, 6]}}],
        **changes,
    }
    (folder / "val.json").write_text(json.dumps(whole))
    return folder / "val.json"


def drawn(folder: Path, *annotations: Any) -> np.ndarray:
    (picture,) = read_datumaro(datumaro(folder, *annotations)).pictures
    content = picture.read()
    assert content.size == (5, 6)
    return draw([(one, CLASSES[one.label]) for one in content.shapes], 5, 6, 255, PYCOCOTOOLS).label


def test_polygons_boxes_masks_and_ellipses(tmp_path: Path) -> None:
    square = mask_of("......", ".rrr..", ".rrr..", ".rrr..", "......")
    boxes = {"type": "bbox", "label_id": 1, "bbox": [1, 1, 3, 3]}
    runs = {"type": "mask", "label_id": 1, "rle": {"size": [5, 6], "counts": "6320009"}}
    np.testing.assert_array_equal(drawn(tmp_path, SQUARE), square)
    np.testing.assert_array_equal(drawn(tmp_path, boxes), square)
    np.testing.assert_array_equal(drawn(tmp_path, {**boxes, "attributes": {"rotation": 90.0}}), square)
    np.testing.assert_array_equal(drawn(tmp_path, runs), square)
    ellipse = {"type": "ellipse", "label_id": 1, "points": [0, 1, 6, 4]}
    np.testing.assert_array_equal(drawn(tmp_path, ellipse), mask_of("......", ".rrrr.", "rrrrrr", ".rrrr.", "......"))


def test_higher_orders_lie_on_top(tmp_path: Path) -> None:
    low, high = ({"type": "bbox", "label_id": n, "bbox": [0, 0, 6, 5], "z_order": n} for n in (1, 2))
    assert (drawn(tmp_path, high, low) == 2).all()
    assert (drawn(tmp_path, {**high, "z_order": 1}, low) == 1).all()


def test_labels_boxes_and_names(tmp_path: Path) -> None:
    box = {"type": "bbox", "label_id": None, "bbox": [0, 0, 6, 5]}
    items = [
        {"id": "a", "annotations": [SQUARE, box], "image": {"path": "/far/a.png"}},
        {"id": "b/c", "annotations": [], "media": {"path": ""}},
        {"id": "d", "annotations": []},
    ]
    found = read_datumaro(datumaro(tmp_path, items=items))
    assert dict(found.classes) == {"sky": None, "road": None, "tree": (1, 2, 3)}
    assert found.ids == {"sky": 0, "road": 1, "tree": 2}
    assert found.boxes == ("annotation 2 of /far/a.png",) and found.annotations == 2
    assert [one.name for one in found.pictures] == ["/far/a.png", "val/b/c", "val/d"]
    content = found.pictures[0].read()
    assert content.size is None and [one.label for one in content.shapes] == ["road", ""]


def test_what_datumaro_makes_no_mask_of_is_counted_by_kind(tmp_path: Path) -> None:
    types = ("polyline", "points", "cuboid_3d", "skeleton", "label", "caption")
    found = read_datumaro(datumaro(tmp_path, *({"type": one, "label_id": 0} for one in types))).pictures[0].read()
    kinds = [Kind.LINE, Kind.POINT, Kind.CUBOID, Kind.SKELETON, Kind.TAG, Kind.TAG]
    assert [one.kind for one in found.left_out[NOT_DRAWN]] == kinds and not found.shapes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label_id": 3}, r"\(polygon\): has label_id 3, which is not there"),
        ({"label_id": -1}, r"\(polygon\): has label_id -1, which is not there"),
        ({"label_id": "x"}, r"\(polygon\): is of no form that datumaro writes"),
        ({"label_id": 1.5}, r"\(polygon\): is of no form that datumaro writes"),
        ({"z_order": "x"}, r"\(polygon\): is of no form that datumaro writes"),
        ({"points": [1, 2, 3]}, r"\(polygon\): an odd number of coordinates"),
        ({"points": [1, 2, 3, 4]}, r"\(polygon\): 2 points \(at least 3"),
        ({"points": None}, r"\(polygon\): "),
        ({"type": "bbox", "bbox": [1, 2, 3]}, r"\(bbox\): is of no form that datumaro writes"),
        ({"type": "bbox", "bbox": [1, 2, 3, 1e300]}, r"\(bbox\): a coordinate of 1e\+300"),
        ({"type": "bbox", "bbox": [1, 2, 3, 4], "attributes": {"rotation": "x"}}, r"\(bbox\): is of no form"),
        ({"type": "mask", "rle": {"counts": [1, 2], "size": [5, 6]}}, r"\(mask\): is of no form"),
        ({"type": "mask", "rle": {"counts": "é", "size": [5, 6]}}, r"\(mask\): is of no form"),
        ({"type": "mask"}, r"\(mask\): is of no form"),
        ({"type": "ellipse", "points": [1, 2]}, r"\(ellipse\): 1 point"),
        ({"type": "rotated_bbox"}, r"\(rotated_bbox\): casnet does not know this type of annotation"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=rf"val\.json: val/sub/a\.png: annotation 2 {words}"):
        drawn(tmp_path, SQUARE, {**SQUARE, **change})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"items": {}}, "this is not a datumaro file: it holds categories, info, items .expected items and categories"),
        ({"categories": []}, "categories of no form that datumaro writes"),
        ({"categories": {"label": {"labels": [{}]}}}, "categories of no form that datumaro writes"),
        ({"items": [3]}, "item 1 is of no form that datumaro writes"),
        ({"items": [{"id": "a"}]}, "item 1 is of no form that datumaro writes"),
        ({"items": [{"id": "a", "annotations": [{}]}]}, "item 1 is of no form that datumaro writes"),
        ({"items": [{"id": "a", "annotations": [], "image": {"size": [3]}}]}, "val/a: its size is no height and width"),
        ({"items": [{"id": "a", "annotations": [], "image": {"size": ["x", 3]}}]}, "val/a: its size, 3 x x, is no num"),
    ],
)
def test_faults_of_the_file(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=rf"val\.json: {words}"):
        [one.read() for one in read_datumaro(datumaro(tmp_path, **changes)).pictures]


def test_a_file_of_another_tool_is_named_by_it(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"shapes": [], "imagePath": "a.jpg"}))
    with pytest.raises(DataError, match=r"c\.json: this is a LabelMe file, not a datumaro file"):
        read_datumaro(tmp_path / "c.json")
