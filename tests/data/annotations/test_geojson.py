"""GeoJSON files: QuPath's and casnet's classes, several polygons, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from casnet_cli.data.annotations.geojson import NO_AREA, NO_PLACE, REGION, read_geojson
from casnet_cli.errors import DataError

RING = [[1, 1], [4, 1], [4, 3], [1, 1]]

DEGREES = [[8.54171, 47.37692], [8.54273, 47.37692], [8.54273, 47.37791], [8.54171, 47.37692]]


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
        ([feature("Curve", [1, 2])], "feature 1: casnet does not know the geometry 'Curve'"),
        ([feature(), feature(coordinates=[[[1, 1]]])], r"feature 2: 1 point \(at least 3\)"),
        ([feature(coordinates=[])], "feature 1: is of no form"),
        ({"features": [feature()], "crs": {"type": "name"}}, "of a map, not pixels"),
        ([feature(coordinates=[DEGREES])], "look like degrees of a map: no shape is a pixel wide"),
    ],
)
def test_faults(tmp_path: Path, whole: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"a\.geojson: .*{words}"):
        read_geojson(written(tmp_path, whole))


@pytest.mark.parametrize("small", [[[1, 1], [1.5, 1], [1.5, 1.25], [1, 1]], [[1, 1], [1.98765, 1], [1, 2.5], [1, 1]]])
def test_small_shapes_are_no_degrees(tmp_path: Path, small: Any) -> None:
    assert len(read_geojson(written(tmp_path, [feature(coordinates=[small])])).shapes) == 1
    several = [feature(coordinates=[DEGREES]), feature()]
    assert len(read_geojson(written(tmp_path, several)).shapes) == 2


def test_colours_derived_classes_and_what_is_left_out(tmp_path: Path) -> None:
    """As QuPath writes them, old and new."""
    whole = [
        feature(classification={"name": "Tumor", "colorRGB": -3670016}, objectType="annotation"),
        feature(classification={"names": ["Tumor", "Positive"], "color": [250, 62, 62]}),
        feature(classification={"name": "Ignore*", "color": [180, 180, 180]}),
        feature(classification={"name": "Region*", "color": [0, 0, 180]}),
        feature("Point", [1, 2], classification={"name": "Tumor"}),
        {"geometry": {"type": "GeometryCollection", "geometries": [feature()["geometry"]] * 2}, "properties": None},
    ]
    read = read_geojson(written(tmp_path, whole))
    assert [one.label for one in read.shapes] == ["Tumor", "Tumor: Positive", "Ignore*", "", ""]
    assert read.colors == {"Tumor": (200, 0, 0), "Tumor: Positive": (250, 62, 62), "Ignore*": (180, 180, 180)}
    assert [one.name for one in read.left_out[NO_AREA]] == ["feature 5 (point)"]
    assert [one.id for one in read.left_out[REGION]] == ["feature 4"]


def test_a_feature_without_a_place_is_counted(tmp_path: Path) -> None:
    """GeoJSON allows a null geometry."""
    found = read_geojson(written(tmp_path, [{"geometry": None}, feature()]))
    assert [one.id for one in found.left_out[NO_PLACE]] == ["feature 1"] and len(found.shapes) == 1
