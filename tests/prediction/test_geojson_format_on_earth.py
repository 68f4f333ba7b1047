"""Outlines of pictures that lie on the earth: where they lie, and back from there to the pixels."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_masks import CASES, LABELS, random_masks

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.labels import VOID
from casnet_cli.prediction.geojson_format import geojson, write_geojson
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.mask_values import resolve_mask_values
from casnet_cli.prediction.output_kinds import LabelledPicture

NORTH_UP = (0.1, 0.0, 399960.0, 0.0, -0.1, 5700000.3)
PLACES = {
    "north up": NORTH_UP,
    "turned": (0.3, 0.1, 7.7e5, 0.1, -0.3, 9.1e6),
    "degrees": (1 / 36000, 0.0, 11.123456789, 0.0, -1 / 54000, 48.1),
    "south up": (0.5, 0.0, 12.0, 0.0, 0.5, 34.0),
}


def area(ring: list[list[float]]) -> float:
    (x, y), *_ = ring  # numbers are small around a corner of it
    moved = [(a - x, b - y) for a, b in ring]
    return sum(x * to_y - to_x * y for (x, y), (to_x, to_y) in itertools.pairwise(moved)) / 2


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_back_through_the_transform_they_are_the_outlines_of_pixels(place: tuple[float, ...]) -> None:
    back = np.linalg.inv(np.array([place[:3], place[3:], (0, 0, 1)]))
    for mask in itertools.chain(CASES.values(), itertools.islice(random_masks(), 20)):
        georeference = Georeference("EPSG:32632", place)  # type: ignore[arg-type]
        placed = json.loads(json.dumps(geojson(mask, LABELS, None, georeference)))["features"]
        pixels = geojson(mask, LABELS)["features"]
        for feature, expected in zip(placed, pixels, strict=True):
            assert feature["properties"] == expected["properties"]
            rings = zip(feature["geometry"]["coordinates"], expected["geometry"]["coordinates"], strict=True)
            for number, (ring, corners) in enumerate(rings):
                assert (area(ring) > 0) == (number == 0)  # as RFC 7946 wants it, on the earth too
                found = (np.column_stack([ring, np.ones(len(ring))]) @ back.T)[:, :2]
                np.testing.assert_allclose(found, np.rint(found), atol=1e-5)
                assert {tuple(corner) for corner in np.rint(found).astype(int)} == {tuple(corner) for corner in corners}


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_rasterio_draws_the_mask_from_them(place: tuple[float, ...]) -> None:
    features = pytest.importorskip("rasterio.features", reason="the extra geo is not installed")
    from rasterio import Affine

    mask = np.kron(CASES["holes in holes"], np.ones((7, 5), np.uint8))
    found = geojson(mask, LABELS, None, Georeference("EPSG:32632", place))["features"]  # type: ignore[arg-type]
    shapes = [(feature["geometry"], feature["properties"]["id"]) for feature in found]
    drawn = features.rasterize(shapes, mask.shape, fill=VOID, transform=Affine(*place), dtype="uint8")
    np.testing.assert_array_equal(drawn, mask)


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        ("EPSG:32632", "urn:ogc:def:crs:EPSG::32632"),
        ("EPSG:4326", None),
        ("", None),
        ("LOCAL_CS[...]", "LOCAL_CS[...]"),
    ],
)
def test_which_reference_system_is_named(crs: str, name: str | None) -> None:
    found = geojson(CASES["hole"], LABELS, None, Georeference(crs, NORTH_UP))
    assert found.get("crs") == (name and {"type": "name", "properties": {"name": name}})
    if name and name.startswith("urn"):
        crs_of = pytest.importorskip("rasterio.crs", reason="the extra geo is not installed").CRS
        assert crs_of.from_user_input(name).to_epsg() == 32632


def written(file: Path, coordinates: str | None, georeference: Georeference | None) -> list[list[float]]:
    mask = CASES["whole"]
    result = ImageResult(mask, np.zeros(mask.shape, np.uint8), None, None, 0.0)
    values = resolve_mask_values("palette", LABELS, rejecting=False)
    image = np.zeros((*mask.shape, 3), np.uint8)
    write_geojson(file, LabelledPicture("a.tif", image, result, LABELS, values, georeference, coordinates))
    return json.loads(file.read_text())["features"][0]["geometry"]["coordinates"][0]


def test_coordinates_are_those_asked_for(tmp_path: Path) -> None:
    file, there = tmp_path / "a.geojson", Georeference("EPSG:32632", (2.0, 0.0, 100.0, 0.0, -2.0, 50.0))
    pixels, placed = [[0, 0], [3, 0], [3, 2], [0, 2], [0, 0]], [[100, 50], [100, 46], [106, 46], [106, 50], [100, 50]]
    assert written(file, None, there) == written(file, "crs", there) == placed
    assert written(file, "pixels", there) == written(file, None, None) == written(file, "pixels", None) == pixels
    with pytest.raises(OSError, match="where on the earth it lies"):
        written(file, "crs", None)
