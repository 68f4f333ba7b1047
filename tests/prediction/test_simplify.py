"""Simplified outlines: how far they lie from those they stand for, measured here, and that neighbours share them."""

import itertools
import time

import numpy as np
import pytest
from helpers.drawn_masks import CASES, mask_of, random_masks
from scipy import ndimage

from casnet_cli.labels import VOID
from casnet_cli.prediction.outlines import EVERYWHERE, Region, regions

STEP = 0.05
"""Between the places of a side at which distances are measured, in pixels."""


def smooth(seed: int, side: int = 60) -> np.ndarray:
    """Large regions with round borders, as networks draw them, and some void."""
    noise = np.random.default_rng(seed).standard_normal((4, side, side))
    return np.array([0, 1, 2, VOID], np.uint8)[ndimage.gaussian_filter(noise, (0, 4, 4)).argmax(0)]


def places(rings: list[list[list[float]]]) -> np.ndarray:
    """(N, 2) places along the sides."""
    found = []
    for ring in rings:
        for begin, end in itertools.pairwise(np.asarray(ring, float)):
            number = int(np.abs(end - begin).max() / STEP) + 1
            found.append(begin + (end - begin) * np.linspace(0, 1, number + 1)[:, None])
    return np.concatenate(found)


def hausdorff(one: Region, other: Region) -> float:
    """The largest distance of a place on either's sides from the other's, to half of STEP."""
    from scipy.spatial import cKDTree

    first, second = places(one.rings), places(other.rings)
    return float(max(cKDTree(first).query(second)[0].max(), cKDTree(second).query(first)[0].max()))


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 2.5])
def test_outlines_lie_within_the_tolerance(tolerance: float) -> None:
    corners = [0, 0]
    for mask in (smooth(1), smooth(2)):
        for exact, simple in zip(regions(mask), regions(mask, simplify=tolerance), strict=True):
            assert (exact.class_id, exact.pixels, exact.filled) == (simple.class_id, simple.pixels, simple.filled)
            assert hausdorff(exact, simple) <= tolerance + STEP / 2
            for ring in simple.rings:
                assert ring[0] == ring[-1] and len(ring) > 3
            corners[0] += sum(map(len, exact.rings))
            corners[1] += sum(map(len, simple.rings))
    assert corners[1] < corners[0] * (0.8 if tolerance < 1 else 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_share_what_is_left_of_their_border(seed: int) -> None:
    mask = smooth(seed)
    found = regions(mask, simplify=1.0, outside=EVERYWHERE)
    sides: set[tuple[tuple[float, ...], tuple[float, ...]]] = set()
    for region in found:
        for ring in region.rings:
            own = [(tuple(begin), tuple(end)) for begin, end in itertools.pairwise(ring)]
            assert sides.isdisjoint(own), "two regions on one side of an outline"
            sides.update(own)
    height, width = mask.shape
    for begin, end in sides - {(end, begin) for begin, end in sides}:
        frame = [begin[axis] == end[axis] and begin[axis] in (0, length) for axis, length in ((0, width), (1, height))]
        assert any(frame), f"only one region has the side from {begin} to {end}"


def test_small_regions_and_picture_corners_stay() -> None:
    mask = mask_of("ssss", "srss", "ssss", "ssst")
    found = {region.class_id: region.rings for region in regions(mask, simplify=2.0)}
    assert found[1] == [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]
    assert sorted(map(tuple, found[2][0][1:])) == [(3, 3), (3, 4), (4, 3), (4, 4)]
    assert [4, 0] in found[0][0] and [0, 4] in found[0][0]
    assert found[0][1] == found[1][0][::-1], "a hole is the outline of what lies in it"


@pytest.mark.parametrize("mask", [*CASES.values(), *random_masks()])
def test_any_mask_keeps_its_regions(mask: np.ndarray) -> None:
    exact, simple = regions(mask), regions(mask, simplify=1.0)
    assert [len(region.rings) for region in exact] == [len(region.rings) for region in simple]


def test_a_megapixel_takes_seconds_at_most() -> None:
    mask = np.kron(smooth(0, 100), np.ones((10, 10), np.uint8))
    began = time.perf_counter()
    regions(mask, simplify=2.0)
    assert time.perf_counter() - began < 5
