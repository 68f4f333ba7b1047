"""CVAT's XML files, "CVAT for images 1.1" and "CVAT for video 1.1": what is drawn on each picture or frame.

A shape becomes what CVAT itself makes of it where it exports masks: polygons and boxes are outlines, an ellipse is a
figure of OpenCV, a mask is its pixels, and nothing else has an area.
"""

from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.cvat_xml import CvatContent, Element, ListedPicture, read_elements
from casnet_cli.data.annotations.opencv_ellipse import ellipse
from casnet_cli.data.annotations.shapes import (
    Kind,
    PictureShapes,
    Shape,
    ShapeError,
    checked_points,
    picture_size,
    turned_box,
)
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.limits import MAX_COORDINATE
from casnet_cli.errors import Unfit, UnfitKind

NOT_DRAWN = "that CVAT makes no mask of, left out"
"""In words of `Remark.text`."""

WITHOUT_AREA = {
    "polyline": Kind.LINE,
    "points": Kind.POINT,
    "cuboid": Kind.CUBOID,
    "skeleton": Kind.SKELETON,
    "tag": Kind.TAG,
}
"""What each element is that CVAT makes no mask of."""

FRAME_ENDINGS = (".png", ".jpg", ".jpeg")
"""Of the pictures that frames may be."""


def read_cvat(file: Path) -> AnnotatedFile:
    """Read an XML file of CVAT. Raises DataError."""
    content = read_elements(file)
    listed = [*content.pictures, *(one for _, one in sorted(content.frames.items()))]
    labels = content.labels or dict.fromkeys(sorted({one.label for picture in listed for one in picture.elements}), "")
    pictures = [_picture(one, (one.name,), content) for one in content.pictures]
    for (number, _), one in sorted(content.frames.items()):
        one.height, one.width = content.frame_size.get("height"), content.frame_size.get("width")
        pictures.append(_picture(one, tuple(f"frame_{number:06d}{ending}" for ending in FRAME_ENDINGS), content))
    return AnnotatedFile(
        file,
        tuple(pictures),
        {name: color_of(text) for name, text in labels.items() if name},
        annotations=sum(len(one.elements) for one in listed),
    )


def _picture(one: ListedPicture, names: tuple[str, ...], content: CvatContent) -> AnnotatedPicture:
    """A picture by the first of these names; of a part of a project first in the folder of that part."""
    if one.subset:
        names = tuple(f"{one.subset}/{name}" for name in names)
    split = TOPS.get(one.subset.lower())
    return AnnotatedPicture(names[0], partial(_read, one, names[0], content.file), names[1:], split)


def _read(picture: ListedPicture, name: str, file: Path) -> PictureShapes:
    """The shapes of a picture by `z_order`, and equal ones as CVAT draws them: in the order of the file, turned boxes
    last. Raises Unfit naming the shape that cannot be read."""
    try:
        size = picture_size(picture.height, picture.width)
    except ShapeError as error:
        raise Unfit(f"{file}: {name}: {error}", UnfitKind.UNREADABLE) from None
    drawn: list[tuple[int, bool, Shape]] = []
    left_out = []
    for one in picture.elements:
        if one.kind in WITHOUT_AREA:
            left_out.append(Shape(WITHOUT_AREA[one.kind], one.label, one.id, file))
            continue
        try:
            shape = _shape(one, size, file)
            turned = shape.kind is Kind.BOX and len(shape.points) > 2
            drawn.append((int(one.order), turned, shape))
        except (ShapeError, TypeError, ValueError, OverflowError) as error:
            why = str(error) if isinstance(error, ShapeError) else "an attribute that is missing or no number"
            fault = f"{file}: {name}: {one.id} ({one.kind}): {why} (mend or remove it)"
            raise Unfit(fault, UnfitKind.UNREADABLE) from None
    drawn.sort(key=lambda found: found[:2])
    return PictureShapes(tuple(shape for _, _, shape in drawn), size, {NOT_DRAWN: left_out})


def _shape(one: Element, size: tuple[int, int] | None, file: Path) -> Shape:
    """Raises ShapeError, TypeError, ValueError or OverflowError."""
    if one.kind == "polygon":
        return Shape(Kind.POLYGON, one.label, one.id, file, _points(one.facts[0]))
    if one.kind == "box":
        left, top, right, bottom, turn = _numbers(one)
        points = checked_points([(left, top), (left + (right - left), top + (bottom - top))], 2)  # rounded as CVAT does
        return Shape(Kind.BOX, one.label, one.id, file, turned_box(points, turn) if turn else points)
    if one.kind not in ("mask", "ellipse"):
        raise ShapeError("casnet does not know this kind of shape")
    if size is None:
        raise ShapeError("its picture has no width and height in the file")
    left, top, pixels = _mask(one, *size) if one.kind == "mask" else _ellipse(one, *size)
    return Shape(Kind.RUNS, one.label, one.id, file, runs=_runs(left, top, pixels, *size), size=size)


def _points(text: str | None) -> np.ndarray:
    """(N, 2) of `x,y;x,y;…`."""
    if text is None or text.count(",") != text.count(";") + 1:
        raise ShapeError("its points are no pairs of numbers")
    return checked_points(text.replace(";", ",").split(","), 3)


def _numbers(one: Element) -> list[float]:
    """The attributes of a box or an ellipse; the last one is its turn in degrees, 0 if it has none."""
    found = [float(text) for text in (*one.facts[:-1], one.facts[-1] or "0")]  # type: ignore[arg-type]
    if not all(abs(number) <= MAX_COORDINATE for number in found):
        raise ShapeError(f"a number that is larger than {MAX_COORDINATE:,.0f}, or none")
    return found


def _ellipse(one: Element, height: int, width: int) -> tuple[int, int, np.ndarray]:
    """Left, top, and (h, w) bool of the pixels. CVAT draws by whole numbers of pixels and degrees."""
    x, y, across, down, turn = (round(number) for number in _numbers(one))
    return ellipse((x, y), (abs(across), abs(down)), turn, height, width)


def _mask(one: Element, height: int, width: int) -> tuple[int, int, np.ndarray]:
    """Left, top, and (h, w) bool of the pixels; what the run lengths leave of the box is off."""
    left, top, columns, rows = (int(text) for text in one.facts[1:])  # type: ignore[arg-type]
    if min(left, top, columns - 1, rows - 1) < 0 or left + columns > width or top + rows > height:
        box = f"{columns}x{rows} pixels at {left}, {top}"
        raise ShapeError(f"a mask of {box} in a picture of {width}x{height}")
    counts = np.array((one.facts[0] or "").split(","), np.int64)
    total = int(counts.sum())
    if counts.min() < 0 or counts.max() > rows * columns or total > rows * columns:
        raise ShapeError(f"run lengths that do not fit {columns}x{rows} pixels")
    counts = np.append(counts, [0, rows * columns - total][1 - len(counts) % 2 :])
    return left, top, np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(rows, columns)


def _runs(left: int, top: int, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Run lengths of a window of pixels, (h, w) bool, down the columns of its picture."""
    rows, columns = pixels.shape
    framed = np.zeros((columns, rows + 2), bool)
    framed[:, 1:-1] = pixels.T
    flat = framed.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    column, row = np.divmod(changes[::2], rows + 2)
    bounds = np.zeros(len(changes) + 2, np.int64)
    bounds[1:-1:2] = (left + column) * height + top + row
    bounds[2:-1:2] = bounds[1:-1:2] + changes[1::2] - changes[::2]
    bounds[-1] = height * width
    return bounds[1:] - bounds[:-1]
