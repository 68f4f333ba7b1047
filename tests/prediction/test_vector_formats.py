"""Outlines, against masks drawn back from them by hand."""

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from casnet_cli.data.annotations import polygons
from casnet_cli.labels import VOID, with_colors
from casnet_cli.prediction.coco_format import coco
from casnet_cli.prediction.geojson_format import geojson

LABELS = with_colors(("sky", "road", "tree"))
DRAWN = {"s": 0, "r": 1, "t": 2, ".": VOID}


def mask_of(*rows: str) -> np.ndarray:
    return np.array([[DRAWN[letter] for letter in row] for row in rows], np.uint8)


CASES = {
    "one pixel": mask_of("r"),
    "whole": mask_of("sss", "sss"),
    "all void": mask_of("...", "..."),
    "diagonal neighbours": mask_of("r.r", ".r.", "r.r"),
    "other diagonal": mask_of(".r.", "r.r", ".r."),
    "checkerboard": mask_of("srsr", "rsrs", "srsr"),
    "hole": mask_of("rrr", "rsr", "rrr"),
    "holes in holes": mask_of("rrrrr", "rsssr", "rsrsr", "rsssr", "rrrrr"),
    "hole touching the outside": mask_of("rr.", "r.r", "rrr"),
    "hole touching the other outside": mask_of(".rr", "r.r", "rrr"),
    "hole touching below": mask_of("rrr", "r.r", "rr."),
    "two holes touching": mask_of("rrrr", "r.rr", "rr.r", "rrrr"),
    "two holes touching, the other way": mask_of("rrrr", "rr.r", "r.rr", "rrrr"),
    "borders": mask_of("r..r", "....", "t..s", "tt.s"),
    "stairs": mask_of("tsss", "ttss", "ttts", "tttt"),
    "wide": mask_of("rr.ssr"),
    "tall": mask_of("r", "r", ".", "s", "r"),
}


def random_masks() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(150):
        shape = rng.integers(1, 14, 2)
        yield rng.choice(np.array([0, 1, 2, VOID], np.uint8)[-rng.integers(2, 5) :], shape)


def filled(rings: list[list[list[int]]], shape: tuple[int, ...]) -> np.ndarray:
    """Even-odd: an upright edge flips all that lies to its right."""
    inside = np.zeros(shape, bool)
    for (x, y), (to_x, to_y) in itertools.chain.from_iterable(map(itertools.pairwise, rings)):
        if x == to_x:
            inside[min(y, to_y) : max(y, to_y), x:] ^= True
    return inside


def area(ring: list[list[int]]) -> float:
    return sum(x * to_y - to_x * y for (x, y), (to_x, to_y) in itertools.pairwise(ring)) / 2


def check_ring(ring: list[list[int]], hole: bool) -> None:
    assert ring[0] == ring[-1]
    assert (area(ring) < 0) == hole
    assert len({tuple(corner) for corner in ring}) == len(ring) - 1
    level = [y == to_y for (_, y), (_, to_y) in itertools.pairwise(ring)]
    assert all(before != after for before, after in itertools.pairwise([*level, level[0]])), "a corner that is none"


@pytest.mark.parametrize("mask", [*CASES.values(), *random_masks()])
def test_polygons_fill_to_the_mask(mask: np.ndarray) -> None:
    features = geojson(mask, LABELS)["features"]
    drawn = np.full(mask.shape, VOID)
    for feature in features:
        rings, properties = feature["geometry"]["coordinates"], feature["properties"]
        for place, ring in enumerate(rings):
            check_ring(ring, hole=place > 0)
        inside = filled(rings, mask.shape)
        assert inside.sum() == properties["pixels"] == sum(map(area, rings))
        assert ndimage.label(inside)[1] == 1 and (drawn[inside] == VOID).all()
        assert LABELS.names[properties["id"]] == properties["class"]
        drawn[inside] = properties["id"]
    np.testing.assert_array_equal(drawn, mask)
    assert len(features) == sum(ndimage.label(mask == class_id)[1] for class_id in range(len(LABELS)))


def test_a_feature_in_full() -> None:
    mask, difficulty = CASES["hole touching the outside"], np.array([[1, 0.5, 9], [0, 9, 0], [0, 0, 0.25]])
    outer = [[0, 0], [2, 0], [2, 1], [3, 1], [3, 3], [0, 3], [0, 0]]
    hole = [[2, 1], [1, 1], [1, 2], [2, 2], [2, 1]]
    expected = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"class": "road", "id": 1, "pixels": 7, "difficulty_mean": 0.25},
                "geometry": {"type": "Polygon", "coordinates": [outer, hole]},
            }
        ],
    }
    assert json.loads(json.dumps(geojson(mask, LABELS, difficulty))) == expected
    grey = np.rint(difficulty.clip(0, 1) * 255).astype(np.uint8)
    found = geojson(mask, LABELS, grey)["features"][0]["properties"]["difficulty_mean"]
    assert found == pytest.approx(0.25, abs=0.001)


def test_regions_are_in_the_order_of_their_first_pixels() -> None:
    features = geojson(mask_of(".rs", "tts", "rrs"), LABELS)["features"]
    assert [feature["properties"]["class"] for feature in features] == ["road", "sky", "tree", "road"]


def read_back(found: list[dict[str, Any]], folder: Path) -> list[np.ndarray]:
    """By the reader of COCO files, of several results put together as the docstring says."""
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
    blocks = np.random.default_rng(0).integers(0, 3, (75, 100), np.uint8)
    mask = blocks.repeat(20, 0).repeat(20, 1)
    mask[7::20, 9::20] = VOID  # a hole in each block
    began = time.perf_counter()
    features = geojson(mask, LABELS, mask / 255)["features"]
    coco(mask, LABELS, "large.jpg")
    assert time.perf_counter() - began < 10
    assert len(features) > 2000 and sum(len(feature["geometry"]["coordinates"]) - 1 for feature in features) >= 7500
