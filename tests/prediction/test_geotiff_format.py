"""GeoTIFFs of predictions, read by rasterio and by GDAL's own program where it is installed."""

import resource
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")

from helpers.drawn_masks import LABELS  # noqa: E402

from casnet_cli.data.pixels.picture import Georeference, PictureInfo  # noqa: E402
from casnet_cli.data.pixels.read import info_of  # noqa: E402
from casnet_cli.labels import VOID, LabelSet  # noqa: E402
from casnet_cli.prediction import geotiff_format  # noqa: E402
from casnet_cli.prediction.image_result import ImageResult  # noqa: E402
from casnet_cli.prediction.mask_values import resolve_mask_values  # noqa: E402
from casnet_cli.prediction.output_kinds import LabelledPicture  # noqa: E402

UTM = Georeference("EPSG:32632", (0.5, 0.0, 500000.25, 0.0, -0.5, 5600000.75))
TURNED = Georeference("EPSG:25832", (0.3, 0.1, 7.0, 0.1, -0.3, 9.0))


def labelled(
    georeference: Georeference | None = UTM, size: tuple[int, int] = (300, 270), labels: LabelSet = LABELS
) -> LabelledPicture:
    rng = np.random.default_rng(0)
    result = ImageResult.empty(size, len(labels), 0.0, ())
    result.mask[:] = rng.integers(0, len(labels), size)
    result.mask[:40] = VOID
    result.difficulty[:] = rng.integers(0, 256, size)
    image = np.zeros((*size, 3), np.uint8)
    values = resolve_mask_values("palette", labels, rejecting=True)
    return LabelledPicture("a.tif", image, result, labels, values, georeference)


@pytest.mark.parametrize("georeference", [UTM, TURNED, Georeference("", (2.0, 0, 1, 0, -2, 3))])
def test_a_mask_lies_where_its_picture_does(tmp_path: Path, georeference: Georeference) -> None:
    picture = labelled(georeference)
    geotiff_format.write_geotiff(tmp_path / "a.tif", picture)
    with rasterio.open(tmp_path / "a.tif") as found:
        assert found.transform == rasterio.Affine(*georeference.transform)
        expected = rasterio.crs.CRS.from_user_input(georeference.crs) if georeference.crs else None
        assert found.crs == expected
        assert (found.count, found.dtypes, found.nodata) == (1, ("uint8",), VOID)
        assert found.block_shapes == [(256, 256)] and found.profile["compress"] == "deflate"
        np.testing.assert_array_equal(found.read(1), picture.result.mask)
        np.testing.assert_array_equal(found.dataset_mask() == 0, picture.result.mask == VOID)
        colors = found.colormap(1)
        assert [colors[index][:3] for index in range(len(LABELS))] == list(LABELS.palette)
        assert [found.tags(1)[f"class_{index}"] for index in range(len(LABELS))] == list(LABELS.names)
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif"}


def test_difficulty_is_scaled_to_0_and_1(tmp_path: Path) -> None:
    picture = labelled()
    geotiff_format.write_difficulty(tmp_path / "a.difficulty.tif", picture)
    with rasterio.open(tmp_path / "a.difficulty.tif") as found:
        np.testing.assert_array_equal(found.read(1), picture.result.difficulty)
        assert found.scales == (pytest.approx(1 / 255),) and found.nodata is None
        assert found.crs.to_epsg() == 32632 and found.transform == rasterio.Affine(*UTM.transform)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_that_lies_nowhere(tmp_path: Path) -> None:
    geotiff_format.write_geotiff(tmp_path / "a.tif", labelled(None))
    with rasterio.open(tmp_path / "a.tif") as found:
        assert found.crs is None and found.transform == rasterio.Affine.identity()


