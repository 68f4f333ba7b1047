"""GeoJSON files of regions, as casnet and QuPath write them: a file a picture, in pixels."""

from pathlib import Path
from typing import Any

from casnet_cli.data.annotations.json_files import MALFORMED, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points
from casnet_cli.data.annotations.tool_files import GEOJSON
from casnet_cli.errors import Unfit, UnfitKind


def read_geojson(file: Path) -> PictureShapes:
    """The polygons of a file, in its order. Raises Unfit if it is none, is of a map, or names what cannot be read."""
    raw = read_json(file)
    features = raw.get("features") if isinstance(raw, dict) else raw
    if isinstance(raw, dict) and raw.get("type") == "Feature":
        features = [raw]
    if not isinstance(features, list) or not all(isinstance(one, dict) and "geometry" in one for one in features):
        raise foreign(file, GEOJSON, raw)
    if isinstance(raw, dict) and raw.get("crs"):
        fault = f"{file}: its coordinates are of a map, not pixels (write it by casnet predict --geojson pixels)"
        raise Unfit(fault, UnfitKind.UNREADABLE)
    shapes: list[Shape] = []
    for number, one in enumerate(features, 1):
        try:
            shapes += _shapes(one, f"feature {number}", file)
        except MALFORMED as error:
            why = str(error) if isinstance(error, ShapeError) else "is of no form that GeoJSON has"
            raise Unfit(f"{file}: feature {number}: {why} (mend or remove it)", UnfitKind.UNREADABLE) from None
    return PictureShapes(tuple(shapes))


def _shapes(feature: dict[str, Any], name: str, file: Path) -> list[Shape]:
    geometry = feature["geometry"]
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ShapeError(f"a {kind} encloses nothing (Polygon or MultiPolygon)")
    label = _label(feature.get("properties") or {})
    shapes = []
    for rings in coordinates if kind == "MultiPolygon" else [coordinates]:
        outer, *holes = (checked_points(ring, 3) for ring in rings)
        shapes.append(Shape(Kind.POLYGON, label, name, file, outer, tuple(holes)))
    return shapes


def _label(properties: dict[str, Any]) -> str:
    """The class: QuPath's classification, else a property `class`, `label` or `name`; empty: none."""
    classification = properties.get("classification")
    if isinstance(classification, dict) and classification.get("name"):
        return str(classification["name"])
    found = (properties.get(key) for key in ("class", "label", "name"))
    return next((str(one) for one in found if isinstance(one, str) and one), "")
