"""Outlines and lines of whole-number corners as OpenCV draws them, pixel for pixel: `fillPoly` and `polylines`."""

from collections.abc import Sequence

import numpy as np

BITS = 16
"""OpenCV counts columns in 65,536ths of a pixel."""

Window = tuple[slice, slice, np.ndarray]
"""Rows and columns of a picture, and which of their pixels are drawn, (h, w) bool."""


def filled(rings: Sequence[np.ndarray], height: int, width: int) -> Window:
    """What lies in an odd number of rings of (N, 2) whole numbers, x and y, and all borders."""
    begins = np.concatenate(rings).astype(np.int64)
    ends = np.concatenate([np.roll(ring, -1, 0) for ring in rings]).astype(np.int64)
    return _drawn(begins, ends, height, width, True)


def line(points: np.ndarray, height: int, width: int) -> Window:
    """An open line through two or more points, (N, 2) whole numbers, x and y; 1 pixel wide."""
    whole = points.astype(np.int64)
    return _drawn(whole[:-1], whole[1:], height, width, False)


def _drawn(begins: np.ndarray, ends: np.ndarray, height: int, width: int, fill: bool) -> Window:
    near, far, inside = _clipped(begins, ends, height, width)
    y, x = _border(near[inside], far[inside])
    rows, first, last = _runs(begins, ends, near, far, height, width) if fill else (y[:0], x[:0], x[:0])
    every = np.concatenate([y, rows])
    if not len(every):
        return slice(0), slice(0), np.zeros((0, 0), bool)
    top, left = every.min(), np.concatenate([x, first]).min()
    shape = every.max() + 1 - top, np.concatenate([x, last]).max() + 2 - left
    changes = np.zeros(shape[0] * shape[1], np.int32)
    np.add.at(changes, (rows - top) * shape[1] + first - left, 1)
    np.add.at(changes, (rows - top) * shape[1] + last + 1 - left, -1)
    mask = np.cumsum(changes.reshape(shape), 1)[:, :-1] > 0
    mask[y - top, x - left] = True
    return slice(top, top + shape[0]), slice(left, left + shape[1] - 1), mask


def _divided(number: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Whole quotients, cut towards 0; 0 where `by` is."""
    return np.trunc(number / np.where(by == 0, np.inf, by)).astype(np.int64)


def _clipped(
    begins: np.ndarray, ends: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both ends of stretches, cut at the borders of the picture, and whether they touch it; others may be half cut."""
    two, limits = np.stack([begins, ends]), np.array([width - 1, height - 1])
    side = np.sign(two - np.clip(two, 0, limits))
    crossing = ~((side[0] == side[1]) & (side[0] != 0)).any(1)
    for axis in (1, 0):
        for point, other in ((two[0], two[1]), (two[1], two[0])):
            goal = np.clip(point[:, axis], 0, limits[axis])
            cut = crossing & (goal != point[:, axis])
            ahead, across = (other - point)[:, axis], (other - point)[:, 1 - axis]
            point[cut, 1 - axis] += _divided((goal - point[:, axis]) * across, ahead)[cut]
            point[cut, axis] = goal[cut]
        crossing &= ~((two[:, :, 0] < 0).all(0) | (two[:, :, 0] > limits[0]).all(0))
    return two[0], two[1], crossing


def _border(begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of stretches within the picture, by Bresenham's method from left to right."""
    flip = begins[:, :1] > ends[:, :1]
    begins, ends = np.where(flip, ends, begins), np.where(flip, begins, ends)
    lengths = np.abs(ends - begins)
    steep = lengths[:, 1] > lengths[:, 0]
    long, short = lengths.max(1), lengths.min(1)
    stretch = np.repeat(np.arange(len(long)), long + 1)
    step = np.arange(len(stretch)) - np.repeat(np.cumsum(long + 1) - long - 1, long + 1)
    long, short, steep = np.maximum(long, 1)[stretch], short[stretch], steep[stretch]
    aside = -((long - 2 * short * step) // (2 * long))
    down = np.where(ends[:, 1] < begins[:, 1], -1, 1)[stretch]
    return begins[stretch, 1] + down * np.where(steep, step, aside), begins[stretch, 0] + np.where(steep, aside, step)


def _runs(
    begins: np.ndarray, ends: np.ndarray, near: np.ndarray, far: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first and last column of each run inside of sides, within the picture.

    near and far: the ends of the sides as they are cut, which the slope is measured between.
    """
    level = near[:, 1:] == far[:, 1:]
    near, far = (
        np.hstack([one[:, :1], np.where(level, whole, one)[:, 1:]]) for one, whole in ((near, begins), (far, ends))
    )
    slope = _divided(far[:, 0] - near[:, 0] << BITS, far[:, 1] - near[:, 1])
    falling = begins[:, 1] < ends[:, 1]
    x, y = np.where(falling[:, None], near, far).T
    top, bottom = np.minimum(begins[:, 1], ends[:, 1]), np.maximum(begins[:, 1], ends[:, 1])
    first = np.clip(top, 0, height)
    number = np.clip(bottom, 0, height) - first
    side = np.repeat(np.arange(len(top)), number)
    row = np.arange(len(side)) - np.repeat(np.cumsum(number) - number - first, number)
    column = (x[side] << BITS) + (row - y[side]) * slope[side]
    order = np.lexsort((column, row))
    row, column = row[order][::2], column[order]
    start, stop = -(-column[::2] >> BITS), column[1::2] >> BITS
    kept = (start < width) & (stop >= 0)
    return row[kept], np.maximum(start, 0)[kept], np.minimum(stop, width - 1)[kept]
