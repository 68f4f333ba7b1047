"""Outlines, against masks drawn back from them by hand."""

import itertools
import json
import time

import numpy as np
import pytest
from helpers.drawn_masks import CASES, LABELS, large_mask, mask_of, random_masks
from scipy import ndimage

from casnet_cli.labels import VOID
from casnet_cli.prediction.geojson_format import geojson


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
                "properties": {
                    "objectType": "annotation",
                    "classification": {"name": "road", "color": list(LABELS.palette[1])},
                    "class": "road",
                    "id": 1,
                    "pixels": 7,
                    "difficulty_mean": 0.25,
                },
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


def test_a_large_mask_takes_seconds_at_most() -> None:
    mask = large_mask()
    began = time.perf_counter()
    features = geojson(mask, LABELS, mask / 255)["features"]
    assert time.perf_counter() - began < 5
    assert len(features) > 2000 and sum(len(feature["geometry"]["coordinates"]) - 1 for feature in features) >= 7500
