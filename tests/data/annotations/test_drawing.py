"""The rules of drawing: COCO's against pycocotools, LabelMe's against masks set by hand, GeoJSON's against its own."""

from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_masks import CASES, LABELS, random_masks
from PIL import Image, ImageDraw

from casnet_cli.data.annotations.drawing import CENTRES, LABELME, PYCOCOTOOLS, Drawn, Rule, ShapeFault, draw
from casnet_cli.data.annotations.shapes import Kind, Shape, ShapeError, checked_points
from casnet_cli.labels import VOID
from casnet_cli.prediction.geojson_format import geojson

FILE = Path("a.json")
SQUARE = [(2, 2), (6, 2), (6, 6), (2, 6)]


def shape(points: object, kind: Kind = Kind.POLYGON, name: str = "shape 1") -> Shape:
    return Shape(kind, "car", name, FILE, checked_points(points, 1))


def drawn(one: Shape, rule: Rule, height: int = 9, width: int = 10) -> Drawn:
    return draw([(one, 1)], height, width, 0, rule)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools under NumPy 2
def test_coco_outlines_are_those_of_pycocotools_pixel_for_pixel() -> None:
    tools = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    empty = 0
    for _ in range(1000):
        height, width = (int(side) for side in rng.integers(1, 220, 2))
        centre, spread = rng.uniform(-10, 210, 2), rng.uniform(0.2, 80)
        points = np.round(centre + rng.normal(0, spread, (rng.integers(3, 12), 2)), rng.integers(0, 4))
        found = drawn(shape(points), PYCOCOTOOLS, height, width)
        expected = tools.decode(tools.merge(tools.frPyObjects([points.ravel().tolist()], height, width)))
        np.testing.assert_array_equal(found.label, expected)
        left_out = len(found.without_pixel) + len(found.outside)
        assert left_out == (0 if expected.any() else 1)
        empty += left_out
    assert empty > 10


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools under NumPy 2
def test_many_shapes_cover_each_other_in_their_order() -> None:
    """Polygons, boxes and both forms of run lengths, in more than one lot, some of long runs."""
    tools = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    height, width = 90, 80
    shapes, expected = [], np.full((height, width), VOID)
    for number in range(5000):
        if number == 4100:  # from here on runs are long
            height_of = 300.0
        spread = 4.0 if number < 4100 else height_of
        points = rng.uniform(0, 90, 2) + rng.normal(0, spread, (5, 2))
        outline = [points.ravel().tolist()]
        code = tools.merge(tools.frPyObjects(outline, height, width))
        one = Shape(Kind.POLYGON, "a", str(number), FILE, points)
        if number % 3 == 1:
            one = Shape(Kind.RUNS, "a", str(number), FILE, runs=code["counts"], size=(height, width))
        elif number % 3 == 2:
            flat = tools.decode(code).T.ravel()
            bounds = np.flatnonzero(np.diff(flat)) + 1
            runs = np.diff([0, *([0] if flat[0] else []), *bounds, flat.size])
            one = Shape(Kind.RUNS, "a", str(number), FILE, runs=runs, size=(height, width))
        shapes.append((one, number % 7))
        expected[tools.decode(code).astype(bool)] = number % 7
    np.testing.assert_array_equal(draw(shapes, height, width, VOID, PYCOCOTOOLS).label, expected)


@pytest.mark.parametrize(("rule", "pixels"), [(PYCOCOTOOLS, 16), (LABELME, 25), (CENTRES, 16)])
@pytest.mark.parametrize("kind", [Kind.POLYGON, Kind.BOX])
def test_the_square_from_2_to_6(rule: Rule, pixels: int, kind: Kind) -> None:
    if rule is CENTRES and kind is Kind.BOX:
        pytest.skip("GeoJSON has no boxes")
    points = SQUARE if kind is Kind.POLYGON else [(6, 2), (2, 6)]
    label = drawn(shape(points, kind), rule).label
    side = int(pixels**0.5)
    expected = np.zeros((9, 10))
    expected[2 : 2 + side, 2 : 2 + side] = 1
    np.testing.assert_array_equal(label, expected)


@pytest.mark.parametrize("rule", [PYCOCOTOOLS, LABELME, CENTRES])
def test_what_lies_outside_is_told_from_what_encloses_nothing(rule: Rule) -> None:
    outside = drawn(shape([(20, 20), (30, 20), (30, 30)]), rule)
    assert len(outside.outside) == 1 and not outside.without_pixel and not outside.label.any()
    if rule is not LABELME:  # which draws every border
        thin = drawn(shape([(2, 2.1), (8, 2.1), (8, 2.2)]), rule)
        assert len(thin.without_pixel) == 1 and not thin.outside and not thin.label.any()


