"""Datumaro's JSON files, which CVAT exports too: labels, and the shapes of each picture of one part of a data set."""

from functools import partial
from pathlib import Path, PurePath

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.shapes import (
    Kind,
    PictureShapes,
    Shape,
    ShapeError,
    checked_points,
    picture_size,
    turned_box,
)
from casnet_cli.data.annotations.tool_files import DATUMARO
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import Color

NOT_DRAWN = "that datumaro makes no mask of, left out"
"""In words of `Remark.text`."""

WITHOUT_AREA = {
    "polyline": Kind.LINE,
    "points": Kind.POINT,
    "cuboid_3d": Kind.CUBOID,
    "cuboid_2d": Kind.CUBOID,
    "skeleton": Kind.SKELETON,
    "label": Kind.TAG,
    "caption": Kind.TAG,
}
"""What each type is that datumaro makes no mask of."""

OUTLINE_POINTS = 720
"""Corners of the outline that datumaro draws an ellipse by."""


def read_datumaro(file: Path) -> AnnotatedFile:
    """Read a file of datumaro. Raises DataError: of another tool's file it says which."""
    raw = read_json(file)
    if not isinstance(raw, dict) or not isinstance(raw.get("items"), list):
        raise foreign(file, DATUMARO, raw)
    try:
        labels = [str(one["name"]) for one in raw["categories"].get("label", {}).get("labels", [])]
        colors = _colors(raw["categories"].get("mask", {}).get("colormap", []))
    except MALFORMED:
        raise DataError(f"{file}: categories of no form that datumaro writes (expected labels with names)") from None
    pictures, boxes, total = [], [], 0
    for place, item in enumerate(raw["items"], 1):
        try:
            name, drawn = _name(item, file), item["annotations"]
            boxes += [f"annotation {at} of {name}" for at, one in enumerate(drawn, 1) if one["type"] == "bbox"]
            total += len(drawn)
        except MALFORMED:
            fault = f"{file}: item {place} is of no form that datumaro writes (expected id and annotations with types)"
            raise DataError(fault) from None
        pictures.append(AnnotatedPicture(name, partial(_read, item, name, labels, file)))
    return AnnotatedFile(
        file,
        tuple(pictures),
        {name: colors.get(number) for number, name in enumerate(labels)},
        {name: number for number, name in enumerate(labels)},
        tuple(boxes),
        total,
    )


def _colors(given: list[JsonTable]) -> dict[int, Color | None]:
    return {int(one["label_id"]): color_of([one["r"], one["g"], one["b"]]) for one in given}


def _name(item: JsonTable, file: Path) -> str:
    """The picture's path, of a relative one first below the folder of this part of the data set; else its id."""
    path = (item.get("image") or item.get("media") or {}).get("path") or str(item["id"])
    return path if PurePath(path).is_absolute() else f"{file.stem}/{path}"


def _read(item: JsonTable, name: str, labels: list[str], file: Path) -> PictureShapes:
    """The shapes of a picture by `z_order`, and equal ones as in the file. Raises Unfit naming what cannot be read."""
    drawn: list[tuple[int, Shape]] = []
    left_out = []
    size = _size(item, name, file)
    for place, one in enumerate(item["annotations"], 1):
        known = f"annotation {place}"  # CVAT gives all of them the id 0
        try:
            number, kind = one.get("label_id"), one["type"]
            if number is not None and not 0 <= number < len(labels):
                raise ShapeError(f"has label_id {number}, which is not there")
            label = "" if number is None else labels[number]
            if kind in WITHOUT_AREA:
                left_out.append(Shape(WITHOUT_AREA[kind], label, known, file))
            else:
                drawn.append((int(one.get("z_order") or 0), _shape(one, kind, label, known, file)))
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that datumaro writes"
            what = f"{file}: {name}: {known} ({one['type']}): {why} (mend or remove it)"
            raise Unfit(what, UnfitKind.UNREADABLE) from None
    drawn.sort(key=lambda found: found[0])
    shapes = tuple(shape for _, shape in drawn)
    return PictureShapes(shapes, size or next((one.size for one in shapes if one.size), None), {NOT_DRAWN: left_out})


def _size(item: JsonTable, name: str, file: Path) -> tuple[int, int] | None:
    """Height and width of the picture. Raises Unfit."""
    try:
        height, width = (item.get("image") or {}).get("size") or (None, None)
        return picture_size(height, width)
    except (TypeError, ValueError) as error:
        why = str(error) if isinstance(error, ShapeError) else "its size is no height and width"
        raise Unfit(f"{file}: {name}: {why}", UnfitKind.UNREADABLE) from None


def _shape(one: JsonTable, kind: str, label: str, name: str, file: Path) -> Shape:
    """Raises ShapeError or one of MALFORMED."""
    if kind == "polygon":
        return Shape(Kind.POLYGON, label, name, file, checked_points(one["points"], 3))
    if kind == "bbox":
        left, top, width, height = (float(side) for side in one["bbox"])
        points = checked_points([(left, top), (left + width, top + height)], 2)
        turn = float((one.get("attributes") or {}).get("rotation") or 0)  # of CVAT
        return Shape(Kind.BOX, label, name, file, turned_box(points, turn) if turn else points)
    if kind == "ellipse":
        return Shape(Kind.ELLIPSE, label, name, file, _ellipse(checked_points(one["points"], 2)))
    if kind != "mask":
        raise ShapeError("casnet does not know this type of annotation")
    height, width = (int(side) for side in one["rle"]["size"])
    return Shape(Kind.RUNS, label, name, file, runs=one["rle"]["counts"].encode("ascii"), size=(height, width))


def _ellipse(points: np.ndarray) -> np.ndarray:
    """The outline, as datumaro has it, of an ellipse in a box of two corners."""
    angles = np.linspace(0, 2 * np.pi, OUTLINE_POINTS)
    first, second = points[:2]
    return (first + second) / 2 + (second - first) / 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
