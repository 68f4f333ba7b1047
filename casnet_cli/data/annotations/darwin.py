"""Darwin (V7) files, versions 2 and 1: a JSON file a picture, with polygons, or masks in one layer of run lengths."""

from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points, picture_size
from casnet_cli.data.annotations.tool_files import DARWIN
from casnet_cli.errors import Unfit, UnfitKind

NOT_DRAWN = "that Darwin makes no mask of, left out"
OTHER_SLOT = "of further slots of the item, left out"
"""Why annotations are left out, in words of `Remark.text`."""

WITHOUT_MASK = {
    "bounding_box": Kind.BOX,
    "ellipse": Kind.ELLIPSE,
    "line": Kind.LINE,
    "keypoint": Kind.POINT,
    "cuboid": Kind.CUBOID,
    "skeleton": Kind.SKELETON,
    "tag": Kind.TAG,
}
"""Kinds of annotations that are not drawn."""


def read_darwin(file: Path) -> PictureShapes:
    """Read a Darwin file. Raises Unfit if it is none, or names the annotation that cannot be read."""
    raw = read_json(file)
    if not isinstance(raw, dict) or not isinstance(raw.get("annotations"), list):
        raise foreign(file, DARWIN, raw)
    shapes: list[Shape] = []
    left_out: dict[str, list[Shape]] = {NOT_DRAWN: [], OTHER_SLOT: []}
    names: dict[str, str] = {}
    try:
        slot, size = _slot(raw)
        names = {str(one.get("id")): str(one["name"]).strip() for one in raw["annotations"] if "mask" in one}
    except MALFORMED as error:
        why = str(error) if isinstance(error, ShapeError) else "its item or an annotation is of no form of Darwin"
        raise Unfit(f"{file}: {why} (export it again)", UnfitKind.UNREADABLE) from None
    for place, one in enumerate(raw["annotations"], 1):
        try:
            found = _shapes(one, f"annotation {place}", file, size, names)
            if slot not in (one.get("slot_names") or [slot]):
                left_out[OTHER_SLOT] += found
            else:
                left_out[NOT_DRAWN] += [shape for shape in found if shape.kind in WITHOUT_MASK.values()]
                shapes += [shape for shape in found if shape.kind not in WITHOUT_MASK.values()]
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that Darwin writes"
            raise Unfit(f"{file}: annotation {place}: {why} (mend or remove it)", UnfitKind.UNREADABLE) from None
    return PictureShapes(tuple(shapes), size, left_out)


def _slot(raw: JsonTable) -> tuple[str, tuple[int, int] | None]:
    """The first slot of the item, and the picture's size. Raises ShapeError or one of MALFORMED."""
    item = raw.get("item") or {}
    slots = item.get("slots") or [raw.get("image") or {}]
    return str(slots[0].get("slot_name", "0")), picture_size(slots[0].get("height"), slots[0].get("width"))


def _shapes(raw: JsonTable, name: str, file: Path, size: tuple[int, int] | None, names: dict[str, str]) -> list[Shape]:
    """The shapes of an annotation. names: classes of the masks by id. Raises ShapeError or one of MALFORMED."""
    if "frames" in raw:
        raise ShapeError("it is of a film (expected files of pictures)")
    label = str(raw["name"]).strip()
    outline = raw.get("polygon") or raw.get("complex_polygon")
    if outline:
        paths = outline.get("paths") or outline["path"]
        paths = paths if isinstance(paths[0], list) else [paths]
        outer, *others = (checked_points([(one["x"], one["y"]) for one in path], 3) for path in paths)
        return [Shape(Kind.POLYGON, label, name, file, outer, tuple(others))]
    if "raster_layer" in raw:
        return _masks(raw["raster_layer"], name, file, size, names)
    if "mask" in raw:  # its pixels are in the layer
        return []
    kind = next((kind for key, kind in WITHOUT_MASK.items() if key in raw), None)
    if kind is None:
        raise ShapeError(f"casnet does not know this kind of annotation ({', '.join(sorted(raw))})")
    return [Shape(kind, label, name, file)]


def _masks(layer: JsonTable, name: str, file: Path, size: tuple[int, int] | None, names: dict[str, str]) -> list[Shape]:
    """The masks of a layer, whose pairs of number and run length go along the rows."""
    if size is None:
        raise ShapeError("a layer of masks in a file without the picture's size")
    runs: Any = np.array(layer["dense_rle"], np.int64).reshape(-1, 2)
    height, width = size
    if (runs < 0).any() or runs[:, 1].sum() != height * width:
        raise ShapeError(f"run lengths that do not add up to {width}x{height} pixels")
    numbers = np.repeat(runs[:, 0], runs[:, 1]).reshape(height, width)
    owners = {int(number): str(key) for key, number in layer["mask_annotation_ids_mapping"].items()}
    if unknown := set(np.unique(numbers).tolist()) - owners.keys() - {0}:
        raise ShapeError(f"pixels of the number {min(unknown)}, which no mask has")
    origin = np.zeros((1, 2))
    return [
        Shape(Kind.BITMAP, names[key], f"{name}, mask {number}", file, origin, bitmap=numbers == number)
        for number, key in owners.items()
    ]
