"""Supervisely's projects: `meta.json` with the classes, and folders of pictures with an annotation file each."""

import base64
import binascii
import io
import math
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points, picture_size
from casnet_cli.data.annotations.tool_files import SUPERVISELY
from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.limits import MAX_PIXELS
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.errors import DataError, Unfit, UnfitKind

NO_AREA = "that enclose nothing, left out"
KINDS = {"polygon": Kind.POLYGON, "rectangle": Kind.BOX, "line": Kind.LINE, "point": Kind.POINT}
"""Of each `geometryType` with points."""


def read_supervisely(file: Path) -> AnnotatedFile:
    """A project by its `meta.json`: `DATASET/ann/x.jpg.json` belongs to `DATASET/img/x.jpg`. Raises DataError."""
    raw = read_json(file)
    if not isinstance(raw, dict) or not isinstance(raw.get("classes"), list):
        raise foreign(file, SUPERVISELY, raw)
    try:
        classes = {str(one["title"]): color_of(one.get("color")) for one in raw["classes"]}
        kinds = {str(one["title"]): str(one.get("shape")) for one in raw["classes"]}
    except MALFORMED:
        raise DataError(f"{file}: a class without title (expected title, shape and color)") from None
    files = sorted(one for one in file.parent.rglob("*.json") if one.parent.name == "ann")
    pictures = tuple(_picture(one, file.parent, kinds) for one in files)
    if not pictures:
        raise DataError(f"{file}: there are no annotations beside it (expected DATASET/ann/x.jpg.json)")
    return AnnotatedFile(file, pictures, classes)


def _picture(file: Path, root: Path, kinds: dict[str, str]) -> AnnotatedPicture:
    folder, name = file.parent.parent, file.name[: -len(".json")]
    if not name.lower().endswith(readable_endings()):  # as older projects have it: x.json of x.jpg
        found = [one for one in (folder / "img").glob(f"{name}.*") if one.stem == name]
        name = found[0].name if found else name
    relative = (folder / "img" / name).relative_to(root)
    split = next((TOPS[part.lower()] for part in relative.parts[:-2] if part.lower() in TOPS), None)
    return AnnotatedPicture(relative.as_posix(), partial(_read, file, kinds), split=split)


def _read(file: Path, kinds: dict[str, str]) -> PictureShapes:
    """The shapes of a picture, in the order of the file. Raises Unfit naming the object that cannot be read."""
    raw = read_json(file)
    objects = raw.get("objects") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(objects, list):
        raise foreign(file, SUPERVISELY, raw)
    shapes: list[Shape] = []
    left_out: list[Shape] = []
    for place, one in enumerate(objects, 1):
        try:
            found = _shapes(one, f"object {one.get('id', place)}", file, kinds)
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that Supervisely writes"
            raise Unfit(f"{file}: object {place}: {why} (mend or remove it)", UnfitKind.UNREADABLE) from None
        if found is None:
            left_out.append(Shape(Kind.SKELETON, str(one.get("classTitle")), f"object {one.get('id', place)}", file))
        shapes += found or []
    size = raw.get("size")
    try:
        whole = picture_size(size.get("height"), size.get("width")) if isinstance(size, dict) else None
    except ShapeError as error:
        raise Unfit(f"{file}: {error}", UnfitKind.UNREADABLE) from None
    return PictureShapes(tuple(shapes), whole, {NO_AREA: left_out})


def _shapes(raw: JsonTable, name: str, file: Path, kinds: dict[str, str]) -> list[Shape] | None:
    """The shapes of an object; None: it is of a kind that encloses nothing. Raises ShapeError or one of MALFORMED."""
    label = str(raw["classTitle"])
    kind = raw.get("geometryType") or raw.get("shape") or kinds.get(label)
    if kind in KINDS:
        return [_outlined(raw["points"], KINDS[kind], label, name, file)]
    if kind == "cuboid":
        points = checked_points(raw["points"], 1)
        faces = [checked_points(points[list(face)], 1) for face in raw["faces"]]
        return [Shape(Kind.POLYGON, label, name, file, face) for face in faces]
    if kind == "multipolygon":
        return [_outlined(part, Kind.POLYGON, label, name, file) for part in raw["parts"]]
    if kind in ("bitmap", "alpha_mask"):
        origin = checked_points([raw["bitmap"]["origin"]], 1)
        return [Shape(Kind.BITMAP, label, name, file, np.floor(origin), bitmap=_bitmap(raw["bitmap"]["data"]))]
    if kind == "oriented_bbox":
        return [Shape(Kind.POLYGON, label, name, file, _turned(raw["points"], float(raw.get("angle") or 0)))]
    return None


def _outlined(points: JsonTable, kind: Kind, label: str, name: str, file: Path) -> Shape:
    exterior = checked_points(points["exterior"], 2 if kind is Kind.BOX else 1)
    if kind is Kind.BOX and len(exterior) > 2:
        raise ShapeError(f"{len(exterior)} points (a rectangle has two)")
    holes = tuple(checked_points(ring, 1) for ring in points.get("interior") or ())
    return Shape(kind, label, name, file, exterior, holes)


def _turned(points: Any, angle: float) -> np.ndarray:
    """The corners of a rectangle that is turned about its centre, clockwise in radians, as whole numbers."""
    (left, top), (right, bottom) = np.sort(np.floor(checked_points(points, 2)[:2]), axis=0)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    centre = np.array([(left + right) // 2, (top + bottom) // 2])
    x, y = (corners - centre).T
    cosine, sine = math.cos(angle), math.sin(angle)
    return checked_points(np.floor(np.stack([x * cosine - y * sine, x * sine + y * cosine], 1) + centre), 4)


def _bitmap(text: Any) -> np.ndarray:
    """(h, w) bool of a PNG in base64, mostly packed once more: what is neither 0 nor transparent."""
    try:
        packed = base64.b64decode(text, validate=True)
        data = zlib.decompressobj().decompress(packed, 4 * MAX_PIXELS) if packed[:1] == b"x" else packed
        with by_pillow(io.BytesIO(data), ("PNG",)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ShapeError(f"a mask of {picture.width}x{picture.height} pixels (at most {MAX_PIXELS:,})")
            transparent = picture.mode in ("LA", "RGBA")
            return np.array(picture.getchannel("A") if transparent else picture.convert("L")).astype(bool)
    except ShapeError:
        raise
    except (binascii.Error, zlib.error, TypeError, MemoryError, *UNREADABLE):
        raise ShapeError("its mask is no PNG that can be read") from None
