"""What was drawn on a picture: one representation for the regions of every labelling tool.

A reader (`coco`, `labelme`, …) makes shapes of a file, a rule of `drawing` makes pixels of shapes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from casnet_cli.data.limits import MAX_COORDINATE, MAX_PIXELS, MAX_STEPS
from casnet_cli.labels import Color
from casnet_cli.util.text import count

AREALESS = "of points and lines, which enclose nothing, left out"
"""In words of `Remark.text`, of tools that give them no width."""

NO_POINTS = np.empty((0, 2))


class Kind(StrEnum):
    """What a shape is. The values are used in messages."""

    POLYGON = "polygon"
    """A closed outline: corners in their order."""
    BOX = "box"
    """Two opposite corners, in any order; or four corners in their order, where it may be turned."""
    ELLIPSE = "ellipse"
    """Its outline, as a polygon."""
    CIRCLE = "circle"
    """The centre, and a point of the border."""
    LINE = "line"
    """The corners of an open line."""
    POINT = "point"
    """One point."""
    RUNS = "run-length code"
    """Run lengths of the pixels, down the columns."""
    BITMAP = "bitmap"
    """A picture of the pixels, and the place of its upper left corner."""
    CUBOID = "cuboid"
    """A box in space; it is not drawn."""
    SKELETON = "skeleton"
    """Points that belong together; it is not drawn."""
    TAG = "tag"
    """Of the picture as a whole; it is not drawn."""


class ShapeError(ValueError):
    """A shape that cannot be drawn, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One region of a picture, as it was drawn."""

    kind: Kind
    """What it is."""
    label: str
    """Name of its class in the file; empty: it has none."""
    id: str
    """How it is named in messages: `annotation 17`, `shape 3`."""
    file: Path
    """The file that it stands in."""
    points: np.ndarray = field(default_factory=lambda: NO_POINTS)
    """(N, 2) float64, x and y in pixels, as `kind` says."""
    holes: tuple[np.ndarray, ...] = ()
    """Further rings of a polygon, (N, 2) float64; what is in an even number of rings is outside."""
    runs: bytes | np.ndarray | None = None
    """Of a run-length code: the lengths in COCO's compressed form, or int64."""
    size: tuple[int, int] | None = None
    """Of a run-length code: height and width of the mask."""
    bitmap: np.ndarray | None = None
    """Of a bitmap: (h, w) bool."""
    area: float | None = None
    """Its pixels as the file counts them, if it does."""

    @property
    def name(self) -> str:
        """For messages: `annotation 17 (polygon)`."""
        return f"{self.id} ({self.kind.value})"

    def misses(self, height: int, width: int) -> bool:
        """Whether all its points lie on one side of a picture of that size, outside."""
        if not len(self.points):
            return False
        (left, top), (right, bottom) = self.points.min(0), self.points.max(0)
        return bool(right < 0 or bottom < 0 or left > width or top > height)


@dataclass(frozen=True)
class PictureShapes:
    """What an annotation file holds for its picture."""

    shapes: tuple[Shape, ...]
    """In the order of the file."""
    size: tuple[int, int] | None = None
    """Height and width of the picture in pixels; None: the file does not give them."""
    left_out: Mapping[str, Sequence[Shape]] = field(default_factory=dict)
    """What is not drawn, by the words of `Remark.text` that say why."""
    colors: Mapping[str, Color] = field(default_factory=dict)
    """RGB colour of each label that the file gives one."""


def picture_size(height: object, width: object) -> tuple[int, int] | None:
    """Height and width in pixels as a file gives them; None if it gives none. Raises ShapeError."""
    if height is None or width is None:
        return None
    try:
        size = int(height), int(width)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise ShapeError(f"its size, {width} x {height}, is no number of pixels") from None
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise ShapeError(f"an image of {size[1]}x{size[0]} (at most {MAX_PIXELS:,} pixels)")
    return size


def checked_points(given: object, least: int) -> np.ndarray:
    """(N, 2) float64 of a list of pairs, or of a flat list x, y, x, y. Raises ShapeError."""
    try:
        points = np.array(given, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ShapeError("its points are no pairs of numbers") from None
    if points.ndim == 1 and len(points) % 2:
        raise ShapeError(f"an odd number of coordinates, {len(points)}")
    if points.ndim == 1:
        points = points.reshape(-1, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError("its points are no pairs of numbers")
    if len(points) < least:
        raise ShapeError(f"{count(len(points), 'point')} (at least {least})")
    extent = np.abs(points).max()
    if not extent <= MAX_COORDINATE:
        raise ShapeError(f"a coordinate of {extent:g} (pixels, at most {MAX_COORDINATE:,.0f})")
    if extent * len(points) > MAX_STEPS:
        steps = np.abs(np.diff(points, axis=0, append=points[:1])).max(1).sum()
        if steps > MAX_STEPS:
            raise ShapeError(f"an outline of {steps:,.0f} pixels (at most {MAX_STEPS:,})")
    return points


def rectangle(first: tuple[float, float], sides: tuple[float, float], degrees: float = 0.0) -> np.ndarray:
    """(4, 2) corners of a rectangle, turned clockwise about its first corner; sides: width and height."""
    width, height = sides
    return _turned(np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64), degrees) + first


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0, number: int = 0
) -> np.ndarray:
    """(N, 2) corners on an ellipse: `number`, else as many as keep within a hundredth of a pixel of it.

    degrees: turned clockwise. Raises ShapeError.
    """
    largest = max(map(abs, radii))
    if not largest <= MAX_COORDINATE:
        raise ShapeError(f"a radius of {largest:g} (pixels, at most {MAX_COORDINATE:,.0f})")
    number = number or max(16, math.ceil(math.pi / math.acos(1 - min(1.0, 0.01 / max(largest, 0.01)))))
    angles = np.arange(number) * (2 * np.pi / number)
    return _turned(np.stack([np.cos(angles), np.sin(angles)], 1) * radii, degrees) + centre


def _turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Points turned clockwise about the origin."""
    if not degrees:
        return points
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([(cosine, sine), (-sine, cosine)])


def turned_box(points: np.ndarray, degrees: float) -> np.ndarray:
    """(4, 2) corners of a box of two opposite corners, turned clockwise about its centre; in hundredths, as CVAT's."""
    (left, top), (right, bottom) = points.tolist()
    x, y = left + (right - left) / 2, top + (bottom - top) / 2
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across, down = np.array([left, right, right, left]) - x, np.array([top, top, bottom, bottom]) - y
    return np.stack([x + cosine * across - sine * down, y + sine * across + cosine * down], 1).round(2)
