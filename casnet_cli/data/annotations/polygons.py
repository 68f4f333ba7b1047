"""Class ids of outlines: COCO's segmentations and LabelMe's shapes.

Where outlines overlap, the one drawn last counts. Of a COCO file larger areas are drawn first, so that small things lie
on top, and equal ones in the order of the file; of a LabelMe file the shapes in their order, as LabelMe shows them.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from casnet_cli.data.annotations.class_table import BACKGROUND as BACKGROUND
from casnet_cli.data.annotations.class_table import background_id as background_id
from casnet_cli.data.images import MAX_PIXELS
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What JSON of another shape than expected raises."""


def mask_of_runs(runs: Sequence[int], rows: int, columns: int) -> Callable[[int, int], np.ndarray]:
    """A function of (height, width) that draws run lengths of a mask of `rows` x `columns` pixels: (H, W) bool.

    It raises ValueError if the size differs, or if the lengths do not add up to it.
    """

    def mark(height: int, width: int) -> np.ndarray:
        if (rows, columns) != (height, width) or sum(runs) != rows * columns or min(runs, default=0) < 0:
            raise ValueError(f"run lengths of {sum(runs)} pixels for {width}x{height}")
        values = np.arange(len(runs)) % 2 == 1
        return np.repeat(values, runs).reshape(columns, rows).T

    return mark


def decode(text: str) -> list[int]:
    """The run lengths of the compressed form."""
    runs: list[int] = []
    value = shift = 0
    for character in text.encode("ascii"):
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


Marker = Callable[[int, int], np.ndarray]
"""A function of height and width that returns the pixels of a region, (H, W) bool."""


@dataclass(frozen=True)
class Shape:
    """One region of an image."""

    class_id: int
    """Its class, or VOID."""
    mark: Marker
    """Its pixels, for an image of a given size."""


def draw_shapes(shapes: Iterable[Shape], height: int, width: int, rest: int) -> np.ndarray:
    """(H, W) uint8 class ids: the shapes in their order, later ones on top, and `rest` where there is none."""
    label = np.full((height, width), rest, np.uint8)
    for shape in shapes:
        label[shape.mark(height, width)] = shape.class_id
    return label


def polygon(points: Sequence[tuple[float, float]]) -> Marker:
    """The inside of a closed outline of (x, y) in pixels, border included. Raises ValueError if it is none."""
    if len(points) < 3 or not np.isfinite(points).all():
        raise ValueError(f"a polygon of {len(points)} points (three at least, all of them finite)")

    def mark(height: int, width: int) -> np.ndarray:
        canvas = Image.new("1", (width, height))
        ImageDraw.Draw(canvas).polygon([(round(x), round(y)) for x, y in points], fill=1, outline=1)
        return np.asarray(canvas, bool)

    return mark


