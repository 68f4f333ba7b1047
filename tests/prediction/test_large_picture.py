"""Pictures that are read by windows hold what they hold when they are read as a whole."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")

from casnet_cli.data.intensities import PLAIN, Intensities  # noqa: E402
from casnet_cli.data.pixels.take import take  # noqa: E402
from casnet_cli.prediction import geotiff_format, large_picture  # noqa: E402
from casnet_cli.prediction.large_picture import UnreadablePart, open_large  # noqa: E402
from casnet_cli.util.extras import install  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
SIZE = (150, 170)
DEEP = Intensities("uint16", ("red", "green", "blue", "band 4"), (0.0,) * 4, (4000.0,) * 4)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures count as large ones."""
    monkeypatch.setattr(large_picture, "LARGE", 100)


def values(bands: int, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    high = 256 if dtype == "uint8" else 4000
    return np.random.default_rng(seed).integers(0, high, (bands, *SIZE)).astype(dtype)


def write(file: Path, array: np.ndarray, **options: Any) -> Path:
    form = {"driver": "GTiff", "count": len(array), "height": SIZE[0], "width": SIZE[1], "dtype": array.dtype}
    with rasterio.open(file, "w", **form, **options) as dataset:
        dataset.write(array)
    return file


TILED = {"tiled": True, "blockxsize": 32, "blockysize": 32}
KINDS: dict[str, tuple[Callable[[], np.ndarray], dict[str, Any], Intensities]] = {
    "tiles": (lambda: values(3), {**TILED, "compress": "deflate"}, PLAIN),
    "strips": (lambda: values(3), {"blockysize": 7, "compress": "lzw", "interleave": "pixel"}, PLAIN),
    "planes": (lambda: values(3), {"interleave": "band"}, PLAIN),
    "one strip": (lambda: values(3), {"blockysize": SIZE[0]}, PLAIN),
    "grey": (lambda: values(1), TILED, PLAIN),
    "white is zero": (lambda: values(1), {**TILED, "photometric": "MINISWHITE"}, PLAIN),
    "big": (lambda: values(3), {"BIGTIFF": "YES"}, PLAIN),
    "four bands of 16 bits": (lambda: values(4, "uint16"), {**TILED, "photometric": "RGB"}, DEEP),
    "chosen": (
        lambda: values(5, "float32"),
        TILED,
        Intensities("float32", ("band 5", "band 2"), (0.0,) * 2, (4000.0,) * 2, chosen=(5, 2)),
    ),
    "transparent": (
        lambda: np.concatenate([values(3), np.where(values(1, seed=3) > 40, 255, 0).astype(np.uint8)]),
        {**TILED, "photometric": "RGB", "alpha": "YES"},
        PLAIN,
    ),
    "infrared that is marked as alpha": (
        lambda: values(4),
        {**TILED, "photometric": "RGB", "alpha": "YES"},
        Intensities("uint8", ("red", "green", "blue", "band 4"), (0.0,) * 4, (255.0,) * 4),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_windows_are_parts_of_the_whole(tmp_path: Path, kind: str) -> None:
    array, options, intensities = KINDS[kind]
    file = write(tmp_path / "a.tif", array(), **options)
    whole = take(file.read_bytes(), intensities)
    large = open_large(file, intensities)
    assert large is not None and large.shape == whole.shape and large.dtype == whole.dtype == large[:1].dtype
    for rows, columns in ((slice(0, 150), slice(0, 170)), (slice(3, 40), slice(60, 61)), (slice(140, 400), slice(9))):
        np.testing.assert_array_equal(large[rows, columns], whole[rows, columns])
    np.testing.assert_array_equal(large[20:30], whole[20:30])
    np.testing.assert_array_equal(np.stack([large]), whole[None])
    for step, most in ((1, 150 * 170), (3, 50 * 57), (30, 30)):
        np.testing.assert_array_equal(large.reduced(most), whole[::step, ::step])


def test_compressed_with_loss_they_differ_as_decoders_do(tmp_path: Path) -> None:
    smooth = np.stack(np.broadcast_arrays(*np.ogrid[:150, :170], np.arange(150)[:, None])).astype(np.uint8)
    file = write(tmp_path / "a.tif", smooth, compress="jpeg", photometric="YCBCR", JPEG_QUALITY=95, **TILED)
    large = open_large(file, PLAIN)
    assert large is not None
    np.testing.assert_allclose(large[:].astype(int), take(file.read_bytes(), PLAIN).astype(int), atol=3)


def test_strips_are_read_once_for_the_tiles_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = open_large(write(tmp_path / "a.tif", values(3), blockysize=7), PLAIN)
    assert large is not None
    reads: list[tuple[slice, slice]] = []
    read = large._read
    monkeypatch.setattr(large, "_read", lambda rows, columns: reads.append((rows, columns)) or read(rows, columns))
    for rows in (slice(0, 60), slice(40, 100)):
        for left in (0, 40, 110):
            assert large[rows, left : left + 60].shape == (60, 60, 3)
    assert reads == [(slice(0, 60), slice(0, 170)), (slice(40, 100), slice(0, 170))]


def test_what_is_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    Image.fromarray(np.moveaxis(values(3), 0, -1)).save(tmp_path / "a.png")
    Image.fromarray(np.moveaxis(values(4), 0, -1), "CMYK").save(tmp_path / "cmyk.tif")
    assert open_large(tmp_path / "a.png", PLAIN) is None and open_large(tmp_path / "cmyk.tif", PLAIN) is None
    file = write(tmp_path / "a.tif", values(3))
    monkeypatch.setattr(large_picture, "LARGE", SIZE[0] * SIZE[1])
    assert open_large(file, PLAIN) is None


def test_without_rasterio_the_largest_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.tif", values(3))
    monkeypatch.setattr(geotiff_format, "available", lambda: False)
    assert open_large(file, PLAIN) is None
    monkeypatch.setattr(large_picture, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match=re.escape(f"by windows, with rasterio ({install('geo')})")):
        open_large(file, PLAIN)


def test_pictures_that_do_not_fit_are_refused_beforehand(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trained on 8-bit values"):
        open_large(write(tmp_path / "a.tif", values(3, "uint16")), PLAIN)
    with pytest.raises(ValueError, match="has 4 bands"):
        open_large(write(tmp_path / "a.tif", values(4)), PLAIN)


def test_pieces_larger_than_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.tif", values(3), blockysize=SIZE[0], compress="deflate", interleave="pixel")
    monkeypatch.setattr("casnet_cli.util.memory.memory_available", lambda: 2 * 3 * SIZE[0] * SIZE[1] - 1)
    with pytest.raises(ValueError, match=r"in tiles or strips of 0\.0 GiB, .* \(gdal_translate -co TILED=YES\)"):
        open_large(file, PLAIN)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tif", values(3), compress="deflate", **TILED)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    file.write_bytes(content)
    large = open_large(file, PLAIN)
    assert large is not None
    with pytest.raises(UnreadablePart, match="rows 0 to 150 cannot be read"):
        large[0:150, 0:170]
    with pytest.raises(IndexError):
        large[::2]


def test_a_file_without_pixels_is_refused_with_the_cause(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tif", values(3), compress="deflate", **TILED)
    content = bytearray(file.read_bytes())
    file.write_bytes(content[:1000] + bytes(len(content) - 1000))  # the directory of this file stands before the pixels
    with pytest.raises(OSError, match=r"^its first pixels cannot be read: .*a\.tif"):
        open_large(file, PLAIN)


def test_a_small_file_that_claims_a_huge_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.tif"
    form = {"driver": "GTiff", "count": 1, "height": 200_000, "width": 200_000, "dtype": "uint8"}
    with rasterio.open(file, "w", **form, **TILED | {"blockxsize": 4096, "blockysize": 4096}, SPARSE_OK=True):
        pass
    assert file.stat().st_size < 100_000
    with pytest.raises(
        ValueError, match=r"claims 200000x200000 pixels in a file of [0-9,]+ bytes, so it is nearly empty"
    ):
        open_large(file, PLAIN)
    monkeypatch.setattr(large_picture, "MAX_PIXELS_A_BYTE", 1 << 40)
    found = open_large(file, PLAIN)
    assert found is not None and found.shape == (200_000, 200_000, 3) and not found[199_990:, 199_990:].any()


def test_gdal_opens_tiff_and_jpeg_2000_alone(tmp_path: Path) -> None:
    other = write(tmp_path / "b.tif", values(1))
    source = f"<SimpleSource><SourceFilename>{other}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    band = f'<VRTRasterBand dataType="Byte" band="1">{source}</VRTRasterBand>'
    (tmp_path / "a.tif").write_text(f'<VRTDataset rasterXSize="9" rasterYSize="9">{band}</VRTDataset>')
    with rasterio.open(tmp_path / "a.tif") as found:
        assert found.driver == "VRT"
    for form in geotiff_format.DRIVERS:
        with pytest.raises(OSError, match="not recognized"):
            geotiff_format.open_by_gdal(tmp_path / "a.tif", form)
