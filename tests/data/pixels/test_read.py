"""Stored values of a table of files of many kinds, beside what was written and what other libraries read."""

import io
import warnings

import numpy as np
import pytest
from helpers.picture_files import PICTURE_FILES, PictureFile

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
