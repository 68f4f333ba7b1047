"""From shapes to pixels: the rule of each labelling tool, and nothing else.

The corner of the first pixel is (0, 0), its centre (0.5, 0.5). Later shapes cover earlier ones.

- `PYCOCOTOOLS`, for COCO: outlines as pycocotools draws them, pixel for pixel. A square from 2 to 6 has 16 pixels.
- `LABELME`, for LabelMe and the like: as LabelMe makes masks, by Pillow. Corners are numbers of pixels that belong to
  the shape, fractions are cut, and a square from 2 to 6 has 25 pixels. Lines are 10 pixels wide, a point is a disc of
  radius 5, and of a bitmap the pixels that are set are laid over the picture.
- `CENTRES`, for GeoJSON and tools whose own rule is not known: pixels whose centres lie inside, by an even number of
  crossings or an odd one. A square from 2 to 6 has 16 pixels; outlines along the borders of pixels are exact, and
  neighbours neither overlap nor leave a gap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from casnet_cli.data.annotations.coco_rle import decode, spans
from casnet_cli.data.annotations.shapes import Kind, Shape

LINE_WIDTH, POINT_RADIUS = 10, 5
"""In pixels, of LabelMe."""

TOGETHER = 4096
"""Shapes that are drawn at a time."""

STRIP_PIXELS = 1 << 22
"""Pixels of an outline's box that are worked on at a time."""

LONG, MOST_EXPANDED = 32, 1 << 24
"""Mean length of runs from which each is set by itself, and pixels whose places are listed at most."""


@dataclass(frozen=True)
class Drawn:
    """The class ids of a picture."""

    label: np.ndarray
    """(H, W) uint8."""
    without_pixel: tuple[Shape, ...]
    """Shapes that enclose no pixel of the picture, though they do not lie outside."""
    outside: tuple[Shape, ...]
    """Shapes that lie outside of the picture."""


Classed = tuple[Shape, int]
"""A shape, and its class id or VOID."""

Rule = Callable[[Sequence[Classed], int, int, int], tuple[np.ndarray, list[Shape]]]
"""Draws shapes in their order on a picture of (height, width), whose other pixels get the last number. Returns (H, W)
uint8 class ids, and the shapes that have no pixel. Raises ShapeFault."""


class ShapeFault(Exception):
    """A shape that cannot be drawn."""

    def __init__(self, shape: Shape, why: str):
        super().__init__(f"{shape.name}: {why}")


def draw(shapes: Sequence[Classed], height: int, width: int, rest: int, rule: Rule) -> Drawn:
    """Shapes in their order by the rule of their tool; `rest` is the class id of other pixels. Raises ShapeFault."""
    label, empty = rule(shapes, height, width, rest)
    outside = [shape for shape in empty if shape.misses(height, width)]
    return Drawn(label, tuple(shape for shape in empty if not shape.misses(height, width)), tuple(outside))


def _pycocotools(shapes: Sequence[Classed], height: int, width: int, rest: int) -> tuple[np.ndarray, list[Shape]]:
    flat, empty = np.full(height * width, rest, np.uint8), []
    for first in range(0, len(shapes), TOGETHER):
        some = shapes[first : first + TOGETHER]
        starts, ends, owners = spans(*_run_lengths([shape for shape, _ in some], height, width), height * width)
        class_ids = np.array([class_id for _, class_id in some], np.uint8)
        _paint(flat, starts, ends, class_ids[owners])
        covered = np.bincount(owners, minlength=len(some))
        empty += [some[index][0] for index in np.flatnonzero(covered == 0).tolist()]
    return np.ascontiguousarray(flat.reshape(width, height).T), empty


