"""COCO's panoptic files: pixels by the numbers of segments, void, and what is damaged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.annotations.coco_panoptic import UNLISTED, WITHOUT_PIXEL, read_panoptic
from casnet_cli.data.annotations.drawing import LABELME, draw
from casnet_cli.data.annotations.labelme import GROUND, IGNORED
from casnet_cli.errors import CasnetError

NUMBERS = np.array([[0, 7, 7, 300], [0, 7, 70_000, 300], [9, 9, 70_000, 70_000]], np.uint32)
"""Segments of a picture; 9 is in no list."""


def png(numbers: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([numbers >> shift & 255 for shift in (0, 8, 16)]).astype(np.uint8))


def content(**more: object) -> dict[str, Any]:
    segments = [
        {"id": 300, "category_id": 2, "iscrowd": 0, "area": 2, "bbox": [3, 0, 1, 2]},
        {"id": 7, "category_id": 1, "iscrowd": 1},
        {"id": 70_000, "category_id": 2, "iscrowd": 0},
        {"id": 8, "category_id": 1, "iscrowd": 0},
    ]
    return {
        "images": [{"id": 5, "file_name": "a.jpg", "height": 3, "width": 4}, {"id": 6, "file_name": "b.jpg"}],
        "annotations": [{"image_id": 5, "file_name": "a.png", "segments_info": segments}],
        "categories": [
            {"id": 2, "name": "car", "isthing": 1, "color": [0, 0, 142]},
            {"id": 1, "name": "road", "isthing": 0},
        ],
    } | more


def written(folder: Path, value: dict[str, Any], place: str = "panoptic_val") -> Path:
    (folder / place).mkdir(parents=True)
    png(NUMBERS).save(folder / place / "a.png")
    file = folder / "panoptic_val.json"
    file.write_text(json.dumps(value))
    return file


def test_pixels_have_the_category_of_their_segment(tmp_path: Path) -> None:
    found = read_panoptic(written(tmp_path, content()))
    assert list(found.classes.items()) == [("road", None), ("car", (0, 0, 142))]
    assert found.ids == {GROUND: 0, "road": 1, "car": 2}
    assert found.masks == (tmp_path / "panoptic_val/a.png",)
    assert [picture.name for picture in found.pictures] == ["a.jpg", "b.jpg"]
    assert found.notes[0].endswith("1 picture without an entry in annotations, such as b.jpg: empty")
    shapes = found.pictures[0].read()
    ids = {GROUND: 255, IGNORED: 254, "road": 1, "car": 2}
    drawn = draw([(shape, ids[shape.label]) for shape in shapes.shapes], *(shapes.size or (0, 0)), 9, LABELME)
    np.testing.assert_array_equal(drawn.label, [[255, 1, 1, 2], [255, 1, 2, 2], [254, 254, 2, 2]])
    left_out = {text: [shape.name for shape in group] for text, group in shapes.left_out.items()}
    assert left_out == {UNLISTED: ["segment 9 (bitmap)"], WITHOUT_PIXEL: ["segment 8 (bitmap)"]}
    assert not found.pictures[1].read().shapes


@pytest.mark.parametrize("place", ["panoptic_val", "masks/deep", "../panoptic_val"])
def test_the_folder_of_the_png_files_is_found_by_its_content(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "set/annotations"
    (folder / "other").mkdir(parents=True)
    png(NUMBERS + 1).save(folder / "other/a.png")
    (mask,) = read_panoptic(written(folder, content(), place)).masks
    assert mask.resolve() == (folder / place / "a.png").resolve()
    (folder / place / "a.png").unlink()
    with pytest.raises(CasnetError, match=r"panoptic_val.json: its PNG files, such as a.png, are not there"):
        read_panoptic(folder / "panoptic_val.json")


def test_category_0_keeps_its_number(tmp_path: Path) -> None:
    value = content(categories=[{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}, {"id": 2, "name": "car"}])
    assert read_panoptic(written(tmp_path, value)).ids == {"sky": 0, "road": 1, "car": 2}


SEGMENT = {"id": 7, "category_id": 1}


def entry(*segments: object, image: int = 5, name: object = "a.png") -> dict[str, object]:
    return {"image_id": image, "file_name": name, "segments_info": list(segments)}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"categories": []}, "has no categories"),
        ({"images": {}}, "this is not a COCO panoptic file: it holds annotations, categories, images"),
        ({"annotations": [3]}, "annotation 1 of the file lacks image_id, file_name or segments_info"),
        ({"annotations": [entry(name=3)]}, "annotation 1 of the file lacks image_id"),
        ({"annotations": [entry(image=1)]}, "annotation 1 of the file is of image 1, which is not there"),
        ({"annotations": [entry(), entry()]}, "two annotations are of image 5, a.jpg"),
        ({"annotations": [entry(SEGMENT, {"id": 8})]}, "a.jpg: segment 2 has no id, or no category that is there"),
        ({"annotations": [entry({"id": 7, "category_id": 9})]}, "a.jpg: segment 1 has no id, or no category"),
        ({"annotations": [entry(SEGMENT, SEGMENT)]}, "a.jpg: two segments have id 7"),
        ({"annotations": [entry(SEGMENT, name="../../../etc/passwd")]}, "file_name ../../../etc/passwd leads out of"),
        ({"annotations": [entry({"id": 6, "category_id": 1})]}, "its PNG files, such as a.png, are not there"),
    ],
)
def test_damage_is_named(tmp_path: Path, more: dict[str, object], words: str) -> None:
    file = written(tmp_path, content(**more))
    with pytest.raises(CasnetError, match=words) as caught:
        read_panoptic(file).pictures[0].read()
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_a_photograph_in_place_of_segments_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, content())
    found = read_panoptic(file).pictures[0]
    png(np.arange(2000, dtype=np.uint32).reshape(40, 50) + 500).save(tmp_path / "panoptic_val/a.png")
    with pytest.raises(CasnetError, match=r"a.png: holds 2,000 numbers, and segments_info 4 \(is it a PNG"):
        found.read()


@pytest.mark.parametrize("kind", ["missing", "grey", "cut"])
def test_a_png_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    second = {"image_id": 6, "file_name": "b.png", "segments_info": [SEGMENT]}
    file = written(tmp_path, content(annotations=[*content()["annotations"], second]))
    target = tmp_path / "panoptic_val/b.png"
    if kind == "grey":
        Image.fromarray(NUMBERS.astype(np.uint8)).save(target)
    if kind == "cut":
        target.write_bytes((tmp_path / "panoptic_val/a.png").read_bytes()[:50])
    words = r"b.png: not a readable PNG of segments: .* \(of b.jpg in .*panoptic_val.json"
    with pytest.raises(CasnetError, match=words):
        read_panoptic(file).pictures[1].read()
