"""Regions of VIA's files, of all its versions: which attribute is the class, and shapes in pixels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.addresses import picture_names
from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable
from casnet_cli.data.annotations.shapes import (
    AREALESS,
    Kind,
    PictureShapes,
    Shape,
    ShapeError,
    checked_points,
    ellipse,
    rectangle,
)
from casnet_cli.errors import DataError, Unfit, UnfitKind

CLASS_WORDS = ("class", "category", "label", "name", "type", "object")
"""Names of attributes that are taken for the class where several could be, the likeliest first."""

ONLY = "object"
"""The class of all regions where none has an attribute."""

FURTHER = "of a region's further classes, left out (the first counts)"
"""In words of `Remark.text`."""

CORNERS, PLACES = 72, 3
"""Of a circle or an ellipse as VIA exports it to COCO: corners, and decimal places of their coordinates."""

KINDS = {
    "polygon": Kind.POLYGON,
    "rect": Kind.POLYGON,
    "circle": Kind.ELLIPSE,
    "ellipse": Kind.ELLIPSE,
    "line": Kind.LINE,
    "polyline": Kind.LINE,
    "point": Kind.POINT,
}
"""Names of shapes."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of regions, as the project declares it."""

    choice: bool
    """Whether one of its options is chosen: a list or radio buttons."""
    options: Mapping[str, str]
    """Texts of its options by their ids; a text may be empty."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture."""

    name: str
    """For messages: `region 3`."""
    shape: JsonTable
    """`name`, and the coordinates that belong to it, as VIA 2 has them."""
    attributes: JsonTable
    """Values by the names of attributes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a VIA file."""

    names: tuple[str, ...]
    """Names and addresses, as the file has them."""
    regions: list[Region] = field(default_factory=list)
    """In the order of the file."""


def annotated(file: Path, pictures: Sequence[Picture], declared: Mapping[str, Attribute]) -> AnnotatedFile:
    """What a VIA file holds. declared: attributes of regions by their names. Raises DataError."""
    regions = [region for one in pictures for region in one.regions]
    name = _class_attribute(file, regions, declared)
    options = declared[name].options if name in declared else {}
    found = {label for region in regions for label in _labels(region, name, options)}
    classes = [*(text or key for key, text in options.items()), *sorted(found)]
    listed = []
    for one in pictures:
        names = tuple(dict.fromkeys(text for given in one.names for text in picture_names(given)))
        listed.append(AnnotatedPicture(names[0], partial(_read, one, name, options, file), names[1:]))
    empty = [one.names[0] for one in pictures if not one.regions]
    notes = [f"{file}: no region has an attribute: all are of class {ONLY}"] if regions and not name else []
    if empty:
        number = f"{len(empty):,} of {len(pictures):,}, such as {empty[0]}"
        notes.append(f"{file}: pictures without a region, taken as they are: {number}")
    return AnnotatedFile(
        file,
        tuple(listed),
        dict.fromkeys(classes),
        annotations=len(regions),
        notes=tuple(notes),
    )


def _class_attribute(file: Path, regions: Iterable[Region], declared: Mapping[str, Attribute]) -> str:
    """The attribute that names the class: the only one, the only choice, or the one of the likeliest name.

    Empty: no region has one. Raises DataError if several could be.
    """
    given = [region.attributes for region in regions]
    used = list(dict.fromkeys(name for one in given for name, value in one.items() if _chosen(value)))
    if not used:
        return ""
    choices = [name for name in used if name in declared and declared[name].choice]
    if len(pool := choices or used) == 1:
        return pool[0]
    for word in CLASS_WORDS:
        if found := [name for name in pool if name.casefold().strip() == word]:
            return found[0]
    raise DataError(f"{file}: which attribute is the class: {', '.join(pool)}? (call it class in VIA)")


def _chosen(value: Any) -> list[str]:
    """The values of an attribute; of check boxes those that are set."""
    if isinstance(value, dict):
        return [str(key) for key, on in value.items() if on]
    return [str(value).strip()] if value is not None and str(value).strip() else []


def _labels(region: Region, attribute: str, options: Mapping[str, str]) -> list[str]:
    if not attribute:
        return [ONLY]
    return [options.get(one) or one for one in _chosen(region.attributes.get(attribute))]


def _read(picture: Picture, attribute: str, options: Mapping[str, str], file: Path) -> PictureShapes:
    """The shapes of a picture, in the order of the file. Raises Unfit naming the region that cannot be read."""
    drawn: list[Shape] = []
    left_out: dict[str, list[Shape]] = {AREALESS: [], FURTHER: []}
    for region in picture.regions:
        labels = _labels(region, attribute, options)
        try:
            shape = _shape(region, labels[0] if labels else "", file)
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that VIA writes"
            fault = f"{file}: {picture.names[0]}: {region.name}: {why} (mend or remove it in VIA)"
            raise Unfit(fault, UnfitKind.UNREADABLE) from None
        (left_out[AREALESS] if shape.kind in (Kind.LINE, Kind.POINT) else drawn).append(shape)
        left_out[FURTHER] += [Shape(shape.kind, label, region.name, file) for label in labels[1:]]
    return PictureShapes(tuple(drawn), None, left_out)


def _shape(region: Region, label: str, file: Path) -> Shape:
    """Raises ShapeError or one of MALFORMED."""
    given = region.shape
    word = given["name"]
    if word not in KINDS:
        raise ShapeError(f"casnet does not know the shape {word!r} ({', '.join(KINDS)})")
    kind = KINDS[word]
    points = np.empty((0, 2)) if kind in (Kind.LINE, Kind.POINT) else checked_points(_outline(given, word), 3)
    return Shape(kind, label, region.name, file, points)


def _outline(given: JsonTable, word: str) -> np.ndarray:
    """(N, 2) corners. Raises ShapeError or one of MALFORMED."""
    if word == "polygon":
        columns = given["all_points_x"], given["all_points_y"]
        if len(columns[0]) != len(columns[1]):
            raise ShapeError(f"{len(columns[0])} x for {len(columns[1])} y")
        return np.array(columns, np.float64).T
    if word == "rect":
        return rectangle((float(given["x"]), float(given["y"])), (float(given["width"]), float(given["height"])))
    radii = (float(given["r"]),) * 2 if word == "circle" else (float(given["rx"]), float(given["ry"]))
    centre = float(given["cx"]), float(given["cy"])
    return ellipse(centre, radii, math.degrees(float(given.get("theta") or 0)), CORNERS).round(PLACES)