def _paint(flat: np.ndarray, starts: np.ndarray, ends: np.ndarray, class_ids: np.ndarray) -> None:
    """Set runs of pixels, in their order."""
    lengths = ends - starts
    total = int(lengths.sum())
    if total > LONG * len(lengths) or total > MOST_EXPANDED:
        for start, end, class_id in zip(starts.tolist(), ends.tolist(), class_ids.tolist(), strict=True):
            flat[start:end] = class_id
        return
    places = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(total)
    flat[places] = np.repeat(class_ids, lengths)  # of equal places the last one counts


def _run_lengths(shapes: Sequence[Shape], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The run lengths of shapes in one row, and how many each has. Raises ShapeFault."""
    for shape in shapes:
        if shape.size not in (None, (height, width)):
            rows, columns = shape.size or (0, 0)
            raise ShapeFault(shape, f"run lengths of {columns}x{rows} pixels for {width}x{height}")
    texts = _outline_texts(shapes, height, width)
    texts |= {index: one.runs for index, one in enumerate(shapes) if isinstance(one.runs, bytes)}
    texts = dict(sorted(texts.items()))
    try:
        decoded, numbers = decode(list(texts.values()))
    except ValueError:
        for index, text in texts.items():
            _decoded(shapes[index], text)
        raise
    if len(texts) < len(shapes):
        parts = dict(zip(texts, np.split(decoded, np.cumsum(numbers)), strict=False))
        rows_of = [parts[i] if i in parts else np.asarray(one.runs) for i, one in enumerate(shapes)]
        decoded, numbers = np.concatenate(rows_of), np.array([len(one) for one in rows_of])
    _check_sums(shapes, decoded, numbers, height, width)
    return decoded, numbers


def _decoded(shape: Shape, text: bytes) -> None:
    try:
        decode([text])
    except ValueError as error:
        raise ShapeFault(shape, str(error)) from None


def _check_sums(shapes: Sequence[Shape], runs: np.ndarray, numbers: np.ndarray, height: int, width: int) -> None:
    owner = np.repeat(np.arange(len(numbers)), numbers)
    low = (runs < 0) | (runs > height * width)
    sums = np.bincount(owner, np.where(low, -1.0, runs), len(numbers))
    wrong = (sums != height * width) | (np.bincount(owner, low, len(numbers)) > 0)
    if wrong.any():
        raise ShapeFault(shapes[int(wrong.argmax())], f"run lengths that do not add up to {width}x{height} pixels")


def _outline_texts(shapes: Sequence[Shape], height: int, width: int) -> dict[int, bytes]:
    """The compressed run lengths of each outline, by the place of the shape."""
    from pycocotools.mask import frPyObjects

    places = [index for index, shape in enumerate(shapes) if shape.runs is None]
    outlines = [corners(shapes[index]).ravel() for index in places]
    if not outlines:
        return {}
    return {index: found["counts"] for index, found in zip(places, frPyObjects(outlines, height, width), strict=True)}


def corners(shape: Shape) -> np.ndarray:
    """The corners of a polygon, or all four of a box: (N, 2) float64, x and y."""
    if shape.kind is not Kind.BOX or len(shape.points) > 2:
        return shape.points
    (left, top), (right, bottom) = shape.points.min(0), shape.points.max(0)
    return np.array([(left, top), (left, bottom), (right, bottom), (right, top)])


def _labelme(shapes: Sequence[Classed], height: int, width: int, rest: int) -> tuple[np.ndarray, list[Shape]]:
    label, empty = np.full((height, width), rest, np.uint8), []
    canvas: Image.Image | None = None
    for shape, class_id in shapes:
        if shape.bitmap is not None:
            if canvas is not None:
                label, canvas = np.array(canvas), None
            if not lay(label, shape, shape.bitmap, class_id):
                empty.append(shape)
            continue
        if not _surely_inside(shape, height, width):
            alone = Image.new("1", (width, height))
            _by_pillow(ImageDraw.Draw(alone), shape, 1)
            if alone.getbbox() is None:
                empty.append(shape)
                continue
        canvas = Image.fromarray(label) if canvas is None else canvas
        _by_pillow(ImageDraw.Draw(canvas), shape, class_id)
    return label if canvas is None else np.array(canvas), empty


def _surely_inside(shape: Shape, height: int, width: int) -> bool:
    inside = (shape.points >= 0) & (shape.points < (width, height))
    return bool(inside.all(1).any())


def _by_pillow(pen: ImageDraw.ImageDraw, shape: Shape, value: int) -> None:
    points = [(x, y) for x, y in shape.points.tolist()]
    if shape.kind is Kind.BOX:
        (left, top), (right, bottom) = shape.points.min(0).tolist(), shape.points.max(0).tolist()
        pen.rectangle(((left, top), (right, bottom)), outline=value, fill=value)
    elif shape.kind in (Kind.CIRCLE, Kind.POINT):
        (x, y), border = points[0], points[-1]
        radius = np.hypot(border[0] - x, border[1] - y) if shape.kind is Kind.CIRCLE else POINT_RADIUS
        pen.ellipse(((x - radius, y - radius), (x + radius, y + radius)), outline=value, fill=value)
    elif shape.kind is Kind.LINE:
        pen.line(points, fill=value, width=LINE_WIDTH)
    else:
        pen.polygon(points, outline=value, fill=value)


def lay(label: np.ndarray, shape: Shape, bitmap: np.ndarray, class_id: int) -> bool:
    """Set the pixels of a bitmap; whether there was one inside."""
    left, top = (int(one) for one in shape.points[0])
    rows, columns = bitmap.shape
    part = bitmap[max(0, -top) : max(0, label.shape[0] - top), max(0, -left) : max(0, label.shape[1] - left)]
    label[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)][part] = class_id
    return bool(part.any())


def _centres(shapes: Sequence[Classed], height: int, width: int, rest: int) -> tuple[np.ndarray, list[Shape]]:
    label, empty = np.full((height, width), rest, np.uint8), []
    for shape, class_id in shapes:
        if shape.bitmap is not None:
            if not lay(label, shape, shape.bitmap, class_id):
                empty.append(shape)
            continue
        points = corners(shape)
        (left, top), (right, bottom) = points.min(0), points.max(0)
        rows = slice(*np.clip([np.floor(top), np.ceil(bottom)], 0, height).astype(int).tolist())
        columns = slice(*np.clip([np.floor(left), np.ceil(right)], 0, width).astype(int).tolist())
        drawn = False
        step = max(1, STRIP_PIXELS // max(1, columns.stop - columns.start))
        for first in range(rows.start, rows.stop, step):
            strip = slice(first, min(first + step, rows.stop))
            inside = _inside((points, *shape.holes), strip, columns)
            label[strip, columns][inside] = class_id
            drawn = drawn or bool(inside.any())
        if not drawn:
            empty.append(shape)
    return label, empty


def _inside(rings: Sequence[np.ndarray], rows: slice, columns: slice) -> np.ndarray:
    """(h, w) bool of a window of pixels: whether their centres are inside of an odd number of rings."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    begins = np.concatenate(rings) - (columns.start, rows.start)
    ends = np.concatenate([np.roll(ring, -1, 0) for ring in rings]) - (columns.start, rows.start)
    upper, lower = np.minimum(begins[:, 1], ends[:, 1]), np.maximum(begins[:, 1], ends[:, 1])
    first = np.clip(np.ceil(upper - 0.5), 0, height).astype(np.int64)
    number = np.clip(np.ceil(lower - 0.5), 0, height).astype(np.int64) - first
    edge = np.repeat(np.arange(len(begins)), number)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number - first, number)
    (x0, y0), (x1, y1) = begins[edge].T, ends[edge].T
    crossing = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    column = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    crossings = np.bincount(row * (width + 1) + column, minlength=height * (width + 1))
    return np.cumsum(crossings.reshape(height, width + 1), 1)[:, :width] % 2 == 1


PYCOCOTOOLS: Rule = _pycocotools
LABELME: Rule = _labelme
CENTRES: Rule = _centres
