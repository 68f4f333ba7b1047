"""What the rules of Supervisely and Ultralytics draw; the numbers are those of their own packages."""

from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.drawing import draw
from casnet_cli.data.annotations.drawing_by_opencv import SUPERVISELY, ULTRALYTICS
from casnet_cli.data.annotations.shapes import Kind, Shape

SQUARE = np.array([(2, 2), (6, 2), (6, 6), (2, 6)], float)


def shape(points: object, kind: Kind = Kind.POLYGON, **more: object) -> Shape:
    return Shape(kind, "a", "shape 1", Path("a.json"), np.array(points, float), **more)  # type: ignore[arg-type]


def test_supervisely_cuts_fractions_and_takes_the_borders_of_holes() -> None:
    drawn = draw([(shape(SQUARE + 0.9), 1)], 9, 9, 0, SUPERVISELY).label
    assert (drawn[2:7, 2:7] == 1).all() and drawn.sum() == 25
    hole = (np.array([(3, 3), (5, 3), (5, 5), (3, 5)], float),)
    assert draw([(shape(SQUARE, holes=hole), 1)], 9, 9, 0, SUPERVISELY).label.sum() == 25 - 9
    box = draw([(shape([(6.5, 6), (2, 2)], Kind.BOX), 1)], 9, 9, 0, SUPERVISELY)
    np.testing.assert_array_equal(box.label, drawn)
    line = draw([(shape([(0, 0), (3, 3)], Kind.LINE), 2), (shape([(8, 0)], Kind.POINT), 3)], 9, 9, 0, SUPERVISELY)
    assert line.label.diagonal().tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 0] and line.label[0, 8] == 3
    gone = draw(
        [(shape(SQUARE + 20), 1), (shape([(1, 1)], Kind.BITMAP, bitmap=np.zeros((2, 2), bool)), 1)],
        9,
        9,
        0,
        SUPERVISELY,
    )
    assert len(gone.outside) == 1 and len(gone.without_pixel) == 1


def test_ultralytics_draws_small_shapes_last_and_equal_ones_in_their_order() -> None:
    small, large = shape(SQUARE / 8), shape([(0, 0), (1, 0), (1, 1), (0, 1)])
    drawn = draw([(small, 1), (large, 2)], 8, 8, 0, ULTRALYTICS).label
    assert (drawn == 1).sum() == 25 and (drawn == 2).sum() == 64 - 25
    assert (draw([(small, 1), (small, 2)], 8, 8, 0, ULTRALYTICS).label == 2).sum() == 25
    wide = draw([(shape(SQUARE / 8), 1)], 8, 24, 0, ULTRALYTICS).label
    assert wide.sum() == 5 * 13
    thin = draw([(shape([(0.2, 0.2), (0.21, 0.2), (0.2, 0.21)]), 1)], 8, 8, 0, ULTRALYTICS)
    assert thin.label.sum() == 1
