"""The COCO file of a folder, against what pycocotools reads in it and the reader of COCO files makes of it."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.drawn_masks import CASES, LABELS, large_mask, mask_of, random_masks
from scipy import ndimage

from casnet_cli.data.annotations.coco import read_coco
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.labels import VOID
from casnet_cli.prediction.coco_format import ID_BITS, image_id_of, write_coco
from casnet_cli.prediction.output_kinds import LabelledFile, LabelledFolder


def many() -> list[np.ndarray]:
    """Small masks, and one whose runs need many characters."""
    rng = np.random.default_rng(1)
    large = ndimage.zoom(rng.choice(np.array([0, 1, VOID], np.uint8), (7, 9)), 37, order=0)
    return [*CASES.values(), *random_masks(), large]


def written(file: Path, masks: Sequence[np.ndarray], names: Sequence[str] = ()) -> dict[str, Any]:
    names = names or [f"sub/{place}.jpg" for place in range(len(masks))]
    pictures = (LabelledFile(name, Path(name), mask, None) for name, mask in zip(names, masks, strict=True))
    write_coco(file, LabelledFolder(LABELS, pictures))
    found = json.loads(file.read_text())
    assert sorted(found) == ["annotations", "categories", "images"]
    return found


def test_the_masks_are_read_back(tmp_path: Path) -> None:
    masks, file = many(), tmp_path / "annotations.coco.json"
    found = written(file, masks)
    assert [image["file_name"] for image in found["images"]] == [f"sub/{place}.jpg" for place in range(len(masks))]
    by_image = {image["id"]: mask for image, mask in zip(found["images"], masks, strict=True)}
    assert len(by_image) == len(masks) and len({one["id"] for one in found["annotations"]}) == len(found["annotations"])
    for one in found["annotations"]:
        rows, columns = np.nonzero(by_image[one["image_id"]] == one["category_id"] - 1)
        assert one["bbox"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert one["area"] == len(rows) and one["iscrowd"] == 0
    content = read_coco(file)
    assert content.ids == {name: number for number, name in enumerate(LABELS.names, 1)}
    for mask, image in zip(masks, content.pictures, strict=True):
        shapes = [(one, LABELS.names.index(one.label)) for one in image.read().shapes]
        np.testing.assert_array_equal(draw(shapes, *mask.shape, VOID, PYCOCOTOOLS).label, mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools under NumPy 2
def test_pycocotools_reads_the_same_masks(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    masks, file = many(), tmp_path / "annotations.coco.json"
    written(file, masks)
    found = coco.COCO(str(file))
    for mask, image in zip(masks, found.loadImgs(found.getImgIds()), strict=True):
        drawn = np.full(mask.shape, VOID, np.uint8)
        annotations = found.loadAnns(found.getAnnIds(imgIds=[image["id"]], iscrowd=False))
        assert len(annotations) == len(set(np.unique(mask)) - {VOID})
        for one in annotations:
            drawn[found.annToMask(one) == 1] = one["category_id"] - 1
        np.testing.assert_array_equal(drawn, mask)


def test_a_file_in_full(tmp_path: Path) -> None:
    # 1 off, 2 on, 39 off down the columns, as pycocotools writes it: no more characters than are needed.
    found = written(tmp_path / "a.json", [mask_of("..", "r.", "r.", *[".."] * 18)], ["a/b.jpg"])
    number = image_id_of("a/b.jpg")
    assert found["images"] == [{"id": number, "file_name": "a/b.jpg", "width": 2, "height": 21}]
    assert found["annotations"] == [
        {
            "id": number * 256 + 2,
            "image_id": number,
            "category_id": 2,
            "segmentation": {"size": [21, 2], "counts": "12W1"},
            "area": 2,
            "bbox": [0, 1, 1, 2],
            "iscrowd": 0,
        }
    ]
    names = [(one["id"], one["name"], one["supercategory"]) for one in found["categories"]]
    assert names == [(1, "sky", ""), (2, "road", ""), (3, "tree", "")]
    assert written(tmp_path / "b.json", [])["images"] == []


def test_numbers_hang_on_the_name_alone() -> None:
    names = [f"{place}.jpg" for place in range(20_000)]
    numbers = {image_id_of(name) for name in names}
    assert len(numbers) == len(names) and max(numbers) * 256 + 255 < 2**53 and min(numbers) > 0
    taken = image_id_of("a.jpg")
    assert image_id_of("a.jpg", {taken}) == (taken + 1) % (1 << ID_BITS)


def test_a_large_mask_takes_seconds_at_most(tmp_path: Path) -> None:
    mask = large_mask()
    began = time.perf_counter()
    written(tmp_path / "large.json", [mask])
    assert time.perf_counter() - began < 5
