"""Run lengths, against the masks that the reader of COCO files makes of them."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from helpers.drawn_masks import CASES, LABELS, large_mask, mask_of, random_masks
from scipy import ndimage

from casnet_cli.data.annotations import polygons
from casnet_cli.labels import VOID
from casnet_cli.prediction.coco_format import coco


def read_back(found: list[dict[str, Any]], folder: Path) -> list[np.ndarray]:
    """By the reader of COCO files, of several results put together as the docstring of `coco` has it."""
    whole = {
        "images": [one["image"] for one in found],
        "annotations": [annotation for one in found for annotation in one["annotations"]],
        "categories": found[0]["categories"],
    }
    (folder / "coco.json").write_text(json.dumps(whole))
    categories, images = polygons.read_coco(folder / "coco.json")
    assert categories == dict(enumerate(LABELS.names))
    same = {class_id: class_id for class_id in categories}
    return [polygons.coco_label(image, folder / "coco.json", same, VOID) for image in images]


def test_run_lengths_decode_to_the_mask(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    large = ndimage.zoom(rng.choice(np.array([0, 1, VOID], np.uint8), (7, 9)), 37, order=0)  # runs of many characters
    given = [*CASES.values(), *random_masks(), large]
    found = [coco(mask, LABELS, f"{place}.jpg", image_id=place) for place, mask in enumerate(given)]
    for mask, one, decoded in zip(given, found, read_back(found, tmp_path), strict=True):
        np.testing.assert_array_equal(decoded, mask)
        present = [class_id for class_id in range(len(LABELS)) if (mask == class_id).any()]
        assert [annotation["category_id"] for annotation in one["annotations"]] == present
        for annotation in one["annotations"]:
            rows, columns = np.nonzero(mask == annotation["category_id"])
            sides = [np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert annotation["bbox"] == [columns.min(), rows.min(), *sides] and annotation["area"] == len(rows)


def test_an_image_for_coco_in_full() -> None:
    # 1 off, 2 on, 39 off down the columns, as pycocotools writes it: no more characters than are needed.
    mask = mask_of("..", "r.", "r.", *[".."] * 18)
    found = json.loads(json.dumps(coco(mask, LABELS, "a/b.jpg", image_id=4, first_id=9)))
    assert found["image"] == {"id": 4, "file_name": "a/b.jpg", "width": 2, "height": 21}
    assert found["annotations"] == [
        {
            "id": 9,
            "image_id": 4,
            "category_id": 1,
            "category": "road",
            "segmentation": {"size": [21, 2], "counts": "12W1"},
            "area": 2,
            "bbox": [0, 1, 1, 2],
            "iscrowd": 0,
        }
    ]
    assert found["categories"] == [{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}, {"id": 2, "name": "tree"}]


def test_a_large_mask_takes_seconds_at_most() -> None:
    mask = large_mask()
    began = time.perf_counter()
    coco(mask, LABELS, "large.jpg")
    assert time.perf_counter() - began < 5
