"""The rules of tools that draw with OpenCV, which counts corners as pixels that belong to the shape.

- `SUPERVISELY`: fractions are cut; the holes of a polygon are drawn after it and take their borders with them; lines
  and points are 1 pixel wide. A square from 2 to 6 has 25 pixels.
- `ULTRALYTICS`: points are fractions of width and height; as whole numbers of pixels they are cut. The shapes with the
  most pixels are drawn first, so that small ones lie on top; equal ones keep their order.
"""

from collections.abc import Sequence

import numpy as np

from casnet_cli.data.annotations.drawing import Classed, Rule, corners, lay
from casnet_cli.data.annotations.opencv import Window, filled, line
from casnet_cli.data.annotations.shapes import Kind, Shape


def _supervisely(shapes: Sequence[Classed], height: int, width: int, rest: int) -> tuple[np.ndarray, list[Shape]]:
    label, empty = np.full((height, width), rest, np.uint8), []
    for shape, class_id in shapes:
        if shape.bitmap is not None:
            drawn = lay(label, shape, shape.bitmap, class_id)
        else:
            rows, columns, mask = _of_supervisely(shape, height, width)
            label[rows, columns][mask] = class_id
            drawn = bool(mask.any())
        if not drawn:
            empty.append(shape)
    return label, empty


def _of_supervisely(shape: Shape, height: int, width: int) -> Window:
    if shape.kind is Kind.LINE:
        return line(np.floor(shape.points), height, width)
    window = filled([np.floor(corners(shape))], height, width)
    if not shape.holes:
        return window
    mask = np.zeros((height, width), bool)
    mask[window[0], window[1]] = window[2]
    rows, columns, hole = filled([np.floor(ring) for ring in shape.holes], height, width)
    mask[rows, columns][hole] = False
    return slice(0, height), slice(0, width), mask


def _ultralytics(shapes: Sequence[Classed], height: int, width: int, rest: int) -> tuple[np.ndarray, list[Shape]]:
    label = np.full((height, width), rest, np.uint8)
    size = np.array([width, height], np.float32)
    drawn = [filled([np.trunc(corners(shape).astype(np.float32) * size)], height, width) for shape, _ in shapes]
    areas = np.array([int(mask.sum()) for _, _, mask in drawn])
    for place in np.argsort(-areas, kind="stable").tolist():
        rows, columns, mask = drawn[place]
        label[rows, columns][mask] = shapes[place][1]
    return label, [shapes[place][0] for place in np.flatnonzero(areas == 0).tolist()]


SUPERVISELY: Rule = _supervisely
ULTRALYTICS: Rule = _ultralytics
