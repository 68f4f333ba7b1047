"""Supervisely's projects: classes and colours of meta.json, and the objects of each picture."""

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from PIL import Image

from casnet_cli.data.annotations.supervisely import NO_AREA, read_supervisely
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, Unfit

META = {
    "classes": [{"title": "car", "shape": "polygon", "color": "#FF0080"}, {"title": "any", "shape": "any"}],
    "tags": [],
}
SQUARE = {"exterior": [[2, 2], [6.9, 2], [6.9, 6], [2, 6]], "interior": [[[4, 4], [4, 4], [4, 4]]]}


def packed(mask: np.ndarray, mode: str = "P") -> str:
    image, stream = Image.fromarray(mask.astype(np.uint8)), io.BytesIO()
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 255, 255])
        image.save(stream, "PNG", transparency=0)
    else:
        Image.fromarray(np.dstack([mask, mask, mask, mask]).astype(np.uint8) * 255).save(stream, "PNG")
    return base64.b64encode(zlib.compress(stream.getvalue())).decode()


def project(root: Path, *objects: object, meta: object = META, size: object = None) -> Path:
    for dataset in ("train", "val"):
        (root / dataset / "img").mkdir(parents=True, exist_ok=True)
        (root / dataset / "ann").mkdir(exist_ok=True)
        pixels = np.random.default_rng(len(dataset)).integers(0, 255, (8, 9, 3), np.uint8)
        Image.fromarray(pixels).save(root / dataset / "img/a.png")
        content = {"size": size or {"height": 8, "width": 9}, "objects": objects, "tags": []}
        (root / dataset / "ann/a.png.json").write_text(json.dumps(content))
    (root / "meta.json").write_text(json.dumps(meta))
    return root / "meta.json"


def test_a_project_with_its_classes_colours_and_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project(Path("p"), {"classTitle": "car", "geometryType": "polygon", "points": SQUARE})
    output = stderr_of("prepare", "p", "--out", "o.h5")
    assert "p: pictures with a Supervisely project: meta.json" in output
    store = Store(Path("o.h5"))
    assert store.labels.names == ("background", "car", "any") and store.labels.palette[1] == (255, 0, 128)
    label = next(entry.load().label for entry in store.entries())
    assert label.sum() == 24 and label[4, 4] == 0 and store.names == {"train": ["train/img/a"], "val": ["val/img/a"]}
    stderr_of("prepare", "folder", "--images", "p", "--annotations", "p/meta.json", "--out", "o.h5")
    assert "name its project's meta.json by --annotations" in casnet(
        "prepare", "folder", "--images", "p/train/img", "--annotations", "p/train/ann/a.png.json", code=2
    )


def test_bitmaps_lines_boxes_and_what_encloses_nothing(tmp_path: Path) -> None:
    mask = np.array([[1, 0, 1], [0, 1, 1]], bool)
    bitmap = {"classTitle": "any", "geometryType": "bitmap", "bitmap": {"origin": [3, 1], "data": packed(mask)}}
    alpha = {"classTitle": "any", "shape": "alpha_mask", "bitmap": {"origin": [3, 1], "data": packed(mask, "RGBA")}}
    turned = {"classTitle": "any", "geometryType": "oriented_bbox", "points": [[0, 0], [4, 2]], "angle": 0.3}
    parts = {"classTitle": "any", "geometryType": "multipolygon", "parts": [SQUARE, SQUARE]}
    graph = {"id": 7, "classTitle": "any", "geometryType": "graph", "nodes": {}}
    picture = read_supervisely(project(tmp_path, bitmap, alpha, turned, parts, graph)).pictures[0]
    read = picture.read()
    assert (picture.name, picture.split, read.size) == ("train/img/a.png", "train", (8, 9))
    for one in read.shapes[:2]:
        assert one.bitmap is not None and one.points.tolist() == [[3, 1]]
        np.testing.assert_array_equal(one.bitmap, mask)
    assert read.shapes[2].points.tolist() == [[0, -1], [4, 0], [3, 2], [-1, 1]]
    assert len(read.shapes) == 5 and [one.name for one in read.left_out[NO_AREA]] == ["object 7 (skeleton)"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": {}}, "object 1: is of no form that Supervisely writes"),
        ({"points": {"exterior": [[1, "x"]]}}, "object 1: its points are no pairs of numbers"),
        ({"points": {"exterior": [[1e9, 0]]}}, "object 1: a coordinate of 1e+09"),
        ({"geometryType": "rectangle", "points": {"exterior": [[1, 1]]}}, "object 1: 1 point (at least 2)"),
        ({"geometryType": "bitmap", "bitmap": {"origin": [0, 0], "data": "eJw="}}, "object 1: its mask is no PNG"),
        ({"geometryType": "bitmap", "bitmap": {"origin": [0, 0], "data": 5}}, "object 1: its mask is no PNG"),
        ({"classTitle": None, "points": None}, "object 1: is of no form"),
        ({"geometryType": "cuboid", "points": [[1, 1]], "faces": [0]}, "object 1: is of no form"),
        ({"geometryType": "oriented_bbox", "points": [[1, 1], [3, 3]], "angle": 1e999}, "object 1: is of no form"),
    ],
)
def test_objects_that_cannot_be_read_are_named(tmp_path: Path, change: dict[str, object], words: str) -> None:
    bad = {"classTitle": "car", "geometryType": "polygon", "points": SQUARE} | change
    with pytest.raises(Unfit) as fault:
        read_supervisely(project(tmp_path, bad)).pictures[0].read()
    assert words in str(fault.value) and "a.png.json" in str(fault.value)


def test_projects_of_another_form(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="its size, x x 8, is no number"):
        read_supervisely(project(tmp_path, size={"height": 8, "width": "x"})).pictures[0].read()
    for meta, words in (([1], "this is not a Supervisely project"), ({"classes": [{}]}, "a class without title")):
        with pytest.raises(DataError if words.startswith("a class") else Unfit, match=words):
            read_supervisely(project(tmp_path, meta=meta))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/meta.json").write_text(json.dumps(META))
    with pytest.raises(DataError, match="there are no annotations beside it"):
        read_supervisely(tmp_path / "empty/meta.json")
