"""Darwin's files: polygons with several paths, layers of masks, slots, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import stderr_of
from PIL import Image

from casnet_cli.data.annotations.darwin import NOT_DRAWN, OTHER_SLOT, read_darwin
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError

SLOTS = [{"slot_name": "0", "width": 6, "height": 4}, {"slot_name": "1", "width": 6, "height": 4}]


def path(*corners: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in corners]


SQUARE = path((0, 0), (3, 0), (3, 3), (0, 3))
HOLE = path((1, 1), (2, 1), (2, 2), (1, 2))
LAYER = {"dense_rle": [0, 6, 2, 3, 0, 3, 5, 12], "mask_annotation_ids_mapping": {"m": 2, "n": 5}, "total_pixels": 24}
LAYERED = [
    {"id": "m", "name": "cat", "mask": {}},
    {"id": "n", "name": "dog ", "mask": {}},
    {"name": "__raster_layer__", "raster_layer": LAYER},
]


def written(folder: Path, *annotations: Any, **more: Any) -> Path:
    whole = {"version": "2.0", "item": {"name": "a.png", "slots": SLOTS}, "annotations": annotations, **more}
    (folder / "a.json").write_text(json.dumps(whole))
    return folder / "a.json"


def test_polygons_layers_and_what_is_left_out(tmp_path: Path) -> None:
    polygon = {"name": "cat", "polygon": {"paths": [SQUARE, HOLE]}, "slot_names": ["0"]}
    other = {"name": "cat", "polygon": {"paths": [SQUARE]}, "slot_names": ["1"]}
    box = {"name": "cat", "bounding_box": {"x": 0, "y": 0, "w": 1, "h": 1}}
    ellipse = {"name": "cat", "ellipse": {"center": {"x": 2, "y": 2}, "radius": {"x": 1, "y": 2}, "angle": 0}}
    read = read_darwin(written(tmp_path, polygon, other, box, ellipse, *LAYERED))
    assert read.size == (4, 6) and [one.label for one in read.shapes] == ["cat", "cat", "dog"]
    assert read.shapes[0].kind is Kind.POLYGON and len(read.shapes[0].holes) == 1
    cat, dog = (one.bitmap for one in read.shapes[1:])
    assert cat is not None and cat[1].tolist() == [True] * 3 + [False] * 3 and cat.sum() == 3
    assert dog is not None and dog[2:].all() and dog.sum() == 12
    assert [one.name for one in read.left_out[NOT_DRAWN]] == ["annotation 3 (box)", "annotation 4 (ellipse)"]
    assert len(read.left_out[OTHER_SLOT]) == 1


def test_version_1(tmp_path: Path) -> None:
    image = {"width": 6, "height": 4, "filename": "a.png"}
    complex_one = {"name": "b", "complex_polygon": {"path": [SQUARE, HOLE]}}
    read = read_darwin(
        written(tmp_path, {"name": "a", "polygon": {"path": SQUARE}}, complex_one, item=None, image=image)
    )
    assert read.size == (4, 6) and [len(one.holes) for one in read.shapes] == [0, 1]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ({"name": "a", "polygon": {"paths": [SQUARE[:2]]}}, r"annotation 1: 2 points \(at least 3\)"),
        ({"name": "a", "polygon": {"paths": []}}, "annotation 1: is of no form"),
        ({"polygon": {"paths": [SQUARE]}}, "annotation 1: is of no form"),
        ({"name": "a", "frames": {}}, "annotation 1: it is of a film"),
        ({"name": "a", "what": 1}, "annotation 1: casnet does not know this kind"),
        ({"name": "l", "raster_layer": LAYER | {"dense_rle": [0, 5]}}, "do not add up to 6x4 pixels"),
        ({"name": "l", "raster_layer": LAYER | {"dense_rle": [0, 5, 3]}}, "annotation 1: is of no form"),
        ({"name": "l", "raster_layer": LAYER | {"mask_annotation_ids_mapping": {}}}, "number 2, which no mask has"),
        (3, "an annotation is of no form of Darwin"),
    ],
)
def test_faults(tmp_path: Path, annotation: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"a\.json: .*{words}"):
        read_darwin(written(tmp_path, annotation))


def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d/images").mkdir(parents=True)
    Path("d/annotations").mkdir()
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save("d/images/a.png")
    written(Path("d/annotations"), *LAYERED, {"name": "cat", "polygon": {"paths": [SQUARE, HOLE]}})
    output = stderr_of("prepare", "d", "--out", "o.h5")
    assert "d: pictures with a Darwin file each: 1 of them in annotations/" in output
    store = Store(Path("o.h5"))
    label = next(entry.load().label for entry in store.entries())
    assert store.labels.names == ("background", "cat", "dog")
    assert label.tolist() == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 1, 2, 2, 2], [2] * 6]
