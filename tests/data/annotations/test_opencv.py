"""Outlines and lines beside those that OpenCV draws."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.annotations.opencv import Window, filled, line

PROGRAM = """
import json, sys
import cv2, numpy as np
found = []
for rings, height, width in json.load(open(sys.argv[1])):
    both = np.zeros((2, height, width), np.uint8)
    cv2.fillPoly(both[0], [np.array(ring, np.int32) for ring in rings], 1)
    cv2.polylines(both[1], [np.array(rings[0], np.int32)], False, 1, 1)
    found.append(both.ravel())
np.save(sys.argv[2], np.concatenate(found))
"""


def mask_of(window: Window, height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[window[0], window[1]] = window[2]
    return mask


def test_what_opencv_draws_of_small_outlines() -> None:
    """A square, a triangle, a ring in a ring, a point, a line; and the column that it draws where a side leaves."""
    square = np.array([(2, 2), (6, 2), (6, 6), (2, 6)])
    assert mask_of(filled([square], 9, 9), 9, 9)[2:7, 2:7].sum() == 25 == mask_of(filled([square], 9, 9), 9, 9).sum()
    hole = mask_of(filled([square, np.array([(3, 3), (5, 3), (5, 5), (3, 5)])], 9, 9), 9, 9)
    assert hole.sum() == 24 and hole[4, 4] == 0
    triangle = mask_of(filled([np.array([(4, 10), (6, 0), (9, 8)])], 12, 12), 12, 12)
    assert triangle.sum(1).tolist() == [1, 1, 2, 3, 3, 4, 4, 5, 6, 4, 2, 0]
    assert mask_of(filled([np.array([(3, 1)])], 4, 5), 4, 5).nonzero() == (np.array([1]), np.array([3]))
    steep = mask_of(line(np.array([(0, 0), (1, 4), (4, 4)]), 6, 6), 6, 6)
    assert steep.sum() == 8 and steep[:3, 0].all() and steep[3, 1] and steep[4, 1:5].all()
    border = mask_of(filled([np.array([(15, 11), (11, 2)])], 12, 12), 12, 12)
    assert border[2:11, 11].all() and border.sum() == 9
    assert not filled([square + 20], 9, 9)[2].size


@pytest.mark.slow
@pytest.mark.parametrize("version", ["4.12.0.88", "4.14.0.94"])
def test_opencv_draws_the_same(tmp_path: Path, version: str) -> None:
    """Random outlines and lines, one and two rings, inside, beyond the borders and far away."""
    python = tool_python(f"opencv-python-headless=={version}")
    rng = np.random.default_rng(0)
    cases = []
    for number in range(4000):
        height, width = (int(one) for one in rng.integers(1, 60, 2))
        low, high = (0, -3, -30, -3000)[number % 4], (0, 3, 60, 3000)[number % 4]
        sizes = rng.integers(2, 12, 1 + number % 3 // 2)
        rings = [rng.integers(low, [width + high, height + high], (size, 2)) for size in sizes]
        cases.append(([ring.tolist() for ring in rings], height, width))
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    run_tool(python, PROGRAM, tmp_path / "cases.json", tmp_path / "found.npy")
    found = []
    for outlines, height, width in cases:
        rings = [np.array(ring) for ring in outlines]
        found += [
            mask_of(filled(rings, height, width), height, width).ravel(),
            mask_of(line(rings[0], height, width), height, width).ravel(),
        ]
    np.testing.assert_array_equal(np.concatenate(found), np.load(tmp_path / "found.npy"))
