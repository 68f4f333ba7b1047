"""COCO's files of instances: categories, pictures, and the shapes of each picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from casnet_cli.data.annotations.addresses import picture_names
from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.json_files import MALFORMED, Json, JsonTable, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points, picture_size
from casnet_cli.data.annotations.tool_files import COCO
from casnet_cli.data.limits import MAX_PIXELS
from casnet_cli.errors import DataError, Unfit, UnfitKind

NO_OUTLINE = "without outline and box, left out"
"""In words of `Remark.text`."""

Id = int | str


@dataclass(frozen=True, slots=True)
class CocoImage:
    """A picture of a COCO file."""

    name: str
    """File name as the COCO file has it."""
    size: tuple[int, int] | None
    """Height and width in pixels; None: the file does not give them."""
    annotations: list[JsonTable]
    """Its annotations as they were read, in the order of the file."""
    address: str = ""
    """Where Label Studio found it, in its COCO of brushes, whose names are those of addresses."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Names to look for where no picture has its name."""
        return (*picture_names(self.address), *picture_names(self.name))


def plain_id(given: Json) -> Id:
    """An id as it is compared: `"0"`, 0 and 0.0 are one. Raises ValueError for what is no id."""
    if type(given) is int:
        return given
    if isinstance(given, str):
        return int(given) if given.isascii() and given.removeprefix("-").isdigit() and len(given) < 20 else given
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given):
        raise ValueError(f"{given!r} is no id")
    return int(given)


def read_coco(file: Path) -> AnnotatedFile:
    """Read a COCO file of instances. Raises DataError: of another tool's file it says which."""
    raw = read_json(file)
    lists = [raw.get(key) for key in ("images", "annotations", "categories")] if isinstance(raw, dict) else [None]
    if not isinstance(raw, dict) or not all(isinstance(one, list) for one in lists):
        raise foreign(file, COCO, raw)
    if any(isinstance(one, dict) and "segments_info" in one for one in raw["annotations"][:1]):
        raise foreign(file, COCO, raw)
    categories = categories_of(raw["categories"], file)
    by_image = images_of(raw["images"], file)
    boxes: list[str] = []
    for place, one in enumerate(raw["annotations"], 1):
        _sort_in(one, place, categories, by_image, boxes, file)
    ordered = sorted(categories, key=lambda key: (isinstance(key, str), key))
    return AnnotatedFile(
        file,
        tuple(
            AnnotatedPicture(one.name, partial(_read, one, categories, file), one.aliases) for one in by_image.values()
        ),
        {categories[key]: None for key in ordered},
        {categories[key]: key for key in ordered if isinstance(key, int)},
        tuple(boxes),
        len(raw["annotations"]),
        notes=_shared_names(categories, file),
    )


def _shared_names(categories: Mapping[Id, str], file: Path) -> tuple[str, ...]:
    """A sentence for each name that several categories have."""
    ids: dict[str, list[str]] = {}
    for key, name in categories.items():
        ids.setdefault(name, []).append(str(key))
    return tuple(
        f"{file}: categories {', '.join(keys)} are all called {name!r}, and one class (rename them to keep them apart)"
        for name, keys in ids.items()
        if len(keys) > 1
    )


def categories_of(given: list[JsonTable], file: Path) -> dict[Id, str]:
    """The names of categories by their ids. Raises DataError."""
    try:
        for one in given:
            if one["name"] is None:
                raise DataError(f"{file}: category {one['id']} has null as its name (expected a text)")
        return {plain_id(one["id"]): str(one["name"]) for one in given}
    except MALFORMED:
        raise DataError(f"{file}: a category without id or name (expected id and name in each)") from None


def images_of(given: list[JsonTable], file: Path) -> dict[Id, CocoImage]:
    """The pictures by their ids, without annotations yet. Raises DataError naming the one that cannot be read."""
    found: dict[Id, CocoImage] = {}
    for place, one in enumerate(given, 1):
        try:
            key, name = plain_id(one["id"]), str(one["file_name"])
        except MALFORMED:
            raise DataError(f"{file}: image {place} has no id or no file_name (expected both)") from None
        if key in found:
            raise DataError(f"{file}: two images share an id, {key}: {found[key].name} and {name} (one id an image)")
        try:
            found[key] = CocoImage(
                name, picture_size(one.get("height"), one.get("width")), [], str(one.get("path") or "")
            )
        except ShapeError as error:
            raise DataError(f"{file}: {name}: {error}") from None
    return found


