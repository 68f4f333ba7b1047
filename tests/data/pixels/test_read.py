"""Stored values of a table of files of many kinds, beside what was written and what other libraries read."""

import io
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from helpers.picture_files import PICTURE_FILES, PictureFile

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels import read as reading
from casnet_cli.data.pixels.read import info_of, read


def by_rasterio(content: bytes) -> np.ndarray:
    rasterio = pytest.importorskip("rasterio")
    with warnings.catch_warnings(), rasterio.Env(), rasterio.io.MemoryFile(content) as memory:
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with memory.open() as file:
            return np.moveaxis(file.read(), 0, -1)


def by_opencv(content: bytes) -> np.ndarray:
    cv2 = pytest.importorskip("cv2")
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    values = values[..., None] if values.ndim == 2 else values
    return values[..., [2, 1, 0, 3][: values.shape[2]]] if values.shape[2] > 1 else values


def by_numpy(content: bytes) -> np.ndarray:
    values = np.load(io.BytesIO(content))
    return values[..., None] if values.ndim == 2 else values


READERS = {"rasterio": by_rasterio, "opencv": by_opencv, "numpy": by_numpy}


def test_the_table_has_enough_kinds() -> None:
    assert len(PICTURE_FILES) >= 60


@pytest.mark.parametrize("kind", PICTURE_FILES.values(), ids=PICTURE_FILES)
def test_values_are_those_that_were_written_and_that_others_read(kind: PictureFile) -> None:
    if kind.ending == ".heic":
        pytest.importorskip("pillow_heif")
    written = kind.write()
    info, picture = info_of(written.content), read(written.content)
    assert (picture.info.bands, picture.info.bits, picture.info.size) == (kind.bands, kind.bits, (24, 18))
    assert (info.bits, info.size, info.dtype, len(info.bands)) == (
        kind.bits,
        (24, 18),
        picture.info.dtype,
        len(kind.bands),
    )
    assert picture.values.dtype == picture.info.dtype == written.values.dtype
    difference = np.abs(picture.values.astype(np.longdouble) - written.values)
    assert picture.values.shape == written.values.shape and difference.max() <= kind.near
    for name in kind.readers:
        other = READERS[name](written.content)
        near = 2 if kind.near else 0  # two decoders round in their own ways
        assert np.abs(picture.values.astype(np.longdouble) - other).max() <= near, name


def test_a_file_far_larger_than_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "EXTRA_BYTES", 100)
    content = b"P5 20 10 255\n" + bytes(200)
    values = info_of(content).value_bytes
    (tmp_path / "a.pgm").write_bytes(content.ljust(values + 100, b"\0"))
    assert reading.content_of(tmp_path / "a.pgm").startswith(content)
    (tmp_path / "a.pgm").write_bytes(content.ljust(values + 101, b"\0"))
    with pytest.raises(ValueError, match=r"it has 0\.0 GiB, and its picture 0\.0 GiB of values \(at most 0 GiB more"):
        reading.content_of(tmp_path / "a.pgm")


def test_a_false_header_of_jpeg_2000_before_the_true_one() -> None:
    content = imagecodecs.jpeg2k_encode(np.zeros((16, 24), np.uint16), level=0)
    at = content.find(b"\xff\x4f\xff\x51")
    false = bytearray(content[at : at + 60])
    false[8:16] = bytes([0, 0, 0, 3] * 2)
    box = (8 + 16 + len(false)).to_bytes(4) + b"uuid" + bytes(16) + false
    for changed in (content[:32] + box + content[32:], content[at:]):
        assert info_of(changed).size == (24, 16) and read(changed).values.shape == (16, 24, 1)
    with pytest.raises(UNREADABLE, match="no header of JPEG 2000"):
        info_of(content[:32] + box)
