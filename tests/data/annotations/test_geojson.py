"""GeoJSON files: QuPath's and casnet's classes, several polygons, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from casnet_cli.data.annotations.geojson import read_geojson
from casnet_cli.errors import DataError

RING = [[1, 1], [4, 1], [4, 3], [1, 1]]


def feature(kind: str = "Polygon", coordinates: Any = (RING,), **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties or {"class": "a"},
    }


def written(folder: Path, whole: Any) -> Path:
    (folder / "a.geojson").write_text(json.dumps(whole))
    return folder / "a.geojson"


@pytest.mark.parametrize("form", [lambda one: {"type": "FeatureCollection", "features": [one]}, list, dict])
def test_collections_lists_and_single_features(tmp_path: Path, form: Any) -> None:
    one = feature(classification={"name": "Tumor", "color": [1, 2, 3]}, name="x")
    (found,) = read_geojson(written(tmp_path, [one] if form is list else form(one))).shapes
    assert found.label == "Tumor" and found.points.tolist() == RING and found.id == "feature 1"


def test_holes_several_polygons_and_regions_without_class(tmp_path: Path) -> None:
    several = feature("MultiPolygon", [[RING, RING], [RING]], label="b")
    nameless = feature(name=None)
    found = read_geojson(written(tmp_path, [several, nameless])).shapes
    assert [(one.label, len(one.holes)) for one in found] == [("b", 1), ("b", 0), ("", 0)]


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ({"images": [], "annotations": [], "categories": []}, "this is a COCO file, not a GeoJSON file"),
        ({"features": 3}, "this is not a GeoJSON file"),
        ([feature("Point", [1, 2])], "feature 1: a Point encloses nothing"),
        ([feature(), feature(coordinates=[[[1, 1]]])], r"feature 2: 1 points \(at least 3\)"),
        ([feature(coordinates=[])], "feature 1: is of no form"),
        ([{"geometry": None}], "feature 1: is of no form"),
        ({"features": [feature()], "crs": {"type": "name"}}, "of a map, not pixels"),
    ],
)
def test_faults(tmp_path: Path, whole: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"a\.geojson: .*{words}"):
        read_geojson(written(tmp_path, whole))
