"""One's own data with outlines in COCO's or LabelMe's form, on tiny files."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.photographs import photographs

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store
from casnet_cli.labels import VOID


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
    assert (
        store.labels.names == ("background", "cat")
        and label[0].max() == 0
        and label.sum() == 6
        and (label[1:3, 1:4] == 1).all()
    )
    drawn_by_coco = label
    listed[0]["file_name"] = "../classes.toml"
    (home / "coco.json").write_text(json.dumps(whole))
    output = casnet("prepare", "folder", "--images", "images", "--annotations", "coco.json", code=2)
    assert "'../classes.toml': there is no such picture in images" in output
    for i in range(5):
        shape = {"label": "dog", "points": [[1, 1], [4, 3]], "shape_type": "rectangle"}
        file = home / f"outlines/photo {i} ä.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"imagePath": "x.jpg", "imageHeight": 4, "imageWidth": 6, "shapes": [shape]}))
    casnet("prepare", "folder", "--images", "images", "--masks", "outlines", "--name", "me")
    store = Store(home / "data/me.h5")
    label = np.asarray(decode_label(store.parts()["train"][0].label))
    assert store.labels.names == ("background", "dog") and (label[1:4, 1:5] == 1).all() and label.sum() == 12
    assert (label >= drawn_by_coco).all()


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
        ({"height": float("inf")}, "its size, 6 x inf, is no number of pixels"),
        ({"category_id": float("inf")}, "annotation 1: image_id or category_id is no id"),
        ({"segmentation": [[1, 1, 1e400, 1, 4, 3]]}, "annotation 1: a coordinate of inf"),
        ({"segmentation": [[1, 1, 4, 1, 4]]}, "annotation 1: an odd number of coordinates"),
        ({"segmentation": [[1, 1, 4, 1]]}, "annotation 1: 2 points (at least 3)"),
        ({"file_name": "a\u0000.png"}, "there is no such picture in images"),
        ({"file_name": "\ud800.png"}, "there is no such picture in images"),
        ({"file_name": ""}, "there is no such picture in images"),
        ({"file_name": "."}, "there is no such picture in images"),
        ({"file_name": "gone.png"}, "coco.json: 'gone.png': there is no such picture in images"),
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


def prepared(home: Path, *words: str) -> tuple[str, dict[str, np.ndarray], Store]:
    """What `prepare` remarks, the labels by name, and the file."""
    output = stderr_of("prepare", "folder", *words, "--out", "o.h5")
    store = Store(home / "o.h5")
    labels = {entry.name: entry.load().label for entry in store.entries()}
    return output, labels, store


def test_boxes_are_asked_about_drawn_or_skipped(home: Path) -> None:
    words = coco(home, segmentation=[], bbox=[1, 1, 3, 2])
    for verb in ("prepare", "check"):
        output = casnet(verb, *words[: -2 if verb == "check" else None], code=2)
        assert "coco.json: boxes without an outline: 1 of 1 annotation, such as annotation 1 (--boxes draw" in output
    output, labels, _ = prepared(home, *words[1:], "--boxes", "draw")
    assert labels["photo 0 ä"].sum() == 6 and "box" not in output.split("prepared")[0]
    output, labels, _ = prepared(home, *words[1:], "--boxes", "skip")
    assert not labels["photo 0 ä"].any()
    assert "1 shape of boxes without an outline, left out (--boxes skip): annotation 1 (box) of photo 0 ä.JPG" in output
    assert "--boxes: for annotations" in casnet(
        "prepare",
        "folder",
        "--images",
        "images",
        "--masks",
        "masks",
        "--classes",
        "classes.toml",
        "--boxes",
        "draw",
        code=2,
    )


def test_several_files_are_splits(home: Path) -> None:
    """Named, or after their folders; the same picture twice is an error; other divisions exclude named splits."""
    for index, split in enumerate(("train", "valid")):
        words = coco(home, file_name=f"C:\\p\\photo {index} ä.JPG")
        (home / split).mkdir()
        (home / "coco.json").rename(home / split / "labels.json")
    named = ("--annotations", "train=train/labels.json", "--annotations", "val=valid/labels.json")
    plain = ("--annotations", "train/labels.json", "--annotations", "valid/labels.json")
    expected = {"train": ["photo 0 ä"], "val": ["photo 1 ä"]}
    for files in (named, plain):
        assert prepared(home, *words[1:3], *files)[2].names == expected
    assert len(prepared(home, *words[1:3], *plain, "--val-fraction", "0.5")[2].names["val"]) == 1
    every = ("prepare", "folder", *words[1:3])
    assert "--annotations names splits" in casnet(*every, *named, "--folds", "2", code=2)
    said = casnet(*every, *named[:2], *plain[2:], code=2)
    assert "of which split? (--annotations train=valid/labels.json, or val= or test= before it)" in said
    output = casnet(
        *every, "--annotations", "train=train/labels.json", "--annotations", "val=train/labels.json", code=2
    )
    assert "train/labels.json has this picture too (one entry a picture)" in output


def test_pictures_that_no_file_lists_are_counted(home: Path) -> None:
    output, labels, _ = prepared(home, *coco(home)[1:])
    assert "4 pictures in no annotation file, left out, such as images/photo 1 ä.JPG" in output
    assert list(labels) == ["photo 0 ä"]


def test_sizes_come_from_the_picture_where_a_file_has_none(home: Path) -> None:
    words = coco(home, height=None, width=None)
    assert prepared(home, *words[1:])[1]["photo 0 ä"].shape == (4, 6)


def test_names_of_categories_are_merged_and_void_by_the_table(home: Path) -> None:
    words = coco(home)
    whole = json.loads((home / "coco.json").read_text())
    whole["categories"] += [{"id": 8, "name": "Cat"}, {"id": 9, "name": "blur"}]
    row = {"id": 2, "image_id": 1, "category_id": 8, "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]]}
    whole["annotations"] += [row, {**row, "id": 3, "category_id": 9, "segmentation": [[5, 0, 6, 0, 6, 1, 5, 1]]}]
    (home / "coco.json").write_text(json.dumps(whole))
    table = '[[class]]\nname = "background"\nids = [0]\n[[class]]\nname = "animal"\nlabels = ["cat", "Cat"]\n'
    (home / "t.toml").write_text(table)
    fault = (
        "coco.json: annotation 3 (polygon): label 'blur' is no class (background, animal; ids or labels in --classes)"
    )
    assert fault in casnet("prepare", *words, "--classes", "t.toml", code=2)
    (home / "t.toml").write_text('void = {labels = ["blur"]}\n' + table)
    label = prepared(home, *words[1:], "--classes", "t.toml")[1]["photo 0 ä"]
    assert (label[0, 0], label[0, 5], label[1, 3], label[3, 0]) == (1, VOID, 1, 0)


def outlines(home: Path, *shapes: dict[str, object], **changes: object) -> tuple[str, ...]:
    """A LabelMe file of these shapes for each picture; the options that name them."""
    (home / "outlines").mkdir(exist_ok=True)
    for i in range(5):
        record = {"imagePath": "x.jpg", "imageHeight": 4, "imageWidth": 6, "shapes": shapes, **changes}
        (home / f"outlines/photo {i} ä.json").write_text(json.dumps(record))
    return "--images", "images", "--masks", "outlines"


def test_labelme_ignores_and_grounds_and_takes_sizes_from_the_picture(home: Path) -> None:
    def box(label: str, left: int, right: int) -> dict[str, object]:
        return {"label": label, "points": [[left, 0], [right, 3]], "shape_type": "rectangle"}

    shapes = (box("car", 0, 3), box("__ignore__", 2, 2), box("_background_", 3, 3))
    _, labels, store = prepared(home, *outlines(home, *shapes, imageHeight=None, imageWidth=None))
    assert store.labels.names == ("background", "car")
    np.testing.assert_array_equal(labels["photo 0 ä"], [[1, 1, VOID, 0, 0, 0]] * 4)
    (home / "t.toml").write_text('void = {labels = ["car"]}\n[[class]]\nname = "hole"\nlabels = ["__ignore__"]\n')
    _, labels, _ = prepared(home, *outlines(home, *shapes), "--classes", "t.toml")
    np.testing.assert_array_equal(labels["photo 0 ä"], [[VOID, VOID, 0, VOID, VOID, VOID]] * 4)


def test_shapes_outside_are_counted_by_prepare_and_check(home: Path) -> None:
    far = {"label": "car", "points": [[90, 90], [99, 99]], "shape_type": "rectangle"}
    near = {"label": "car", "points": [[1, 1], [2, 2]], "shape_type": "rectangle"}
    words = outlines(home, near, far)
    expected = "5 shapes outside of the picture, left out: shape 2 (box) of photo 0 ä.JPG in photo 0 ä.json"
    assert expected in prepared(home, *words)[0]
    assert expected in casnet("check", "folder", *words, code=1)  # as the pictures are the same


def test_geojson_files_are_a_source(home: Path) -> None:
    (home / "regions").mkdir()
    for i in range(5):
        ring = [[1, 1], [4, 1], [4, 3], [1, 3], [1, 1]]
        one = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"class": "a"}}
        (home / f"regions/photo {i} ä.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [one]}))
    _, labels, store = prepared(home, "--images", "images", "--masks", "regions")
    assert store.labels.names == ("background", "a")
    np.testing.assert_array_equal(np.argwhere(labels["photo 0 ä"]), [(r, c) for r in (1, 2) for c in (1, 2, 3)])


def test_a_foreign_file_is_named_by_its_tool(home: Path) -> None:
    (home / "coco.json").write_text(json.dumps([{"image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1]}]))
    output = casnet("prepare", *coco_words(), code=2)
    assert "coco.json: this is COCO's form of results (" in output and output.count("error:") == 1
