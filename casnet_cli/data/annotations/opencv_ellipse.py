"""Ellipses as OpenCV fills them, pixel for pixel: an outline of straight stretches in 65,536ths of a pixel."""

from collections.abc import Iterator

import numpy as np

BITS = 16
ONE, HALF = 1 << BITS, 1 << BITS - 1
"""A pixel and half a pixel."""

SINES = np.round(np.sin(np.deg2rad(np.arange(451))), 7).astype(np.float32).astype(np.float64)
"""Of whole degrees, as precise as OpenCV's table has them."""


def ellipse(
    centre: tuple[int, int], axes: tuple[int, int], angle: int, height: int, width: int
) -> tuple[int, int, np.ndarray]:
    """Left and top of a window of a picture, and (h, w) bool of the pixels of an ellipse in it.

    centre: x and y. axes: half widths across and down before it is turned, 0 or more. angle: degrees, clockwise.
    """
    corners = _corners(centre, axes, angle)
    reach = corners + HALF >> BITS
    (left, top), (right, bottom) = np.clip([reach.min(0), reach.max(0) + 1], 0, (width, height)).tolist()
    mask = np.zeros((bottom - top, right - left), bool)
    if not mask.size:
        return left, top, mask
    if len(corners) > 2:
        _fill(mask, corners, left, top)
    for begin, end in zip(np.roll(corners, 1, 0).tolist(), corners.tolist(), strict=True):
        for x, y in _stretch(begin, end, height, width):
            inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
            mask[y[inside] - top, x[inside] - left] = True
    return left, top, mask


def _corners(centre: tuple[int, int], axes: tuple[int, int], angle: int) -> np.ndarray:
    """(N, 2) int64: points of the outline, in parts of a pixel; more of them the larger it is."""
    largest = max(axes)
    step = 90 if largest < 3 else 30 if largest < 10 else 18 if largest < 15 else 5
    degrees = np.arange(0, 361, step)
    across, down = axes[0] * ONE * SINES[450 - degrees], axes[1] * ONE * SINES[degrees]
    cosine, sine = SINES[450 - angle % 360], SINES[angle % 360]
    points = np.stack([across * cosine - down * sine, across * sine + down * cosine], 1) + np.array(centre) * ONE
    corners = np.rint(points).astype(np.int64)
    return corners[np.append(True, (corners[1:] != corners[:-1]).any(1))]


def _fill(mask: np.ndarray, corners: np.ndarray, left: int, top: int) -> None:
    """Set what lies between both sides of a convex outline, row by row; the last row is of the outline alone."""
    first = int(corners[:, 1].argmin())
    sides = [_side(np.roll(way, -at, 0)) for way, at in ((corners, first), (corners[::-1], len(corners) - 1 - first))]
    above = top - (int(corners[first, 1]) + HALF >> BITS)
    bounds = np.sort(sides, 0)[:, above : above + len(mask)] + HALF >> BITS
    columns = np.arange(left, left + mask.shape[1])
    mask[: bounds.shape[1]] |= (columns >= bounds[0][:, None]) & (columns <= bounds[1][:, None])


def _side(corners: np.ndarray) -> np.ndarray:
    """Columns, in parts of a pixel, of the way down from the first corner, one a row above the last one."""
    rows = (corners[:, 1] + HALF >> BITS).tolist()
    parts: list[np.ndarray] = [np.empty(0, np.int64)]
    row, begin = rows[0], int(corners[0, 0])
    for at in range(1, len(rows)):
        end, number = int(corners[at, 0]), rows[at] - row
        if number > 0:
            parts.append(begin + _divided((end - begin) * 2 + number, 2 * number) * np.arange(number))
            row = rows[at]
        if row == max(rows):
            break
        begin = end
    return np.concatenate(parts)


def _divided(number: int, by: int) -> int:
    """A whole quotient, cut towards 0."""
    return number // by if number >= 0 else -(-number // by)


def _stretch(begin: list[int], end: list[int], height: int, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows of the pixels of a straight stretch, as far as it lies within the picture."""
    ends = _clipped(begin, end, (width * ONE - 1, height * ONE - 1))
    if ends is None:
        return
    (x, y), (x1, y1) = ends
    swap = abs(x1 - x) <= abs(y1 - y)
    if swap:
        x, y, x1, y1 = y, x, y1, x1
    if x1 < x:
        x, y, x1, y1 = x1, y1, x, y
    slope = _divided((y1 - y) * ONE, x1 - x | 1)
    number = np.arange((x1 - x >> BITS) + 1)
    along = np.append((x + HALF >> BITS) + number, x1 + HALF >> BITS)
    aside = np.append(y + HALF + slope * number >> BITS, y1 + HALF >> BITS)
    yield (aside, along) if swap else (along, aside)


def _clipped(begin: list[int], end: list[int], limits: tuple[int, int]) -> tuple[list[int], list[int]] | None:
    """Both ends, cut at the borders from 0 to `limits`; None: all of it lies outside."""
    two = [list(begin), list(end)]
    for axis in (1, 0):
        sides = [(point[axis] > limits[axis]) - (point[axis] < 0) for point in two]
        if sides[0] == sides[1] != 0:
            return None
        for point, other, side in ((two[0], two[1], sides[0]), (two[1], two[0], sides[1])):
            if side:
                goal = limits[axis] if side > 0 else 0
                point[1 - axis] += int(
                    (goal - point[axis]) * (other[1 - axis] - point[1 - axis]) / (other[axis] - point[axis])
                )
                point[axis] = goal
    return two[0], two[1]