def _read_json(file: Path) -> Any:
    """Raises DataError."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Unfit(f"{file}: not readable JSON: {reason(error)}", UnfitKind.UNREADABLE) from None


# COCO


@dataclass(frozen=True)
class CocoImage:
    """One image of a COCO file."""

    name: str
    """File name as the COCO file has it."""
    height: int
    """In pixels."""
    width: int
    """In pixels."""
    annotations: tuple[dict[str, Any], ...]
    """Its annotations as they were read, in drawing order."""


def read_coco(file: Path) -> tuple[dict[int, str], list[CocoImage]]:
    """Categories by id, and the images with their annotations, of a COCO instance file. Raises DataError."""
    raw = _read_json(file)
    try:
        categories = {int(one["id"]): str(one["name"]) for one in raw["categories"]}
        by_image: dict[Any, list[Any]] = {one["id"]: [] for one in raw["images"]}
        if len(by_image) < len(raw["images"]):
            raise ValueError("two images share an id")
        for one in raw["annotations"]:
            if one["image_id"] not in by_image:
                raise DataError(f"{file}: annotation {one['id']} is of image {one['image_id']}, which is not there")
            if int(one["category_id"]) not in categories:
                raise DataError(f"{file}: annotation {one['id']} has category {one['category_id']}, which is not there")
            by_image[one["image_id"]].append(one)
        images = [
            CocoImage(str(one["file_name"]), int(one["height"]), int(one["width"]), _largest_first(by_image[one["id"]]))
            for one in raw["images"]
        ]
    except MALFORMED as error:
        raise DataError(f"{file}: no COCO annotation file: {_missing(error)}") from None
    for image in images:
        if image.height < 1 or image.width < 1 or image.height * image.width > MAX_PIXELS:
            raise DataError(f"{file}: {image.name} is {image.width}x{image.height} (at most {MAX_PIXELS:,} pixels)")
    return categories, images


def _largest_first(annotations: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(annotations, key=lambda one: -float(one["area"] if "area" in one else _extent(one))))


def _extent(annotation: Any) -> float:
    """The pixels of the bounding box, in place of an area that is not given."""
    _, _, width, height = annotation["bbox"]
    return float(width) * float(height)


def _missing(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else reason(error)


def coco_label(image: CocoImage, file: Path, class_of: dict[int, int], rest: int) -> np.ndarray:
    """(H, W) uint8 class ids of an image's annotations.

    class_of: class id, or VOID, of each category id. rest: class id outside all annotations. Raises DataError.
    """
    try:
        shapes = [
            Shape(class_of[int(one["category_id"])], mark) for one in image.annotations for mark in _segmentation(one)
        ]
        return draw_shapes(shapes, image.height, image.width, rest)
    except MALFORMED as error:
        fault = f"{file}: {image.name}: a segmentation of no known form: {_missing(error)}"
        raise Unfit(fault, UnfitKind.UNREADABLE) from None


def _segmentation(annotation: Any) -> list[Marker]:
    """The regions of an annotation: one for each of its polygons, or one of a run-length code."""
    given = annotation["segmentation"]
    if isinstance(given, dict):
        counts = given["counts"]
        runs = decode(counts) if isinstance(counts, str) else [int(run) for run in counts]
        return [mask_of_runs(runs, *(int(side) for side in given["size"]))]
    if any(len(flat) % 2 for flat in given):
        raise ValueError("a polygon has an odd number of coordinates")
    return [polygon(list(zip(map(float, flat[::2]), map(float, flat[1::2]), strict=True))) for flat in given]


# LabelMe


@dataclass(frozen=True)
class LabelMeFile:
    """The content of a LabelMe file."""

    height: int
    """Of its image, in pixels."""
    width: int
    """Of its image, in pixels."""
    shapes: tuple[tuple[str, Marker], ...]
    """Label and pixels of each shape, in the order of the file."""


def read_labelme(file: Path) -> LabelMeFile:
    """Read a LabelMe file. Raises DataError if it is none, or has a shape that encloses nothing."""
    raw = _read_json(file)
    try:
        shapes = tuple((str(shape["label"]), _labelme_mark(shape)) for shape in raw["shapes"])
        found = LabelMeFile(int(raw["imageHeight"]), int(raw["imageWidth"]), shapes)
    except MALFORMED as error:
        raise Unfit(f"{file}: no LabelMe file: {_missing(error)}", UnfitKind.UNREADABLE) from None
    if found.height < 1 or found.width < 1 or found.height * found.width > MAX_PIXELS:
        fault = f"{file}: an image of {found.width}x{found.height} (at most {MAX_PIXELS:,} pixels)"
        raise Unfit(fault, UnfitKind.UNREADABLE)
    return found


def _labelme_mark(shape: Any) -> Marker:
    kind = shape.get("shape_type") or "polygon"
    points = [(float(x), float(y)) for x, y in shape["points"]]
    if kind == "polygon":
        return polygon(points)
    (x0, y0), (x1, y1) = points[:2]
    if kind == "rectangle":
        return polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    if kind == "circle":
        radius = float(np.hypot(x1 - x0, y1 - y0))
        return lambda height, width: (np.arange(width) - x0) ** 2 + (np.arange(height)[:, None] - y0) ** 2 <= radius**2
    raise ValueError(f"a shape of kind {kind!r} encloses nothing (polygon, rectangle or circle)")


def labelme_label(found: LabelMeFile, file: Path, class_of: dict[str, int], rest: int) -> np.ndarray:
    """(H, W) uint8 class ids of a LabelMe file. Raises DataError naming a label that is no class."""
    unknown = next((label for label, _ in found.shapes if label not in class_of), None)
    if unknown is not None:
        raise Unfit(
            f"{file}: label {unknown!r} is no class ({', '.join(class_of)})", UnfitKind.VALUE, f"label {unknown!r}"
        )
    return draw_shapes([Shape(class_of[label], mark) for label, mark in found.shapes], found.height, found.width, rest)