def test_names_of_values_stand_beside(tmp_path: Path) -> None:
    labels = LabelSet(("<road> & path", "Bäume"), ((1, 2, 3), (4, 5, 6)))
    geotiff_format.write_category_names(tmp_path / "a.tif.aux.xml", labelled(labels=labels))
    found = ElementTree.parse(tmp_path / "a.tif.aux.xml")
    assert [each.text for each in found.iterfind("PAMRasterBand/CategoryNames/Category")] == list(labels.names)


def test_a_reference_system_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not know its coordinate reference system"):
        geotiff_format.write_geotiff(tmp_path / "a.tif", labelled(Georeference("EPSG:999999", UTM.transform)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("short", [5, 500, 5000, 50_000])
def test_a_full_disk_is_told(tmp_path: Path, short: int) -> None:
    picture = labelled(size=(700, 900))
    geotiff_format.write_difficulty(tmp_path / "whole.tif", picture)
    most = (tmp_path / "whole.tif").stat().st_size - short
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(OSError, match="as where a disk is full"):
            geotiff_format.write_difficulty(tmp_path / "cut.tif", picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.tif"}


LOCAL = "+proj=laea +lat_0=51.5 +lon_0=7.25 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m"
SYSTEMS = ["EPSG:32632", "EPSG:4326", "EPSG:2056", "EPSG:27700", LOCAL, "EPSG:25832+7837", None]


@pytest.mark.parametrize("point", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_picture_lies_where_rasterio_finds_it(tmp_path: Path, system: str | None, point: bool) -> None:
    transform = rasterio.Affine(0.5, 0, 1000.25, 0, -0.5, 2000.75)
    form = {"driver": "GTiff", "count": 1, "height": 20, "width": 30, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.tif", "w", crs=system, transform=transform, **form) as dataset:
        if point:
            dataset.update_tags(AREA_OR_POINT="Point")
    tagged = info_of(tmp_path / "a.tif").georeference
    assert tagged is not None and tagged.transform == tuple(transform)[:6]
    found = geotiff_format.located(tmp_path / "a.tif", info_of(tmp_path / "a.tif"))
    geotiff_format.write_geotiff(tmp_path / "b.tif", labelled(found))
    with rasterio.open(tmp_path / "a.tif") as given, rasterio.open(tmp_path / "b.tif") as written:
        assert given.crs == written.crs and given.transform == written.transform
    if system and len(system) == 10:
        assert found is not None and found.crs == tagged.crs == system


def test_where_gdal_cannot_read_a_file_its_tags_count(tmp_path: Path) -> None:
    facts = PictureInfo("TIFF", (3, 2), 8, "uint8", ("grey",))
    (tmp_path / "a.tif").write_text("no picture")
    assert geotiff_format.located(tmp_path / "a.tif", replace(facts, georeference=UTM)) == UTM
    assert geotiff_format.located(tmp_path / "none.tif", replace(facts, georeference=UTM)) == UTM
    assert geotiff_format.located(tmp_path / "a.tif", facts) is None


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo of Debian's gdal-bin is not installed")
def test_gdal_reads_colours_names_and_place(tmp_path: Path) -> None:
    picture = labelled()
    geotiff_format.write_category_names(tmp_path / "a.tif.aux.xml", picture)
    geotiff_format.write_geotiff(tmp_path / "a.tif", picture)
    words = ["gdalinfo", str(tmp_path / "a.tif")]
    lines = [line.strip() for line in subprocess.check_output(words, text=True, timeout=60).splitlines()]
    assert "Size is 270, 300" in lines and "NoData Value=255" in lines
    assert "Origin = (500000.250000000000000,5600000.750000000000000)" in lines
    assert 'ID["EPSG",32632]]' in lines
    names, colors = lines.index("Categories:"), lines.index("Color Table (RGB with 256 entries)")
    for index, (name, color) in enumerate(zip(LABELS.names, LABELS.palette, strict=True)):
        assert lines[names + 1 + index] == f"{index}: {name}"
        assert lines[colors + 1 + index] == f"{index}: {','.join(map(str, color))},255"
