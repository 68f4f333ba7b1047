"""GeoJSON files of regions, as casnet and QuPath write them: a file a picture, in pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.json_files import MALFORMED, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points
from casnet_cli.data.annotations.tool_files import GEOJSON
from casnet_cli.errors import Unfit, UnfitKind
from casnet_cli.labels import Color

IGNORE = "Ignore*"
"""QuPath's class of what is to be ignored."""

WITHOUT_AREA = {
    "Point": Kind.POINT,
    "MultiPoint": Kind.POINT,
    "LineString": Kind.LINE,
    "MultiLineString": Kind.LINE,
}
"""Geometries that enclose nothing."""

NO_AREA, REGION = "that enclose nothing, left out", "of classes that end in *, which QuPath ignores, left out"
NO_PLACE = "without a place, left out"
"""Why shapes are left out, in words of `Remark.text`."""


def read_geojson(file: Path) -> PictureShapes:
    """The polygons of a file, in its order, and what is not drawn.

    Raises Unfit if it is none, is of a map, or names what cannot be read.
    """
    raw = read_json(file)
    features = raw.get("features") if isinstance(raw, dict) else raw
    if isinstance(raw, dict) and raw.get("type") == "Feature":
        features = [raw]
    if not isinstance(features, list) or not all(isinstance(one, dict) and "geometry" in one for one in features):
        raise foreign(file, GEOJSON, raw)
    if isinstance(raw, dict) and raw.get("crs"):
        fault = f"{file}: its coordinates are of a map, not pixels (--geojson pixels of casnet predict writes those)"
        raise Unfit(fault, UnfitKind.UNREADABLE)
    shapes: list[Shape] = []
    colors: dict[str, Color] = {}
    for number, one in enumerate(features, 1):
        try:
            properties = one.get("properties") or {}
            label = _label(properties)
            found = _shapes(one["geometry"], label, f"feature {number}", file)
            if label and (color := _color(properties.get("classification"))):
                colors.setdefault(label, color)
            shapes += found
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that GeoJSON has"
            raise Unfit(f"{file}: feature {number}: {why} (mend or remove it)", UnfitKind.UNREADABLE) from None
    areas = [one for one in shapes if one.kind is Kind.POLYGON]
    ignored = [one for one in areas if one.label.endswith("*") and one.label != IGNORE]
    left_out = {NO_AREA: [one for one in shapes if one.kind in WITHOUT_AREA.values()], REGION: ignored}
    left_out[NO_PLACE] = [one for one in shapes if one.kind is Kind.TAG]
    if _of_map(areas):
        fault = f"{file}: its coordinates look like degrees of a map: no shape is a pixel wide (write it in pixels)"
        raise Unfit(fault, UnfitKind.UNREADABLE)
    drawn = tuple(one for one in areas if one not in ignored)
    names = {one.label for one in drawn}
    kept = {label: color for label, color in colors.items() if label in names}
    return PictureShapes(drawn, left_out=left_out, colors=kept)


def _of_map(areas: Sequence[Shape]) -> bool:
    """Whether all coordinates may be degrees: each outline less than 1 wide and high, in more than three decimals."""
    return bool(areas) and all(
        (np.abs(one.points) <= (180, 90)).all()
        and np.ptp(one.points, axis=0).max() < 1
        and (np.abs(one.points - one.points.round(3)) > 1e-9).any()
        for one in areas
    )


def _shapes(geometry: dict[str, Any] | None, label: str, name: str, file: Path) -> list[Shape]:
    """The shapes of a geometry, those that enclose nothing too. Raises ShapeError or one of MALFORMED."""
    if geometry is None:  # which GeoJSON allows
        return [Shape(Kind.TAG, label, name, file)]
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return [shape for one in geometry["geometries"] for shape in _shapes(one, label, name, file)]
    if kind in WITHOUT_AREA:
        return [Shape(WITHOUT_AREA[kind], label, name, file)]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ShapeError(f"casnet does not know the geometry {kind!r} (Polygon or MultiPolygon)")
    coordinates, shapes = geometry["coordinates"], []
    for rings in coordinates if kind == "MultiPolygon" else [coordinates]:
        outer, *holes = (checked_points(ring, 3) for ring in rings)
        shapes.append(Shape(Kind.POLYGON, label, name, file, outer, tuple(holes)))
    return shapes


def _label(properties: dict[str, Any]) -> str:
    """The class: QuPath's classification, else a property `class`, `label` or `name`; empty: none."""
    classification = properties.get("classification")
    if isinstance(classification, dict):
        names = classification.get("names")
        if name := ": ".join(map(str, names)) if isinstance(names, list) else classification.get("name"):
            return str(name)
    found = (properties.get(key) for key in ("class", "label", "name"))
    return next((str(one) for one in found if isinstance(one, str) and one), "")


def _color(classification: object) -> Color | None:
    """Of QuPath's classification, three numbers or all in one; None: it has no colour."""
    if not isinstance(classification, dict):
        return None
    packed = classification.get("colorRGB")
    if isinstance(packed, int):
        return packed >> 16 & 255, packed >> 8 & 255, packed & 255
    return color_of(classification.get("color"))
