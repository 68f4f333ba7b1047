"""Label Studio's exports JSON and JSON-MIN: tasks, the annotation of each that counts, and its regions."""

import base64
import binascii
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.coco_rle import run_lengths
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.label_studio_interface import interface_classes
from casnet_cli.data.annotations.label_studio_rle import unpacked
from casnet_cli.data.annotations.label_studio_tasks import Region, Task, is_task, tasks_of
from casnet_cli.data.annotations.shapes import (
    AREALESS,
    Kind,
    PictureShapes,
    Shape,
    ShapeError,
    checked_points,
    ellipse,
    picture_size,
    rectangle,
)
from casnet_cli.data.annotations.tool_files import LABEL_STUDIO
from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.errors import DataError, Unfit, UnfitKind

OLDER = "of older annotations of a task, left out (a ground truth counts, else the newest)"
SEVERAL = "of a region's further labels, left out (the first counts)"
CURVED = "of vectors with curves or branches, left out"
UNDRAWN = "of a kind that casnet does not draw, left out"
"""In words of `Remark.text`."""

PREFIX = "data:image/png;base64,"
"""Before the picture of a bitmask."""


def read_label_studio(file: Path) -> AnnotatedFile:
    """Read an export of tasks; those without an annotation, and those that were skipped, are left out.

    Raises DataError: of another tool's file it says which.
    """
    raw = read_json(file)
    if not isinstance(raw, list) or not raw or not all(is_task(one) for one in raw):
        raise foreign(file, LABEL_STUDIO, raw)
    found = tasks_of(raw, file)
    regions = [region for one in found for region in one.regions or ()]
    _refuse_unlabelled(found, file)
    classes = interface_classes(file)
    occurring = sorted({label for region in regions for label in region.labels})
    return AnnotatedFile(
        file,
        tuple(
            AnnotatedPicture(one.pictures[0], partial(_read, one, file), one.pictures[1:])
            for one in found
            if one.regions is not None
        ),
        classes | {name: None for name in occurring if name not in classes},
        boxes=tuple(region.name for region in regions if _kind(region.value) is Kind.BOX),
        annotations=len(regions),
        notes=_unlabelled(found, file),
    )


def _refuse_unlabelled(found: Sequence[Task], file: Path) -> None:
    """Raise DataError if no task has an annotation."""
    if all(one.regions is None for one in found):
        predicted = sum(one.predicted for one in found)
        what = f", and {predicted:,} of {len(found):,} a prediction" if predicted else ""
        raise DataError(f"{file}: no task has an annotation{what} (submit them in Label Studio, and export JSON)")


def _unlabelled(found: Sequence[Task], file: Path) -> tuple[str, ...]:
    """A sentence on tasks without an annotation, if there are some."""
    without = [one.name for one in found if one.regions is None]
    number = f"{len(without):,} of {len(found):,}, such as {without[0]}" if without else ""
    return (f"{file}: tasks without an annotation, left out: {number}",) if without else ()


def _read(task: Task, file: Path) -> PictureShapes:
    """The shapes of a picture, in the order of the file. Raises Unfit naming the region that cannot be read."""
    drawn: list[Shape] = []
    left_out: dict[str, list[Shape]] = {OLDER: [_bare(one, file) for one in task.older]}
    size: tuple[int, int] | None = None
    for region in task.regions or ():
        try:
            size = _size(region, size)
            shape, why = _shape(region, size, file)
        except MALFORMED as error:
            reason = str(error) if isinstance(error, ShapeError) else "is of no form that Label Studio writes"
            fault = f"{file}: {region.name}: {reason} (mend or remove it in Label Studio)"
            raise Unfit(fault, UnfitKind.UNREADABLE) from None
        if why:
            left_out.setdefault(why, []).append(shape)
        else:
            drawn.append(shape)
        further = [Shape(shape.kind, label, region.name, file) for label in region.labels[1:]]
        left_out.setdefault(SEVERAL, []).extend(further)
    return PictureShapes(tuple(drawn), size, left_out)


