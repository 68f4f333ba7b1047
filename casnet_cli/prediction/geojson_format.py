"""Masks as geometry for other programs: polygons of connected regions.

Coordinates are corners of pixels: x to the right, y downwards, (0, 0) the upper left corner of the picture. For a
picture that lies somewhere on the earth they are the places of these corners in its coordinate reference system.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict, cast

import numpy as np

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.labels import LabelSet
from casnet_cli.prediction.outlines import regions
from casnet_cli.prediction.simplify import Ring
from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledPicture

LONGITUDE_LATITUDE = "EPSG:4326"
"""The coordinate reference system of GeoJSON by RFC 7946; any other is named as GeoJSON of 2008 did."""

PIXELS, CRS = "pixels", "crs"
"""What coordinates may be: see `LabelledPicture.coordinates`."""


class Classification(TypedDict):
    name: str
    color: list[int]


"""A class as QuPath names it: its name, and its colour, red, green and blue of 0..255."""

RegionProperties = TypedDict(
    "RegionProperties",
    {
        "objectType": str,
        "classification": Classification,
        "class": str,
        "id": int,
        "pixels": int,
        "difficulty_mean": NotRequired[float],
    },
)
"""Of a region: QuPath's word for a drawn area and the class for QuPath; name and id of the class, its pixels, and their
mean difficulty 0..1 if it is known."""


class Polygon(TypedDict):
    """The outline of a region, in GeoJSON."""

    type: Literal["Polygon"]
    """GeoJSON's name of the geometry."""
    coordinates: list[list[list[float]]]
    """Rings, the outer one first; each is a list of corners, x and y, the first again at its end."""


class Feature(TypedDict):
    """A region."""

    type: Literal["Feature"]
    """GeoJSON's name of an object with a geometry."""
    properties: RegionProperties
    """Its class, size and mean difficulty."""
    geometry: Polygon
    """Its outline."""


class NamedCrs(TypedDict):
    """A coordinate reference system, as GeoJSON of 2008 names it and most programs still read it."""

    type: Literal["name"]
    """GeoJSON's word for one that is named."""
    properties: dict[str, str]
    """`name`: a URN of EPSG, or the system as WKT."""


class FeatureCollection(TypedDict):
    """The regions of an image."""

    type: Literal["FeatureCollection"]
    """GeoJSON's name of a list of features."""
    features: list[Feature]
    """One for each region, in the order of their first pixels."""
    crs: NotRequired[NamedCrs]
    """Of the coordinates; missing: they count pixels, or are longitude and latitude of WGS 84."""


def write_geojson(file: Path, picture: "LabelledPicture") -> None:
    """The regions of a mask as polygons, in `picture.coordinates`. Raises OSError."""
    georeference = None if picture.coordinates == PIXELS else picture.georeference
    if picture.coordinates == CRS and georeference is None:
        raise OSError("the picture does not say where on the earth it lies (--geojson pixels)")
    outlines = geojson(picture.result.mask, picture.labels, picture.result.difficulty, georeference, picture.simplify)
    write_whole(file, json.dumps(outlines))


def geojson(
    mask: np.ndarray,
    labels: LabelSet,
    difficulty: np.ndarray | None = None,
    georeference: Georeference | None = None,
    simplify: float = 0.0,
) -> FeatureCollection:
    """(H, W) uint8 class ids and VOID, (H, W) difficulty 0..1, or uint8 up to 255 → a FeatureCollection: a Polygon for
    each region of one class whose pixels touch by their sides, in the order of their first pixels.

    Rings are closed and pass no corner twice; they may touch each other in corners. With numbers as they stand, outer
    rings turn counterclockwise and holes clockwise (RFC 7946); on the screen it is the other way round.

    georeference: corners are its coordinates, to full precision; None: pixels. simplify: see `outlines.regions`.
    """
    features: list[Feature] = []
    for region in regions(mask, difficulty, simplify):
        name = labels.names[region.class_id]
        properties: RegionProperties = {
            "objectType": "annotation",
            "classification": {"name": name, "color": list(labels.palette[region.class_id])},
            "class": name,
            "id": region.class_id,
            "pixels": region.pixels,
        }
        if region.difficulty is not None:
            properties["difficulty_mean"] = round(region.difficulty, 6)
        rings = [placed(ring, georeference) if georeference else ring for ring in region.rings]
        geometry: Polygon = {"type": "Polygon", "coordinates": cast(list[list[list[float]]], rings)}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    collection: FeatureCollection = {"type": "FeatureCollection", "features": features}
    if georeference and (system := _crs_name(georeference.crs)):
        collection["crs"] = {"type": "name", "properties": {"name": system}}
    return collection


def placed(ring: Ring, georeference: Georeference) -> list[list[float]]:
    """A ring of corners of pixels → their coordinates, turning as before with numbers as they stand."""
    a, b, c, d, e, f = georeference.transform
    corners = [[a * x + b * y + c, d * x + e * y + f] for x, y in ring]
    return corners if a * e > b * d else corners[::-1]  # y commonly runs upwards there: then it turns the other way


def _crs_name(crs: str) -> str | None:
    """As a `NamedCrs` has it; None: it needs no name, or has none."""
    if crs in ("", LONGITUDE_LATITUDE):
        return None
    authority, _, code = crs.partition(":")
    return f"urn:ogc:def:crs:{authority}::{code}" if code.isdigit() else crs