def name_of(annotation: JsonTable, place: int = 0) -> str:
    """How an annotation is named: by its id, else by its place in the file."""
    number = annotation.get("id")
    return f"annotation {place} of the file, without id" if number is None else f"annotation {number}"


def _sort_in(
    one: Any, place: int, categories: dict[Id, str], by_image: dict[Id, CocoImage], boxes: list[str], file: Path
) -> None:
    """Put an annotation to its image. Raises DataError naming it."""
    if not isinstance(one, dict):
        raise DataError(f"{file}: annotation {place} of the file is no table (expected image_id, category_id, …)")
    name = name_of(one, place)
    try:
        image, category = plain_id(one["image_id"]), one.get("category_id")
        key = None if category is None else plain_id(category)
    except MALFORMED:
        raise DataError(f"{file}: {name}: image_id or category_id is no id (expected numbers)") from None
    if image not in by_image:
        raise DataError(f"{file}: {name} is of image {image}, which is not there")
    if key is not None and key not in categories:
        raise DataError(f"{file}: {name} has category {key}, which is not there")
    by_image[image].annotations.append(one)
    if not one.get("segmentation") and one.get("bbox"):
        boxes.append(name)


def _read(image: CocoImage, categories: dict[Id, str], file: Path) -> PictureShapes:
    """The shapes of a picture: larger areas first, so that small things lie on top; equal ones as in the file.

    Raises Unfit naming the annotation that cannot be read.
    """
    drawn: list[Shape] = []
    without: list[Shape] = []
    for one in image.annotations:
        name, given = name_of(one), one.get("category_id")
        label = "" if given is None else categories[plain_id(given)]
        try:
            parts = _shapes(one, label, name, file)
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "its segmentation is of no known form"
            fault = f"{file}: {image.name}: {name}: {why} (mend or remove it)"
            raise Unfit(fault, UnfitKind.UNREADABLE) from None
        drawn += parts
        if not parts:
            without.append(Shape(Kind.POLYGON, label, name, file))
    drawn.sort(key=lambda shape: -(shape.area or 0.0))
    size = image.size or next((shape.size for shape in drawn if shape.size), None)
    return PictureShapes(tuple(drawn), size, {NO_OUTLINE: without})


def _shapes(one: JsonTable, label: str, name: str, file: Path) -> list[Shape]:
    """The shapes of an annotation: one for each polygon, or of a run-length code, or of the box."""
    given, area = one.get("segmentation"), one.get("area")
    if isinstance(given, dict):
        runs, size = _runs(given)
        return [Shape(Kind.RUNS, label, name, file, runs=runs, size=size, area=_area(area, one, size[0] * size[1]))]
    if not given:
        if not one.get("bbox"):
            return []
        left, top, width, height = (float(side) for side in one["bbox"])
        points = checked_points([(left, top), (left + width, top + height)], 2)
        return [Shape(Kind.BOX, label, name, file, points, area=_area(area, one, width * height))]
    polygons = [given] if isinstance(given, Sequence) and isinstance(given[0], int | float) else given
    rings = [checked_points(flat, 3) for flat in polygons]
    whole = float(area) if _is_number(area) else sum(map(_enclosed, rings))
    return [Shape(Kind.POLYGON, label, name, file, ring, area=whole) for ring in rings]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and value == value


def _area(area: Any, one: JsonTable, otherwise: float) -> float:
    """The area of an annotation as given, else that of its box."""
    if _is_number(area):
        return float(area)
    box = one.get("bbox")
    return float(box[2]) * float(box[3]) if box else otherwise


def _enclosed(ring: np.ndarray) -> float:
    """The area inside of an outline."""
    following = np.roll(ring, -1, 0)
    return float(abs((ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]).sum()) / 2)


def _runs(given: JsonTable) -> tuple[bytes | np.ndarray, tuple[int, int]]:
    height, width = (int(side) for side in given["size"])
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ShapeError(f"a mask of {width}x{height} pixels (at most {MAX_PIXELS:,})")
    counts = given["counts"]
    if isinstance(counts, str):
        return counts.encode("ascii"), (height, width)
    runs = np.array(counts)
    if runs.ndim != 1 or (runs.size and runs.dtype.kind not in "iu"):
        raise ShapeError("run lengths that are no whole numbers")
    return runs.astype(np.int64), (height, width)
