"""Masks as geometry for other programs: polygons of connected regions.

Coordinates are corners of pixels: x to the right, y downwards, (0, 0) the upper left corner of the picture. For a
picture that lies somewhere on the earth they are the places of these corners in its coordinate reference system.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

import numpy as np

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledPicture

LONGITUDE_LATITUDE = "EPSG:4326"
"""The coordinate reference system of GeoJSON by RFC 7946; any other is named as GeoJSON of 2008 did."""

PIXELS, CRS = "pixels", "crs"
"""What coordinates may be: see `LabelledPicture.coordinates`."""

NO_REGION = -1
"""In place of a region's number: void pixels belong to none."""

RegionProperties = TypedDict(
    "RegionProperties", {"class": str, "id": int, "pixels": int, "difficulty_mean": NotRequired[float]}
)
"""Name and id of a region's class, its pixels, and their mean difficulty 0..1 if it is known."""


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
    outlines = geojson(picture.result.mask, picture.labels, picture.result.difficulty, georeference)
    write_whole(file, json.dumps(outlines))


def geojson(
    mask: np.ndarray,
    labels: LabelSet,
    difficulty: np.ndarray | None = None,
    georeference: Georeference | None = None,
) -> FeatureCollection:
    """(H, W) uint8 class ids and VOID, (H, W) difficulty 0..1, or uint8 up to 255 → a FeatureCollection: a Polygon for
    each region of one class whose pixels touch by their sides, in the order of their first pixels.

    Rings are closed and pass no corner twice; they may touch each other in corners. With numbers as they stand, outer
    rings turn counterclockwise and holes clockwise (RFC 7946); on the screen it is the other way round.

    georeference: corners are its coordinates, to full precision; None: pixels.
    """
    found = _regions(mask, difficulty)
    polygons: list[list[list[list[float]]]] = [[] for _ in found.class_ids]
    for region, ring in _rings(mask, found):
        polygons[region].append(placed(ring, georeference) if georeference else ring)
    features: list[Feature] = []
    for region, rings in enumerate(polygons):
        class_id = int(found.class_ids[region])
        properties: RegionProperties = {
            "class": labels.names[class_id],
            "id": class_id,
            "pixels": int(found.pixels[region]),
        }
        if found.difficulty is not None:
            properties["difficulty_mean"] = round(float(found.difficulty[region]), 6)
        geometry: Polygon = {"type": "Polygon", "coordinates": rings}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    collection: FeatureCollection = {"type": "FeatureCollection", "features": features}
    if georeference and (name := _crs_name(georeference.crs)):
        collection["crs"] = {"type": "name", "properties": {"name": name}}
    return collection


def placed(ring: list[list[float]], georeference: Georeference) -> list[list[float]]:
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


@dataclass(frozen=True)
class _Regions:
    """The N connected regions of a mask, and its R runs: pixels of one class that follow each other in a row."""

    starts: np.ndarray
    """(R,) index in the flat mask at which each run starts."""
    of_run: np.ndarray
    """(R,) region of each run, NO_REGION for void."""
    class_ids: np.ndarray
    """(N,) class of each region."""
    pixels: np.ndarray
    """(N,) pixels of each region."""
    difficulty: np.ndarray | None
    """(N,) mean difficulty of each region, 0..1; None: not known."""

    def at(self, flat: np.ndarray) -> np.ndarray:
        """(S,) indices in the flat mask → (S,) regions."""
        return self.of_run[np.searchsorted(self.starts, flat, "right") - 1]


