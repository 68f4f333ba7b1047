"""GeoTIFFs in, GeoTIFFs out: which files are written, again, and of pictures that are read by windows."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")

from helpers.predictions import LABELS, PREDICTED, BlockPredictor, label, opened, picture  # noqa: E402

from casnet_cli.labels import VOID  # noqa: E402
from casnet_cli.prediction import geotiff_format, large_picture  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
PLACE = {"crs": "EPSG:32632", "transform": rasterio.Affine(0.2, 0, 399960.1, 0, -0.2, 5700000.3)}
GEOTIFFS = {"a.tif", "a.difficulty.tif", "a.tif.aux.xml"}
PICTURES = {"a.png", "a.difficulty.png", "a.overlay.jpg"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    PREDICTED.clear()
    return tmp_path / "in"


def write(file: Path, size: tuple[int, int] = (40, 56), **options: Any) -> np.ndarray:
    bands = np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.uint8)
    bands[:, :9, :11] = 0
    form = {"driver": "GTiff", "count": 3, "height": size[0], "width": size[1], "dtype": "uint8", "photometric": "RGB"}
    with rasterio.open(file, "w", **{**form, **options}) as dataset:
        dataset.write(bands)
    return bands


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder.parent / "out").iterdir() if path.name != "manifest.jsonl"}


def test_a_geotiff_gives_geotiffs(folder: Path) -> None:
    bands = write(folder / "a.tif", **PLACE)
    (record,) = label(folder)
    assert names(folder) == GEOTIFFS | PICTURES and record["georeferenced"] is True
    assert record["outputs"][-2:] == [".tif", ".png"] and ".tif.aux.xml" in record["outputs"]  # type: ignore[index]
    out = folder.parent / "out"
    with rasterio.open(out / "a.tif") as mask, rasterio.open(out / "a.difficulty.tif") as difficulty:
        for found in (mask, difficulty):
            assert (found.height, found.width) == (40, 56)
            assert found.crs.to_epsg() == 32632 and found.transform == PLACE["transform"]
        np.testing.assert_array_equal(mask.read(1), bands.mean(0) > 127)
        np.testing.assert_array_equal(mask.read(1), np.asarray(opened(out / "a.png")))
        assert mask.nodata == VOID and mask.tags(1)["class_1"] == LABELS.names[1]
        assert (difficulty.read(1) == 64).all()
    assert label(folder) == []  # complete
    (out / "a.difficulty.tif").unlink()
    assert len(label(folder)) == 1 and names(folder) == GEOTIFFS | PICTURES


def test_no_data_becomes_no_data(folder: Path) -> None:
    bands = write(folder / "a.tif", nodata=0, **PLACE)
    label(folder)
    with rasterio.open(folder / "a.tif") as given, rasterio.open(folder.parent / "out" / "a.tif") as mask:
        absent = given.dataset_mask() == 0
        np.testing.assert_array_equal(mask.dataset_mask() == 0, absent)
        np.testing.assert_array_equal(mask.read(1)[~absent], (bands.mean(0) > 127)[~absent])
    assert absent[:9, :11].all()
    np.testing.assert_array_equal(np.asarray(opened(folder.parent / "out" / "a.png")) == VOID, absent)


def test_without_rasterio_they_come_once_it_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "a.tif", **PLACE)
    with monkeypatch.context() as patch:
        patch.setattr(geotiff_format, "available", lambda: False)
        (record,) = label(folder)
        assert names(folder) == PICTURES and record["georeferenced"] is True
        assert label(folder) == []
    assert len(label(folder)) == 1 and names(folder) == GEOTIFFS | PICTURES


def test_pictures_that_lie_nowhere_have_theirs_on_request(folder: Path) -> None:
    write(folder / "a.tif")
    picture(1).save(folder / "b.png")
    records = label(folder)
    assert names(folder) == PICTURES | {name.replace("a.", "b.") for name in PICTURES}
    assert not any("georeferenced" in record for record in records)
    assert len(label(folder, extra=("geotiff",))) == 2
    assert names(folder) >= GEOTIFFS | {"b.tif", "b.tif.aux.xml", "b.difficulty.tif"}
    with rasterio.open(folder.parent / "out" / "b.tif") as found:
        np.testing.assert_array_equal(found.read(1), np.asarray(opened(folder.parent / "out" / "b.png")))


def test_outlines_lie_where_the_picture_does(folder: Path) -> None:
    features = pytest.importorskip("rasterio.features")
    write(folder / "a.tif", **PLACE)
    label(folder, extra=("geojson",))
    out = folder.parent / "out"
    found = json.loads((out / "a.geojson").read_text())
    assert found["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32632"
    shapes = [(feature["geometry"], feature["properties"]["id"]) for feature in found["features"]]
    with rasterio.open(out / "a.tif") as mask:
        drawn = features.rasterize(shapes, mask.shape, fill=VOID, transform=mask.transform, dtype="uint8")
        np.testing.assert_array_equal(drawn, mask.read(1))
    assert len(label(folder, extra=("geojson",), coordinates="pixels", identity="run 2")) == 1
    assert "crs" not in json.loads((out / "a.geojson").read_text())


def test_outlines_of_a_picture_that_lies_nowhere_cannot_be_placed(folder: Path) -> None:
    write(folder / "a.tif")
    (record,) = label(folder, extra=("geojson",), coordinates="crs")
    assert record["status"] == "failed" and "--geojson pixels" in str(record["error"])


@pytest.mark.parametrize("large", [False, True])
def test_jpeg_2000_lies_on_the_earth_too(folder: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    monkeypatch.setattr(large_picture, "LARGE", 1000 if large else 10_000)
    bands = write(folder / "a.jp2", driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES", YCBCR420="NO", **PLACE)
    (record,) = label(folder, BlockPredictor)
    assert record["georeferenced"] is True and names(folder) == GEOTIFFS | PICTURES
    assert (PREDICTED[0] == (32, 48, 3)) and len(PREDICTED) == 4
    with rasterio.open(folder.parent / "out" / "a.tif") as mask, rasterio.open(folder / "a.jp2") as given:
        assert mask.crs == given.crs and mask.transform == given.transform
        np.testing.assert_array_equal(mask.read(1), bands.mean(0) > 127)


def test_a_picture_on_the_earth_is_not_turned(folder: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = np.random.default_rng(0).integers(0, 256, (12, 30, 3)).astype(np.uint8)
    place = [(33550, "d", 3, (1.0, 1.0, 0.0)), (33922, "d", 6, (0.0, 0, 0, 5e5, 5e6, 0))]
    for name, tags in (("a", place), ("b", [])):
        turned = [(274, "H", 1, 6), *tags]
        tifffile.imwrite(folder / f"{name}.tif", pixels, photometric="rgb", extratags=turned, metadata=None)
    label(folder)
    out = folder.parent / "out"
    assert opened(out / "a.png").size == (30, 12) and opened(out / "b.png").size == (12, 30)


@pytest.mark.parametrize("tiled", [True, False])
def test_by_windows_the_files_are_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, tiled: bool) -> None:
    monkeypatch.setattr(large_picture, "REDUCED", 300)
    blocks = {"tiled": True, "blockxsize": 32, "blockysize": 32} if tiled else {"blockysize": 5}
    write(folder / "a.tif", (300, 280), nodata=0, **blocks, **PLACE)
    out, whole = folder.parent / "out", {}
    kinds = ("confidence", "geojson")
    label(folder, extra=kinds)
    for file in out.iterdir():
        whole[file.name] = file.read_bytes()
    monkeypatch.setattr(large_picture, "LARGE", 1000)
    (record,) = label(folder, BlockPredictor, extra=kinds, resume=False)
    assert record["overlay_step"] == 18 and opened(out / "a.overlay.jpg").size == (16, 17)
    assert {path.name for path in out.iterdir()} == whole.keys()
    for name in whole.keys() - {"manifest.jsonl", "a.overlay.jpg"}:
        file = out / name
        if file.suffix == ".png":
            found = opened(file)
            file.write_bytes(whole[name])
            before = opened(file)
            assert found.mode == before.mode and found.getpalette() == before.getpalette()
            np.testing.assert_array_equal(np.asarray(found), np.asarray(before))
        else:
            assert file.read_bytes() == whole[name], name


def test_what_does_not_fit_is_told_before_a_large_picture_is_predicted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_picture, "LARGE", 1000)
    write(folder / "a.tif", **PLACE)
    with monkeypatch.context() as patch:
        patch.setattr("casnet_cli.util.memory.memory_available", lambda: 9 * 40 * 56)
        (record,) = label(folder, BlockPredictor, extra=("geojson",))
        assert "--save geojson of so large a picture needs 0.0 GiB" in str(record["error"])
        assert label(folder, BlockPredictor)[0]["status"] == "ok"

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("casnet_cli.prediction.image_result.mapped", full)
    (record,) = label(folder, BlockPredictor, resume=False)
    assert "out: cannot hold its prediction: No space left on device" in str(record["error"])


def test_a_damaged_part_fails_that_picture_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_picture, "LARGE", 1000)
    write(folder / "a.tif", compress="deflate", tiled=True, blockxsize=16, blockysize=16, **PLACE)
    write(folder / "b.tif", **PLACE)
    content = bytearray((folder / "a.tif").read_bytes())
    content[3000:6000] = bytes(3000)
    (folder / "a.tif").write_bytes(content)
    records = {Path(str(record["file"])).name: record for record in label(folder, BlockPredictor)}
    assert records["b.tif"]["status"] == "ok" and records["a.tif"]["status"] == "failed"
    assert "rows 0 to 32 cannot be read: a.tif, band" in str(records["a.tif"]["error"])
    assert not any(name.startswith("a.") for name in names(folder))
