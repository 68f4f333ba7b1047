"""One's own data with outlines in COCO's or LabelMe's form, on tiny files."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet
from helpers.photographs import photographs

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return photographs(tmp_path)


def test_coco_and_labelme(home: Path) -> None:
    listed = [{"id": i, "file_name": f"photo {i} ä.JPG", "height": 4, "width": 6} for i in range(5)]
    box = {"category_id": 7, "segmentation": [[1, 1, 4, 1, 4, 3, 1, 3]], "area": 12}
    annotations = [{"id": i, "image_id": i, **box} for i in range(5)]
    whole = {"images": listed, "categories": [{"id": 7, "name": "cat"}], "annotations": annotations}
    (home / "coco.json").write_text(json.dumps(whole))
    casnet("prepare", "folder", "--images", "images", "--annotations", "coco.json", "--name", "coco")
    store = Store(home / "data/coco.h5")
    label = np.asarray(decode_label(store.parts()["train"][0].label))
    assert store.labels.names == ("background", "cat") and label[0].max() == 0 and (label[1:, 1:5] == 1).all()
    listed[0]["file_name"] = "../classes.toml"
    (home / "coco.json").write_text(json.dumps(whole))
    output = casnet("prepare", "folder", "--images", "images", "--annotations", "coco.json", code=2)
    assert "'../classes.toml' is no name of a file in images" in output
    for i in range(5):
        shape = {"label": "dog", "points": [[1, 1], [4, 3]], "shape_type": "rectangle"}
        file = home / f"outlines/photo {i} ä.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"imagePath": "x.jpg", "imageHeight": 4, "imageWidth": 6, "shapes": [shape]}))
    casnet("prepare", "folder", "--images", "images", "--masks", "outlines", "--name", "me")
    store = Store(home / "data/me.h5")
    np.testing.assert_array_equal(np.asarray(decode_label(store.parts()["train"][0].label)), label)
    assert store.labels.names == ("background", "dog")


def coco(home: Path, **changes: object) -> tuple[str, ...]:
    """A COCO file of one image and one polygon, with something changed; the options that name it."""
    image = {"id": 1, "file_name": "photo 0 ä.JPG", "height": 4, "width": 6}
    polygon = {"id": 1, "image_id": 1, "category_id": 7, "segmentation": [[1, 1, 4, 1, 4, 3]], "bbox": [1, 1, 3, 2]}
    for key, value in changes.items():
        (image if key in image else polygon)[key] = value
    whole = {"images": [image], "categories": [{"id": 7, "name": "cat"}], "annotations": [polygon]}
    (home / "coco.json").write_text(json.dumps(whole))
    return "folder", "--images", "images", "--annotations", "coco.json", "--name", "coco"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"height": float("inf")}, "no COCO annotation file"),
        ({"category_id": float("inf")}, "no COCO annotation file"),
        ({"segmentation": [[1, 1, 1e400, 1, 4, 3]]}, "all of them finite"),
        ({"segmentation": [[1, 1, 4, 1, 4]]}, "odd number of coordinates"),
        ({"segmentation": [[1, 1, 4, 1]]}, "a polygon of 2 points"),
        ({"file_name": "a\u0000.png"}, "is no name of a file in images"),
        ({"file_name": "\ud800.png"}, "is no name of a file in images"),
        ({"file_name": ""}, "is no name of a file in images"),
        ({"file_name": "."}, "is no name of a file in images"),
        ({"file_name": "gone.png"}, "gone.png: is not there, though coco.json names it"),
    ],
)
def test_coco_of_another_shape_is_one_line(home: Path, changes: dict[str, object], words: str) -> None:
    output = casnet("prepare", *coco(home, **changes), code=2)
    assert words in output and output.count("error:") == 1


def test_coco_of_images_that_are_links(home: Path) -> None:
    (home / "links").mkdir()
    (home / "links/a.png").symlink_to(home / "images/photo 0 ä.JPG")
    words = list(coco(home, file_name="./a.png"))
    words[2] = "links"
    casnet("prepare", *words)
    assert Store(home / "data/coco.h5").names == {"train": ["a"]}


def test_coco_without_areas_and_with_too_many_classes(home: Path) -> None:
    casnet("prepare", *coco(home))
    whole = json.loads((home / "coco.json").read_text())
    (home / "coco.json").write_text(
        json.dumps(whole | {"categories": [{"id": k, "name": f"c{k}"} for k in range(400)]})
    )
    assert "401 classes (at most 255; merge some by --classes)" in casnet("prepare", *coco_words(), code=2)
    (home / "coco.json").write_text(json.dumps(whole | {"images": whole["images"] * 2}))
    assert "two images share an id" in casnet("prepare", *coco_words(), code=2)


def coco_words() -> tuple[str, ...]:
    return "folder", "--images", "images", "--annotations", "coco.json", "--name", "coco"


@pytest.mark.parametrize(
    "change", [{"points": []}, {"points": [[1, 1]]}, {"points": [[1, 1], [2, float("nan")], [3, 3]]}]
)
def test_labelme_of_another_shape_is_one_line(home: Path, change: dict[str, object]) -> None:
    (home / "outlines").mkdir()
    for i in range(5):
        shape = {"label": "dog", "points": [[1, 1], [4, 1], [4, 3]], **(change if i == 3 else {})}
        record = {"imagePath": "x.jpg", "imageHeight": 4, "imageWidth": 6, "shapes": [shape]}
        (home / f"outlines/photo {i} ä.json").write_text(json.dumps(record))
    output = casnet("prepare", "folder", "--images", "images", "--masks", "outlines", code=2)
    assert "photo 3 ä.json" in output and output.count("error:") == 1
    found = json.loads(casnet("check", "folder", "--images", "images", "--masks", "outlines", "--json", "-", code=1))
    assert [finding["kind"] for finding in found["findings"] if finding["severity"] == "error"] == ["unreadable"]