def _size(region: Region, known: tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width of the picture, if this or an earlier region gives them. Raises ShapeError."""
    own = picture_size(region.height, region.width)
    if own and known and own != known:
        raise ShapeError(f"a region of {own[1]}x{own[0]} pixels beside one of {known[1]}x{known[0]}")
    return own or known


def _kind(value: JsonTable) -> Kind | None:
    """What a region is, by the keys of its geometry; None: nothing on a picture."""
    kinds = (
        ("rle", Kind.RUNS),
        ("imageDataURL", Kind.BITMAP),
        ("points", Kind.POLYGON),
        ("vertices", Kind.POLYGON if value.get("closed") else Kind.LINE),
        ("radiusX", Kind.ELLIPSE),
        ("height", Kind.BOX),
        ("x", Kind.POINT),
    )
    return next((kind for key, kind in kinds if key in value), None)


def _bare(region: Region, file: Path) -> Shape:
    """A region without its geometry."""
    return Shape(_kind(region.value) or Kind.POINT, "".join(region.labels[:1]), region.name, file)


def _shape(region: Region, size: tuple[int, int] | None, file: Path) -> tuple[Shape, str]:
    """A region, and why it is left out if it is. Raises ShapeError or one of MALFORMED."""
    value, kind, bare = region.value, _kind(region.value), _bare(region, file)
    if kind in (Kind.POINT, Kind.LINE):
        return bare, AREALESS
    if kind is None or "sequence" in value:
        return bare, UNDRAWN
    if "vertices" in value and not _is_plain(value["vertices"]):
        return bare, CURVED
    if float(region.rotation or 0) % 360:  # type: ignore[arg-type]
        raise ShapeError(f"the picture was turned by {region.rotation} degrees (casnet takes pictures as they lie)")
    if size is None:
        raise ShapeError("no original_width and original_height")
    label, name = bare.label, region.name
    if kind in (Kind.RUNS, Kind.BITMAP):
        mask = unpacked(value["rle"], *size) if kind is Kind.RUNS else _bitmask(value["imageDataURL"], size)
        return Shape(kind, label, name, file, runs=run_lengths(mask), size=size), ""
    return Shape(kind, label, name, file, _outline(value, kind, size)), ""


def _outline(value: JsonTable, kind: Kind, size: tuple[int, int]) -> np.ndarray:
    """(N, 2) corners of a region in pixels. Raises ShapeError or one of MALFORMED."""
    height, width = size
    if kind is Kind.POLYGON:
        given = value["points"] if "points" in value else [(one["x"], one["y"]) for one in value["vertices"]]
        return checked_points(np.array(given, np.float64) / 100 * (width, height), 3)
    x, y = float(value["x"]) / 100 * width, float(value["y"]) / 100 * height
    degrees = float(value.get("rotation") or 0)
    if kind is Kind.ELLIPSE:
        radii = float(value["radiusX"]) / 100 * width, float(value["radiusY"]) / 100 * height
        return checked_points(ellipse((x, y), radii, degrees), 3)
    sides = float(value["width"]) / 100 * width, float(value["height"]) / 100 * height
    return checked_points(rectangle((x, y), sides, degrees), 4)


def _is_plain(vertices: Any) -> bool:
    """Whether the vertices of a vector are one chain without curves."""
    before = [None, *(one.get("id") for one in vertices)]
    return not any(
        one.get("isBezier") or one.get("prevPointId") not in (None, previous)
        for one, previous in zip(vertices, before, strict=False)
    )


def _bitmask(text: str, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool of a PNG file in base64: what is not transparent."""
    try:
        with by_pillow(io.BytesIO(base64.b64decode(text.removeprefix(PREFIX))), ("PNG",)) as picture:
            found = picture.size[::-1]
            opacity = np.array(picture.convert("RGBA").getchannel("A")) if found == size else None
    except (binascii.Error, TypeError, *UNREADABLE):
        raise ShapeError("its bitmask is no PNG that can be read") from None
    if opacity is None:
        raise ShapeError(f"a bitmask of {found[1]}x{found[0]} pixels for {size[1]}x{size[0]}")
    return opacity > 0