def test_labelme_draws_lines_points_circles_and_bitmaps() -> None:
    """Counted by hand, and for the curves as Pillow has them, which LabelMe asks."""
    line = drawn(shape([(0, 20), (39, 20)], Kind.LINE), LABELME, 40, 40).label
    assert line.sum() == 400 and set(np.flatnonzero(line.any(1))) == set(range(16, 26))
    for kind, points, radius in ((Kind.POINT, [(20, 20)], 5), (Kind.CIRCLE, [(20, 20), (23, 24)], 5)):
        canvas = Image.new("L", (40, 40))
        ImageDraw.Draw(canvas).ellipse((20 - radius, 20 - radius, 20 + radius, 20 + radius), 1, 1)
        np.testing.assert_array_equal(drawn(shape(points, kind), LABELME, 40, 40).label, np.asarray(canvas))
    bitmap = np.array([[1, 0, 1], [1, 1, 1]], bool)
    for corner, cut in (((3, 4), np.s_[:, :]), ((-1, 4), np.s_[:, 1:]), ((8, -1), np.s_[1:, :2])):
        one = Shape(Kind.BITMAP, "car", "shape 1", FILE, checked_points([corner, corner], 2), bitmap=bitmap)
        label = drawn(one, LABELME).label
        left, top = max(0, corner[0]), max(0, corner[1])
        part = bitmap[cut]
        np.testing.assert_array_equal(label[top : top + part.shape[0], left : left + part.shape[1]], part)
        assert label.sum() == part.sum()
    for mask in (bitmap, bitmap & False):
        place = (30, 30) if mask.any() else (3, 3)
        one = Shape(Kind.BITMAP, "car", "shape 1", FILE, checked_points([place, place], 2), bitmap=mask)
        found = drawn(one, LABELME)
        assert (len(found.outside), len(found.without_pixel)) == ((1, 0) if mask.any() else (0, 1))


def test_labelme_cuts_fractions_and_later_shapes_lie_on_top() -> None:
    low, high = (shape([(x + add, y + add) for x, y in SQUARE]) for add in (0.0, 0.9))
    np.testing.assert_array_equal(drawn(low, LABELME).label, drawn(high, LABELME).label)
    label = draw([(low, 1), (shape([(4, 4), (8, 8)], Kind.BOX), 2)], 9, 10, 0, LABELME).label
    assert (label == 2).sum() == 25 and (label == 1).sum() == 25 - 9


@pytest.mark.parametrize("mask", [*CASES.values(), *random_masks()])
def test_geojson_of_a_mask_is_that_mask(mask: np.ndarray) -> None:
    shapes = []
    for number, feature in enumerate(geojson(mask, LABELS)["features"]):
        outer, *holes = (np.array(ring, float) for ring in feature["geometry"]["coordinates"])
        one = Shape(Kind.POLYGON, "", str(number), FILE, outer, tuple(holes))
        shapes.append((one, feature["properties"]["id"]))
    found = draw(shapes, *mask.shape, VOID, CENTRES)
    np.testing.assert_array_equal(found.label, mask)
    assert not found.without_pixel and not found.outside


def test_neighbours_that_share_an_edge_neither_overlap_nor_leave_a_gap() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        corner = rng.uniform(0, 20, 2)
        frame = [(0, 0), (20, 0), (20, 20), (0, 20)]
        pieces = [shape([frame[k], frame[(k + 1) % 4], corner]) for k in range(4)]
        covered = np.stack([drawn(one, CENTRES, 20, 20).label for one in pieces])
        np.testing.assert_array_equal(covered.sum(0), np.ones((20, 20)))


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (b"5", "do not add up"),
        (b"~~~", "of other characters"),
        (b"o", "cut off"),
        (b"oooooooooooooooo1", "60 bits"),
        (b"\xff", "of other characters"),
        (b"", "do not add up"),
        (np.array([20, -2, 72]), "do not add up"),
        (np.array([1 << 62, 1 << 62]), "do not add up"),
    ],
)
def test_faulty_run_lengths_are_named(runs: bytes | np.ndarray, words: str) -> None:
    good = shape(SQUARE, name="shape 1")
    bad = Shape(Kind.RUNS, "car", "shape 2", FILE, runs=runs, size=(9, 10))
    with pytest.raises(ShapeFault, match=f"shape 2 .run-length code.: .*{words}"):
        draw([(good, 1), (bad, 1)], 9, 10, 0, PYCOCOTOOLS)
    with pytest.raises(ShapeFault, match="run lengths of 10x9 pixels for 7x6"):
        draw([(bad, 1)], 6, 7, 0, PYCOCOTOOLS)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([1, 2, 3], "odd number"),
        ([[1, 2, 3]], "no pairs"),
        ("text", "no pairs"),
        ([[1, 2], [3]], "no pairs"),
        ([1, 2], "1 point .at least 3"),
        ([1, 2, 3, float("nan"), 4, 5], "a coordinate of nan"),
        ([1, 2, 3, 1e300, 4, 5], "a coordinate of 1e.300"),
        ([0, 0, 9e5, 9e5] * 20, "an outline of"),
    ],
)
def test_points_that_cannot_be_drawn(points: object, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        checked_points(points, 3)


def test_an_outline_is_drawn_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    shapes = [(Shape(Kind.POLYGON, "car", "1", FILE, rng.uniform(-5, 45, (7, 2))), number) for number in (1, 2, 3)]
    whole = draw(shapes, 37, 41, 0, CENTRES)
    monkeypatch.setattr("casnet_cli.data.annotations.drawing.STRIP_PIXELS", 90)
    parts = draw(shapes, 37, 41, 0, CENTRES)
    np.testing.assert_array_equal(parts.label, whole.label)
    assert set(np.unique(whole.label)) == {0, 1, 2, 3} and parts.without_pixel == whole.without_pixel == ()
