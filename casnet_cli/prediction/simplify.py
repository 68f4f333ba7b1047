"""Fewer corners for outlines along the sides of pixels: Douglas and Peucker's rule on the stretches between junctions.

A junction is a corner of pixels where more than two borders meet. The stretch between two of them is one border of two
regions, and is simplified once for both: whichever region it is reached from, the same corners are kept. So neighbours
keep touching exactly, and every outline lies within the tolerance of the sides of pixels that it stands for.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

BEYOND = -1
"""In place of the class outside of the picture."""

Ring = list[list[float]]
"""A closed ring of corners, x and y, the first again at its end."""

Key = tuple[int, ...]
"""Names a stretch, from whichever region it is reached: its first two corners and its last, in one order of the two."""


def simplified(rings: Sequence[Ring], mask: np.ndarray, tolerance: float) -> list[Ring]:
    """The rings with some of their corners alone: no side is further than `tolerance` from what it stands for.

    rings: all outlines of a mask, (H, W) uint8. What bounds a ring that would enclose nothing stays as it is.
    """
    kept = _junctions(mask)
    stretches: dict[Key, np.ndarray] = {}
    parts = [_divided(ring, kept, stretches) for ring in rings]
    short = {key: _douglas_peucker(points, tolerance) for key, points in stretches.items()}
    while collapsed := {
        key
        for ring, own in zip(rings, parts, strict=True)
        if enclosed(_joined(own, short)) * enclosed(ring) <= 0
        for key, _ in own
        if short[key] is not stretches[key]
    }:
        short |= {key: stretches[key] for key in collapsed}
    return [_joined(own, short) for own in parts]


def _junctions(mask: np.ndarray) -> np.ndarray:
    """(H + 1, W + 1) bool: corners of pixels where more than two borders meet, and the picture's own."""
    height, width = mask.shape
    around = np.full((height + 2, width + 2), BEYOND, np.int16)
    around[1:-1, 1:-1] = mask
    parts = around[:-1, :-1], around[:-1, 1:], around[1:, 1:], around[1:, :-1]
    borders = sum((one != other).astype(np.uint8) for one, other in zip(parts, (*parts[1:], parts[0]), strict=True))
    kept = np.asarray(borders > 2)
    kept[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    return kept


def _divided(ring: Ring, kept: np.ndarray, stretches: dict[Key, np.ndarray]) -> list[tuple[Key, bool]]:
    """The stretches of a ring in order, and whether each is passed against its own direction; new ones are added."""
    turns = np.asarray(ring, np.int64)
    points = _every_corner(turns)
    nodes = np.flatnonzero(kept[points[:, 1], points[:, 0]])
    if not len(nodes):  # an island begins at its first corner by rows, from whichever side it is seen
        nodes = np.lexsort((points[:, 0], points[:, 1]))[:1]
    points = np.roll(points, -int(nodes[0]), axis=0)
    stops = np.append(nodes - nodes[0], len(points)).tolist()
    points = np.concatenate([points, points[:1]])
    found = []
    for begin, end in pairwise(stops):
        stretch = points[begin : end + 1]
        forth, back = (tuple(map(int, [*way[0], *way[1], *way[-1]])) for way in (stretch, stretch[::-1]))
        against = back < forth
        key = min(forth, back)
        if key not in stretches:
            stretches[key] = _without_straight(stretch[::-1] if against else stretch)
        found.append((key, against))
    return found


def _joined(parts: Iterable[tuple[Key, bool]], stretches: dict[Key, np.ndarray]) -> Ring:
    found = [stretches[key][::-1][:-1] if against else stretches[key][:-1] for key, against in parts]
    return np.concatenate([*found, found[0][:1]]).tolist()


def _without_straight(points: np.ndarray) -> np.ndarray:
    """(N, 2) neighbouring corners → the ends and those at which the way turns."""
    steps = np.diff(points, axis=0)
    turning = np.append(True, np.append((steps[1:] != steps[:-1]).any(1), True))
    return points[turning]


def enclosed(ring: Ring) -> int:
    """The pixels within a closed ring of corners, negative for a hole's."""
    x, y = np.asarray(ring, np.int64).T
    return int(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) // 2


def inset(corners: Ring, ring: Ring) -> Ring:
    """A closed ring of some of the corners that `ring` passes → through the centres of the pixels inside of them.

    Corners that fall on one centre are one; a region of few pixels may have two or one.
    """
    points = _every_corner(np.asarray(ring, np.int64))
    steps = np.roll(points, -1, axis=0) - points
    around = steps + np.roll(steps, 1, axis=0)  # the region lies to the right of both steps, on the screen
    moved = points + np.sign(np.stack([-around[:, 1], around[:, 0]], 1)) / 2
    centre_of = dict(zip(map(tuple, points.tolist()), moved.tolist(), strict=True))
    found = [centre_of[x, y] for x, y in corners]
    return [found[0], *(after for before, after in pairwise(found) if before != after)]


def _every_corner(ring: np.ndarray) -> np.ndarray:
    """(N, 2) corners of a closed ring where it turns → (M, 2) every corner of pixels that it passes, none twice."""
    steps = np.diff(ring, axis=0)
    lengths = np.abs(steps).sum(1)
    along = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(ring[:-1], lengths, axis=0) + np.repeat(np.sign(steps), lengths, axis=0) * along[:, None]


def _douglas_peucker(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The corners without which a side would lie further than `tolerance` from one that it passes over."""
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        begin, end = waiting.pop()
        if end - begin < 2:
            continue
        far = _distances(points[begin + 1 : end], points[begin], points[end])
        worst = int(far.argmax())
        if far[worst] > tolerance or (points[begin] == points[end]).all():
            middle = begin + 1 + worst
            keep[middle] = True
            waiting += [(begin, middle), (middle, end)]
    return points if keep.all() else points[keep]


def _distances(points: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N,) distance of (N, 2) points from the side between two corners."""
    side, offsets = (end - begin).astype(float), points - begin
    length = float(side @ side)
    along = np.clip(offsets @ side / length, 0, 1) if length else np.zeros(len(points))
    away = offsets - along[:, None] * side
    return np.hypot(away[:, 0], away[:, 1])
