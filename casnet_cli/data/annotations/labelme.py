"""LabelMe's files, and those of tools that write its form: a JSON file a picture, with its shapes."""

import base64
import binascii
import io
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.json_files import MALFORMED, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points, picture_size
from casnet_cli.data.annotations.tool_files import LABELME
from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.data.limits import MAX_PIXELS
from casnet_cli.errors import Unfit, UnfitKind

IGNORED, GROUND = "__ignore__", "_background_"
"""Labels that mean void and background, unless the table of classes claims them."""

KINDS: dict[str, tuple[Kind, int, int | None]] = {
    "polygon": (Kind.POLYGON, 3, None),
    "rectangle": (Kind.BOX, 2, None),
    "rotation": (Kind.POLYGON, 3, None),
    "oriented_rectangle": (Kind.POLYGON, 4, 4),
    "circle": (Kind.CIRCLE, 2, 2),
    "line": (Kind.LINE, 2, None),
    "linestrip": (Kind.LINE, 2, None),
    "point": (Kind.POINT, 1, 1),
    "points": (Kind.POINT, 1, None),
    "mask": (Kind.BITMAP, 2, 2),
}
"""Of each `shape_type`: what it is, and the fewest and the most points; `rotation` is X-AnyLabeling's."""


def read_labelme(file: Path) -> PictureShapes:
    """Read a LabelMe file. Raises Unfit if it is none, or names the shape that cannot be read."""
    raw = read_json(file)
    if not isinstance(raw, dict) or not isinstance(raw.get("shapes"), list):
        raise foreign(file, LABELME, raw)
    shapes: list[Shape] = []
    for number, one in enumerate(raw["shapes"], 1):
        try:
            shapes += _shapes(one, f"shape {number}", file)
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that LabelMe writes"
            kind = one.get("shape_type") if isinstance(one, dict) else None
            what = f"shape {number}" + (f" ({kind})" if isinstance(kind, str) else "")
            raise Unfit(f"{file}: {what}: {why} (mend or remove it in LabelMe)", UnfitKind.UNREADABLE) from None
    try:
        return PictureShapes(tuple(shapes), picture_size(raw.get("imageHeight"), raw.get("imageWidth")))
    except ShapeError as error:
        raise Unfit(f"{file}: {error}", UnfitKind.UNREADABLE) from None


def _shapes(raw: Any, name: str, file: Path) -> list[Shape]:
    """The shape, or one for each of several points. Raises ShapeError or one of MALFORMED."""
    word = raw.get("shape_type") or "polygon"
    if word not in KINDS:
        raise ShapeError(f"casnet does not know this kind of shape ({', '.join(KINDS)})")
    kind, least, most = KINDS[word]
    label = "" if raw.get("label") is None else str(raw["label"])
    points = checked_points(raw["points"], least)
    if most and len(points) > most:
        raise ShapeError(f"{len(points)} points (at most {most})")
    if kind is Kind.BITMAP:
        return [Shape(kind, label, name, file, points, bitmap=_bitmap(raw["mask"], points))]
    if kind is Kind.POINT:
        return [Shape(kind, label, name, file, point[None]) for point in points]
    if kind is Kind.BOX and not _is_box(points):
        kind = Kind.POLYGON
    return [Shape(kind, label, name, file, points)]


def _is_box(points: np.ndarray) -> bool:
    """Whether points are two opposite corners, or the four corners of a rectangle with level sides."""
    if len(points) == 2:
        return True
    if len(points) == 3:
        raise ShapeError("3 points (a rectangle has two or four)")
    ends = np.stack([points.min(0), points.max(0)])
    return bool((points[:, None] == ends).any(1).all()) and len(np.unique(points, axis=0)) <= 4


def _bitmap(text: Any, points: np.ndarray) -> np.ndarray:
    """(h, w) bool of a picture in base64 that fills the box of two corners, the second one included."""
    left, top, right, bottom = points.astype(int).ravel().tolist()
    size = right - left + 1, bottom - top + 1
    if size[0] * size[1] > MAX_PIXELS:
        raise ShapeError(f"a mask of {size[0]}x{size[1]} pixels (at most {MAX_PIXELS:,})")
    try:
        with by_pillow(io.BytesIO(base64.b64decode(text, validate=True)), ("PNG",)) as picture:
            found = picture.size
            bitmap = np.array(picture).astype(bool) if found == size else np.empty((0, 0), bool)
    except (binascii.Error, TypeError, *UNREADABLE):
        raise ShapeError("its mask is no PNG that can be read") from None
    if bitmap.shape != size[::-1]:
        raise ShapeError(f"a mask of {found[0]}x{found[1]} pixels for {size[0]}x{size[1]}")
    return bitmap
