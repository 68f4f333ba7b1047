"""Label Studio's exports: which annotation counts, regions of every kind, and what cannot be read."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.label_studio import CURVED, OLDER, SEVERAL, UNDRAWN, read_label_studio
from casnet_cli.data.annotations.label_studio_rle import packed
from casnet_cli.data.annotations.shapes import AREALESS, Kind
from casnet_cli.errors import DataError, Unfit
from casnet_cli.labels import VOID

HEIGHT, WIDTH = 10, 20
CLASSES = {"cat": 0, "dog": 1}
POLYGON = {"points": [[10, 20], [30, 20], [30, 60], [10, 60]], "closed": True}
"""From (2, 2) to (6, 6) in pixels."""
BRUSH = {"format": "rle", "rle": packed(np.array([23, 43]), np.array([25, 45]), HEIGHT * WIDTH)}
"""Columns 3 and 4 of rows 1 and 2."""


def region(value: dict[str, Any], label: str | None = "cat", **changes: Any) -> dict[str, Any]:
    kind = "brushlabels" if "rle" in value else "polygonlabels"
    labels = {} if label is None else {kind: [label]}
    whole = {
        "id": "r1",
        "type": kind,
        "from_name": "label",
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": value | labels,
    }
    return whole | changes


def annotation(*result: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": 1, "created_at": "2024-01-01T00:00:00Z", "result": list(result), **changes}


def task(*annotations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": 5, "data": {"image": "/data/upload/2/0a1b2c3d-a.png"}, "annotations": list(annotations), **changes}


def export(folder: Path, *tasks: Any) -> AnnotatedFile:
    (folder / "export.json").write_text(json.dumps(tasks))
    return read_label_studio(folder / "export.json")


def label_of(found: AnnotatedFile) -> np.ndarray:
    (picture,) = found.pictures
    content = picture.read()
    assert content.size == (HEIGHT, WIDTH)
    return draw([(one, CLASSES[one.label]) for one in content.shapes], HEIGHT, WIDTH, VOID, PYCOCOTOOLS).label


def window(top: int, bottom: int, left: int, right: int, class_id: int = 0) -> np.ndarray:
    expected = np.full((HEIGHT, WIDTH), VOID)
    expected[top:bottom, left:right] = class_id
    return expected


def bitmask(width: int = WIDTH) -> dict[str, str]:
    pixels = np.zeros((HEIGHT, width, 4), np.uint8)
    pixels[1:3, 3:5, 3] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"imageDataURL": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (POLYGON, window(2, 6, 2, 6)),
        (BRUSH, window(1, 3, 3, 5)),
        (bitmask(), window(1, 3, 3, 5)),
        ({"x": 10, "y": 20, "width": 20, "height": 40, "rotation": 0}, window(2, 6, 2, 6)),
        ({"x": 30, "y": 20, "width": 20, "height": 40, "rotation": 90}, window(2, 6, 2, 6)),
        ({"vertices": [{"x": x, "y": y} for x, y in POLYGON["points"]], "closed": True}, window(2, 6, 2, 6)),
    ],
    ids=["polygon", "brush", "bitmask", "rectangle", "turned", "vector"],
)
def test_kinds_of_regions(tmp_path: Path, value: dict[str, Any], expected: np.ndarray) -> None:
    np.testing.assert_array_equal(label_of(export(tmp_path, task(annotation(region(value))))), expected)


def test_ellipses(tmp_path: Path) -> None:
    value = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 20, "rotation": 90}  # 4 down, 2 across after the turn
    label = label_of(export(tmp_path, task(annotation(region(value)))))
    rows, columns = np.nonzero(label == 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 8, 8, 11)
    assert abs(len(rows) - np.pi * 8) < 3


def test_boxes_are_listed_and_later_regions_lie_on_top(tmp_path: Path) -> None:
    box = {"x": 10, "y": 20, "width": 20, "height": 40}
    found = export(tmp_path, task(annotation(region(POLYGON), region(box, "dog", id="r2"))))
    assert found.boxes == ("region r2 of task 5",) and found.annotations == 2
    np.testing.assert_array_equal(label_of(found), window(2, 6, 2, 6, 1))


def test_labels_beside_shapes_are_one_region(tmp_path: Path) -> None:
    whole = {"id": "c", "type": "choices", "value": {"choices": ["good"]}, "to_name": "image"}
    arrow = {"type": "relation", "from_id": "r1", "to_id": "r2"}
    given = [region(POLYGON | one, None) for one in ({}, {"labels": ["dog"]}, {"choices": ["blurred"]})]
    found = export(tmp_path, task(annotation(*given, whole, arrow)))
    assert found.annotations == 1 and list(found.classes) == ["dog"]
    np.testing.assert_array_equal(label_of(found), window(2, 6, 2, 6, 1))


def test_the_ground_truth_counts_else_the_newest_annotation(tmp_path: Path) -> None:
    old, new = annotation(region(BRUSH)), annotation(region(POLYGON), created_at="2024-01-02T00:00:00Z")
    cancelled = annotation(region(BRUSH), created_at="2025-01-01T00:00:00Z", was_cancelled=True)
    for given in ([old, new, cancelled], [cancelled, new, old]):
        found = export(tmp_path, task(*given))
        np.testing.assert_array_equal(label_of(found), window(2, 6, 2, 6))
        assert [one.name for one in found.pictures[0].read().left_out[OLDER]] == [
            "region r1 of task 5 (run-length code)"
        ]
    found = export(tmp_path, task(old | {"ground_truth": True}, new))
    np.testing.assert_array_equal(label_of(found), window(1, 3, 3, 5))


def test_tasks_without_an_annotation_are_left_out(tmp_path: Path) -> None:
    bare, skipped = task(id=6, predictions=[{"result": []}]), task(annotation(was_cancelled=True), id=7)
    found = export(tmp_path, bare, task(annotation()), skipped)
    (note,) = found.notes
    assert note.endswith("export.json: tasks without an annotation, left out: 2 of 3, such as task 6")
    content = found.pictures[0].read()  # an annotation without regions is a picture without objects
    assert content.shapes == () and content.size is None
    with pytest.raises(DataError, match="no task has an annotation, and 1 of 2 a prediction .submit them"):
        export(tmp_path, bare, skipped)


def test_json_min(tmp_path: Path) -> None:
    def record(value: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
        sides = {"original_width": WIDTH, "original_height": HEIGHT}
        regions = {} if value is None else {"label": [value | {"polygonlabels": ["cat"]} | sides]}
        common = {"image": "a.png", "id": 5, "annotator": 1, "annotation_id": 1, "created_at": "2024", "lead_time": 1}
        return common | regions | changes

    found = export(
        tmp_path,
        record(POLYGON),
        record(BRUSH, created_at="2023", annotation_id=2),
        record(None, id=6, annotation_id=None),
    )
    np.testing.assert_array_equal(label_of(found), window(2, 6, 2, 6))
    assert len(found.notes) == 1 and len(found.pictures[0].read().left_out[OLDER]) == 1


def test_what_is_not_drawn_is_counted(tmp_path: Path) -> None:
    vertices = [
        {"id": n, "x": x, "y": y, "prevPointId": n - 1 or None} for n, (x, y) in enumerate(POLYGON["points"], 1)
    ]
    curved = [*vertices[:-1], vertices[-1] | {"isBezier": True}]
    given = [
        region({"x": 1, "y": 1, "width": 1, "keypointlabels": ["cat"]}, None, id="point"),
        region({"vertices": vertices, "closed": False}, id="line"),
        region({"vertices": curved, "closed": True}, id="curve"),
        region({"start": 1, "end": 2, "labels": ["dog"]}, None, id="text"),
        region(POLYGON | {"polygonlabels": ["cat", "dog"]}, None, id="both"),
    ]
    content = export(tmp_path, task(annotation(*given))).pictures[0].read()
    left_out = {text: [one.id.split()[1] for one in shapes] for text, shapes in content.left_out.items() if shapes}
    assert left_out == {AREALESS: ["point", "line"], CURVED: ["curve"], UNDRAWN: ["text"], SEVERAL: ["both"]}
    assert [one.label for one in content.shapes] == ["cat"] and content.left_out[SEVERAL][0].label == "dog"
    assert content.shapes[0].kind is Kind.POLYGON


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"value": {"points": [[1, 1], [2, 2]], "polygonlabels": ["cat"]}}, "2 points"),
        ({"value": {"points": "x", "polygonlabels": ["cat"]}}, "of no form that Label Studio writes"),
        ({"value": {"points": [[1e9, 1], [2, 2], [3, 4]]}}, "a coordinate of 2e"),
        ({"value": {"rle": BRUSH["rle"][:-9]}}, "a brush that is cut off"),
        ({"value": BRUSH, "original_width": 30}, "a brush of 200 pixels for 300"),
        ({"value": {"rle": None}}, "no list of bytes"),
        ({"value": bitmask(30)}, "a bitmask of 30x10 pixels for 20x10"),
        ({"value": {"imageDataURL": "data:image/png;base64,AAAA"}}, "no PNG"),
        ({"value": {"imageDataURL": 7}}, "of no form"),
        ({"value": {"x": 1, "y": 1, "radiusX": 1e300, "radiusY": 1}}, "a radius of"),
        ({"value": {"x": None, "y": 1, "width": 1, "height": 1}}, "of no form"),
        ({"original_width": None}, "no original_width"),
        ({"original_width": "wide"}, "no number of pixels"),
        ({"original_width": 10**9}, "at most"),
        ({"image_rotation": 90}, "turned by 90 degrees"),
    ],
)
def test_a_damaged_region_is_named(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    found = export(tmp_path, task(annotation(region(POLYGON) | change)))
    with pytest.raises(Unfit, match=rf"export.json: region r1 of task 5: .*{why}.* \(mend or remove it"):
        found.pictures[0].read()


def test_regions_of_two_sizes(tmp_path: Path) -> None:
    found = export(tmp_path, task(annotation(region(POLYGON), region(POLYGON, id="r2", original_width=40))))
    with pytest.raises(Unfit, match="region r2 of task 5: a region of 40x10 pixels beside one of 20x10"):
        found.pictures[0].read()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "not a Label Studio export: it is an empty JSON list"),
        ([7], "not a Label Studio export: it is a JSON list"),
        ([{"a": 1}], "not a Label Studio export: it is a JSON list"),
        ([task(7)], "task 5 is of no form that Label Studio writes"),
        ([task(annotation(7))], "task 5 is of no form"),
        ([task({"result": 7})], "task 5 is of no form"),
        ([task(annotation(), data={"text": "a", "page": 4})], "no picture, but text, page"),
        ([task(annotation(region(POLYGON), region(POLYGON, id="b", to_name="other")))], "on several pictures"),
        ([task(annotation(region(POLYGON, item_index=1)))], "on several pictures"),
        ([task(annotation(), data={"left": "a.png", "right": "b.png"})], "several pictures in its data: left, right"),
    ],
)
def test_what_is_no_export_is_one_line(tmp_path: Path, given: list[Any], why: str) -> None:
    with pytest.raises(DataError, match=why) as error:
        export(tmp_path, *given)
    assert "\n" not in str(error.value) and "export.json" in str(error.value)


def test_names_of_the_picture(tmp_path: Path) -> None:
    data = {"image": "/data/upload/2/0a1b2c3d-a.png", "name": "sub/a.png", "thumb": "b.png"}
    found = export(tmp_path, task(annotation(), data=data, file_upload="0a1b2c3d-a.png")).pictures[0]
    assert (found.name, *found.aliases) == ("/data/upload/2/0a1b2c3d-a.png", "a.png", "0a1b2c3d-a.png")
    shown = region(POLYGON, to_name="photo")
    found = export(tmp_path, task(annotation(shown), data={"image": "a.png", "photo": "b.png"})).pictures[0]
    assert found.name == "b.png"
    assert export(tmp_path, task(annotation(), data={"page": "c.png", "n": "x"})).pictures[0].name == "c.png"


def test_classes_of_the_interface_beside(tmp_path: Path) -> None:
    found = export(tmp_path, task(annotation(region(POLYGON, "dog"), region(POLYGON, "ant", id="r2"))))
    assert found.classes == {"ant": None, "dog": None}
    labels = '<Label value="dog" background="#ff8000"/><Label value="Cat" alias="cat" background="?"/>'
    text = f'<View><Image name="image"/><PolygonLabels name="label">{labels}</PolygonLabels></View>'
    (tmp_path / "interface.xml").write_text(text)
    (tmp_path / "other.xml").write_text("<a/>")
    (tmp_path / "cut.xml").write_text("<View")
    found = export(tmp_path, task(annotation(region(POLYGON, "dog"), region(POLYGON, "ant", id="r2"))))
    assert found.classes == {"dog": (255, 128, 0), "cat": None, "ant": None}
    assert list(found.classes) == ["dog", "cat", "ant"]
    (tmp_path / "second.xml").write_text(text)
    assert list(export(tmp_path, task(annotation(region(POLYGON, "ant")))).classes) == ["ant"]
    (tmp_path / "export.xml").write_text(text)
    assert list(export(tmp_path, task(annotation(region(POLYGON, "ant")))).classes) == ["dog", "cat", "ant"]
