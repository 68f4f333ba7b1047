"""Ellipses beside OpenCV's own."""

import cv2
import numpy as np
import pytest

from casnet_cli.data.annotations.opencv_ellipse import ellipse


@pytest.mark.parametrize("largest", [2, 12, 30, 200])
def test_pixels_are_those_of_opencv(largest: int) -> None:
    """Turned, of one pixel and none, across the borders of the picture and outside."""
    rng = np.random.default_rng(largest)
    for _ in range(200):
        (height, width), centre = rng.integers(1, 120, 2).tolist(), rng.integers(-40, 160, 2).tolist()
        axes, angle = rng.integers(0, largest, 2).tolist(), int(rng.integers(0, 361))
        expected = np.zeros((height, width), np.uint8)
        cv2.ellipse(expected, centre, axes, angle, 0, 360, 1, thickness=-1)
        left, top, window = ellipse(tuple(centre), tuple(axes), angle, height, width)
        found = np.zeros((height, width), np.uint8)
        found[top : top + window.shape[0], left : left + window.shape[1]] = window
        np.testing.assert_array_equal(found, expected, f"{centre} {axes} {angle} of {width}x{height}")


def test_a_small_one() -> None:
    left, top, window = ellipse((2, 2), (2, 1), 0, 5, 6)
    assert (left, top) == (0, 1)
    np.testing.assert_array_equal(window, np.array([[0, 0, 1, 1, 0], [1] * 5, [0, 0, 1, 1, 0]], bool))
