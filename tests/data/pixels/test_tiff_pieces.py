"""TIFF files of a few hundred bytes that claim gigabytes are refused before a tile is decoded."""

import io
import math
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.read import info_of, read

SIDE = 16


def tiff(compression: int, data: bytes, *more: tuple[int, int], tile: int = 0) -> bytes:
    """A picture of one tile or strip, 16 pixels a side; `more` and `tile` replace its tags."""
    place = {322: tile, 323: tile, 324: 200, 325: len(data)} if tile else {273: 200, 278: SIDE, 279: len(data)}
    tags = {256: SIDE, 257: SIDE, 258: 8, 259: compression, 262: 1, 277: 1, 284: 1} | place | dict(more)
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4)
    return head.ljust(200, b"\0") + data


def jpeg(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (SIDE, SIDE), 7).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def jpeg_2000(side: int) -> bytes:
    data = bytearray(imagecodecs.jpeg2k_encode(np.full((SIDE, SIDE), 7, np.uint8), level=0))
    at, box = data.find(b"\xff\x4f\xff\x51"), data.find(b"ihdr")
    data[at + 8 : at + 16] = data[at + 24 : at + 32] = data[box + 4 : box + 12] = struct.pack(">II", side, side)
    return bytes(data)


def lerc(side: int) -> bytes:
    data = bytearray(imagecodecs.lerc_encode(np.full((SIDE, SIDE), 7, np.uint8)))
    data[14:22] = struct.pack("<II", side, side)
    return bytes(data)


PLAIN = zlib.compress(bytes([7]) * SIDE * SIDE)
HONEST = {
    "plain": tiff(8, PLAIN),
    "a tile": tiff(8, zlib.compress(bytes([7]) * 4096), tile=64),
    "jpeg": tiff(7, jpeg(SIDE)),
    "jpeg 2000": tiff(34712, jpeg_2000(SIDE)),
    "lerc": tiff(34887, lerc(SIDE)),
}
CLAIMS = {
    "a tile": (tiff(8, PLAIN, tile=65536), "one tile of it claims 4.0 GiB \\(at most 2 GiB more than the picture"),
    "slices": (tiff(8, PLAIN, (32997, 2**31 - 1)), "its 2,147,483,647 slices need 512.0 GiB"),
    "jpeg": (tiff(7, jpeg(60000)), "one tile of it claims 60000x60000 pixels, more than its place has"),
    "jpeg 2000": (tiff(34712, jpeg_2000(60000)), "claims 60000x60000 pixels"),
    "lerc": (tiff(34887, lerc(60000)), "claims 60000x60000 pixels"),
    "png in tiff": (tiff(34933, PLAIN), "its compression, number 34933, is none that is read"),
    "bands": (tiff(8, PLAIN, (277, 65535)), "65,535 bands \\(at most 4,096"),
    "jpeg without a header": (tiff(7, bytes(99)), "one tile of it has no header of JPEG"),
    "lerc without a header": (tiff(34887, bytes(99)), "one tile of it has no header of LERC 2"),
}


@pytest.mark.parametrize("content", HONEST.values(), ids=HONEST)
def test_honest_ones_are_read(content: bytes) -> None:
    assert (read(content).values == 7).all()


@pytest.mark.parametrize(("content", "words"), CLAIMS.values(), ids=CLAIMS)
def test_claims_are_refused(content: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert math.prod(info_of(content).size) == SIDE * SIDE

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("tifffile.TiffPage.asarray", never)
    with pytest.raises(UNREADABLE, match=words):
        read(content)


@pytest.mark.parametrize("compression", ["LERC", "LERC_DEFLATE", "LERC_ZSTD"])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_lerc_that_is_compressed_again(tmp_path: Path, compression: str) -> None:
    rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")
    values = np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64)
    form = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint16"}
    try:
        with rasterio.open(tmp_path / "a.tif", "w", **form, compress=compression) as file:
            file.write(values)
    except rasterio.errors.RasterioError:
        pytest.skip(f"GDAL without {compression}")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").values[..., 0], values[0])
