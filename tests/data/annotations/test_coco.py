"""COCO's files: ids, sizes, outlines and boxes as programs write them, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.coco import NO_OUTLINE, read_coco
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

SQUARE = [1, 1, 4, 1, 4, 4, 1, 4]
WHOLE = [0, 0, 7, 0, 7, 6, 0, 6]
CLASSES = {"cat": 0, "dog": 1}


def coco(folder: Path, given: list[Any], **changes: Any) -> Path:
    whole = {
        "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
        "images": [{"id": 1, "file_name": "one.jpg", "height": 6, "width": 7}],
        "annotations": [
            {"id": n, "image_id": 1, "area": 16, **one} if isinstance(one, dict) else one for n, one in enumerate(given)
        ],
        **changes,
    }
    (folder / "coco.json").write_text(json.dumps(whole))
    return folder / "coco.json"


def label_of(found: AnnotatedFile) -> np.ndarray:
    (picture,) = found.pictures
    shapes = picture.read().shapes
    return draw([(one, CLASSES[one.label]) for one in shapes], 6, 7, VOID, PYCOCOTOOLS).label


def square() -> np.ndarray:
    """Class 0 on the 9 pixels that pycocotools has of SQUARE."""
    expected = np.full((6, 7), VOID)
    expected[1:4, 1:4] = 0
    return expected


@pytest.mark.parametrize(
    "annotation",
    [
        {"segmentation": [SQUARE]},
        {"segmentation": SQUARE},
        {"segmentation": [[1, 1, 4, 1, 4, 2, 1, 2], [1, 2, 4, 2, 4, 4, 1, 4]]},
        {"segmentation": [SQUARE], "area": None},
        {"segmentation": [SQUARE], "image_id": "1", "category_id": "3"},
        {"segmentation": [SQUARE], "image_id": 1.0},
        {"segmentation": {"size": [6, 7], "counts": [7, 3, 3, 3, 3, 3, 20]}},
        {"segmentation": {"size": [6, 7], "counts": "733000a0"}},
    ],
)
def test_the_same_region_in_the_forms_that_programs_write(tmp_path: Path, annotation: dict[str, Any]) -> None:
    found = read_coco(coco(tmp_path, [{"category_id": 3, **annotation}]))
    np.testing.assert_array_equal(label_of(found), square())


def test_a_missing_area_is_computed_and_small_things_lie_on_large_ones(tmp_path: Path) -> None:
    large = {"category_id": 9, "segmentation": [WHOLE], "area": 42}
    small = {"category_id": 3, "segmentation": [SQUARE], "area": 9}
    bare = {"category_id": 9, "segmentation": [WHOLE], "area": None}
    expected = np.where(square() == 0, 0, 1)
    for order in ([large, small], [small, large], [small, bare], [bare, small]):
        np.testing.assert_array_equal(label_of(read_coco(coco(tmp_path, order))), expected)


def test_equal_areas_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    first, second = ({"category_id": key, "segmentation": [SQUARE], "area": 9} for key in (9, 3))
    np.testing.assert_array_equal(label_of(read_coco(coco(tmp_path, [first, second]))), square())


def test_boxes_are_shapes_that_are_listed(tmp_path: Path) -> None:
    boxes = [{"category_id": 3, "segmentation": given, "bbox": [1, 1, 3, 3]} for given in ([], None)]
    boxes.append({"category_id": 3, "bbox": [1, 1, 3, 3]})
    found = read_coco(coco(tmp_path, [*boxes, {"category_id": 9}]))
    assert found.boxes == ("annotation 0", "annotation 1", "annotation 2") and found.annotations == 4
    np.testing.assert_array_equal(label_of(found), square())
    content = found.pictures[0].read()
    assert [(one.kind, one.id) for one in content.shapes] == [(Kind.BOX, f"annotation {n}") for n in range(3)]
    assert [(one.kind, one.id) for one in content.left_out[NO_OUTLINE]] == [(Kind.POLYGON, "annotation 3")]


def test_sizes_that_are_missing_and_ids_of_another_type(tmp_path: Path) -> None:
    images = [{"id": "1", "file_name": "a.jpg"}, {"id": "x", "file_name": "b.jpg", "height": None, "width": 3}]
    given = [{"category_id": None, "image_id": "x", "segmentation": [SQUARE]}]
    found = read_coco(
        coco(tmp_path, given, images=images, categories=[{"id": "9", "name": "b"}, {"id": 3, "name": "a"}])
    )
    contents = [one.read() for one in found.pictures]
    assert [(one.size, len(one.shapes)) for one in contents] == [(None, 0), (None, 1)]
    assert contents[1].shapes[0].label == "" and found.ids == {"a": 3, "b": 9} and list(found.classes) == ["a", "b"]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ({"segmentation": [[5, 5, 9, 9]]}, "one.jpg: annotation 77: 2 points .at least 3"),
        ({"segmentation": [[1, 2, 3]]}, "annotation 77: an odd number of coordinates"),
        ({"segmentation": 7}, "annotation 77: its segmentation is of no known form"),
        ({"segmentation": "x"}, "annotation 77: "),
        ({"segmentation": [SQUARE, 3]}, "annotation 77: "),
        ({"segmentation": [[1, 1, 1e400, 1, 4, 3]]}, "annotation 77: a coordinate of inf"),
        ({"segmentation": {"counts": [3]}}, "annotation 77: its segmentation is of no known form"),
        ({"segmentation": {"size": [6, 7], "counts": [3.5]}}, "annotation 77: run lengths that are no whole numbers"),
        ({"segmentation": {"size": [6, 7], "counts": "é"}}, "annotation 77: its segmentation"),
        ({"bbox": [1, 2, 3]}, "annotation 77: its segmentation is of no known form"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_named_by_its_id(
    tmp_path: Path, annotation: dict[str, Any], words: str
) -> None:
    good = {"category_id": 3, "segmentation": [SQUARE]}
    file = coco(tmp_path, [good, {"id": 77, "category_id": 3, **annotation}])
    with pytest.raises(DataError, match=rf"coco\.json: .*{words}"):
        label_of(read_coco(file))


@pytest.mark.parametrize(
    ("changes", "annotation", "words"),
    [
        ({}, {"category_id": 4, "segmentation": [SQUARE]}, "annotation 0 has category 4, which is not there"),
        ({}, {"category_id": 3, "image_id": 8}, "annotation 0 is of image 8, which is not there"),
        ({}, {"category_id": 3, "image_id": None}, "annotation 0: image_id or category_id is no id"),
        ({}, {"category_id": float("inf")}, "annotation 0: image_id or category_id is no id"),
        ({}, 5, "annotation 1 of the file is no table"),
        ({"images": 3}, {"category_id": 3}, "this is not a COCO file: it holds annotations, categories, images"),
        ({"categories": None}, {"category_id": 3}, "this is not a COCO file"),
        ({"annotations": {}}, {"category_id": 3}, "this is not a COCO file"),
        ({"categories": [{"id": 1}]}, {"category_id": 3}, "a category without id or name"),
        ({"images": [{"id": 1}]}, {"category_id": 3}, "image 1 has no id or no file_name"),
        ({"images": [{"id": 1, "file_name": "a"}, {"id": "1", "file_name": "b"}]}, {}, "two images share an id, 1"),
        ({"images": [{"id": 1, "file_name": "x", "height": 10**6, "width": 10**6}]}, {}, "1000000x1000000 .at most"),
        ({"images": [{"id": 1, "file_name": "x", "height": float("inf"), "width": 1}]}, {}, "no number of pixels"),
        ({"annotations": [{"segments_info": []}]}, {}, "a COCO panoptic file, not a COCO file"),
    ],
)
def test_faults_of_the_file(tmp_path: Path, changes: dict[str, Any], annotation: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"coco\.json: .*{words}"):
        read_coco(coco(tmp_path, [annotation], **changes))


@pytest.mark.parametrize(
    ("whole", "tool"),
    [
        ([{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}], "a Label Studio export"),
        ({"_via_settings": {}, "_via_img_metadata": {}}, "a VIA file"),
        ({"a.jpg1": {"filename": "a.jpg", "regions": []}}, "a VIA file"),
        ({"project": {}, "view": {}, "metadata": {}}, "a VIA 3 project"),
        ({"shapes": [], "imagePath": "a.jpg"}, "a LabelMe file"),
        ({"items": [], "categories": {}, "info": {}}, "a datumaro file"),
        ({"objects": [], "size": {}}, "a Supervisely annotation"),
        ({"item": {}, "annotations": []}, "a Darwin file"),
        ({"type": "FeatureCollection", "features": []}, "a GeoJSON file"),
        ([{"type": "Feature", "geometry": {}}], "a GeoJSON file"),
        ([{"image_id": 1, "category_id": 1}], "COCO's form of results"),
    ],
)
def test_a_file_of_another_tool_is_named_by_it(tmp_path: Path, whole: Any, tool: str) -> None:
    (tmp_path / "c.json").write_text(json.dumps(whole))
    with pytest.raises(DataError, match=rf"c\.json: this is {tool}"):
        read_coco(tmp_path / "c.json")


def test_pictures_of_label_studio_are_found_by_their_addresses(tmp_path: Path) -> None:
    """As its COCO of brushes has them."""
    path = "/data/local-files/?d=photos/sub%20dir/new%20%C3%A4.png"
    image = {"id": 0, "file_name": "new%20%C3%A4.png", "path": path, "width": 4, "height": 3}
    file = tmp_path / "result_coco.json"
    file.write_text(json.dumps({"images": [image], "annotations": [], "categories": [{"id": 0, "name": "a"}]}))
    (picture,) = read_coco(file).pictures
    assert picture.name == "new%20%C3%A4.png" and picture.aliases[0] == "photos/sub dir/new ä.png"
    assert "new ä.png" in picture.aliases


def test_a_category_of_the_name_null_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="category 3 has null as its name"):
        read_coco(coco(tmp_path, [], categories=[{"id": 3, "name": None}]))


def test_categories_of_one_name_are_named(tmp_path: Path) -> None:
    categories = [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}, {"id": "12", "name": "cat"}]
    found = read_coco(coco(tmp_path, [], categories=categories))
    (note,) = found.notes
    assert "coco.json: categories 3, 12 are all called 'cat', and one class" in note
    assert not read_coco(coco(tmp_path, [])).notes