def _regions(mask: np.ndarray, difficulty: np.ndarray | None) -> _Regions:
    """Connects runs rather than pixels, as there are far fewer of them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    width = mask.shape[1]
    begins = ~_like(mask, 1)
    starts = np.flatnonzero(begins)
    # Two runs that lie on each other share a column where one of them begins.
    touching = _like(mask, 0)
    touching[1:] &= begins[1:] | begins[:-1]
    below = np.flatnonzero(touching)
    lower, upper = (np.searchsorted(starts, flat, "right") - 1 for flat in (below, below - width))
    links = coo_array((np.ones(len(lower), bool), (lower, upper)), shape=(len(starts), len(starts)))
    of_run = connected_components(links, directed=False)[1]
    first = np.unique(of_run, return_index=True)[1]
    order = np.argsort(first)
    order = order[mask.ravel()[starts[first[order]]] != VOID]
    rank = np.full(len(first), NO_REGION)
    rank[order] = np.arange(len(order))
    of_run = rank[of_run]
    known = of_run != NO_REGION
    lengths = np.diff(starts, append=mask.size)

    def summed(of_runs: np.ndarray) -> np.ndarray:
        return np.bincount(of_run[known], of_runs[known], minlength=len(order))

    pixels = summed(lengths)
    class_ids = mask.ravel()[starts[first[order]]]
    if difficulty is None:
        return _Regions(starts, of_run, class_ids, pixels, None)
    sums = np.add.reduceat(difficulty.ravel(), starts, dtype=np.float64)
    full = 255 if difficulty.dtype == np.uint8 else 1
    return _Regions(starts, of_run, class_ids, pixels, summed(sums) / full / pixels)


def _like(mask: np.ndarray, axis: int) -> np.ndarray:
    """(H, W) bool: of one class with the pixel before it along the axis."""
    found = np.zeros(mask.shape, bool)
    if axis:
        np.equal(mask[:, 1:], mask[:, :-1], out=found[:, 1:])
    else:
        np.equal(mask[1:], mask[:-1], out=found[1:])
    return found


@dataclass(frozen=True)
class _Pieces:
    """Straight pieces of outlines, all level or all upright, directed so that the region lies to the right on the
    screen."""

    region: np.ndarray
    """(S,) region that each piece bounds."""
    begin: np.ndarray
    """(S, 2) x and y of its first corner."""
    end: np.ndarray
    """(S, 2) x and y of its last corner."""
    onward: np.ndarray
    """(S,) bool: whether it runs towards larger coordinates."""


def _rings(mask: np.ndarray, found: _Regions) -> Iterator[tuple[int, list[list[float]]]]:
    """Each closed ring with its region; of one region the outer ring first, from its upper left corner on."""
    inside = mask != VOID
    like_left, like_above = _like(mask, 1), _like(mask, 0)
    level = _pieces(inside, like_left, like_above, found, upright=False)
    upright = _pieces(inside.T, like_above.T, like_left.T, found, upright=True)
    # Where pixels of one region touch in a corner alone, two pieces end. A ring then turns left, around the foreign
    # pixel, for no ring may pass a corner twice: east is followed by north, west by south, south by east.
    to_upright = _followers(level, upright, left_reverses=True)
    to_level = _followers(upright, level, left_reverses=False)
    level_corners, upright_corners = level.begin.tolist(), upright.begin.tolist()
    passed = bytearray(len(level.region))
    # In the order of rows the first piece of a region is the top of its outer ring.
    for first, region in enumerate(level.region.tolist()):
        ring, piece = [], first
        while not passed[piece]:
            passed[piece] = True
            turned = to_upright[piece]
            ring += [level_corners[piece], upright_corners[turned]]
            piece = to_level[turned]
        if ring:
            yield region, [*ring, list(ring[0])]


def _pieces(
    inside: np.ndarray, like_before: np.ndarray, like_beside: np.ndarray, found: _Regions, upright: bool
) -> _Pieces:
    """The sides of pixels along rows that bound a region, joined where they go straight on, in the order of rows.

    like_before: of one class with the pixel before it in the row. like_beside: of one class with the pixel in the row
    before. upright: the arrays are transposed.
    """
    near_side, far_side = inside & ~like_beside, inside.copy()
    far_side[:-1] &= ~like_beside[1:]
    region, line, begin, end, onward = [], [], [], [], []
    for side, offset in ((near_side, 0), (far_side, 1)):
        goes_on = side[:, 1:] & side[:, :-1] & like_before[:, 1:]
        begins, ends = side.copy(), side.copy()
        begins[:, 1:] &= ~goes_on
        ends[:, :-1] &= ~goes_on
        row, low = np.nonzero(begins)
        high = np.nonzero(ends)[1] + 1
        region.append(found.at(low * len(inside) + row if upright else row * inside.shape[1] + low))
        line.append(row + offset)
        # The region to the right: eastwards on its top, southwards on its right.
        forth = bool(offset) == upright
        begin.append(low if forth else high)
        end.append(high if forth else low)
        onward.append(np.full(len(row), forth))
    regions, lines, begins, ends = (np.concatenate(each) for each in (region, line, begin, end))
    order = np.lexsort((begins, lines))
    both = [np.stack([lines, along] if upright else [along, lines], 1)[order] for along in (begins, ends)]
    return _Pieces(regions[order], both[0], both[1], np.concatenate(onward)[order])


def _followers(pieces: _Pieces, others: _Pieces, left_reverses: bool) -> list[int]:
    """For each piece the index of the one that begins where it ends; of two the one to the left.

    left_reverses: a turn to the left changes between growing and falling coordinates.
    """
    ending = np.lexsort((pieces.onward ^ left_reverses, pieces.end[:, 0], pieces.end[:, 1], pieces.region))
    beginning = np.lexsort((others.onward, others.begin[:, 0], others.begin[:, 1], others.region))
    following = np.empty_like(ending)
    following[ending] = beginning
    return following.tolist()
