"""Pixels as they are kept, read again by tifffile itself, and damaged ones."""

import io

import numpy as np
import pytest
import tifffile
from helpers.datasets import FOUR_BANDS, bands

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.stored import decode_pixels, encode_pixels


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 9])
def test_every_type_and_number_of_bands_is_kept_without_loss(dtype: str, number: int) -> None:
    rng = np.random.default_rng(number)
    values = rng.integers(-1000, 1000, (7, 5, number)).astype(dtype)
    if dtype == "float32":
        values[0, 0] = np.nan
        values[1, 1] = np.inf
    content = encode_pixels(values)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(content)).reshape(values.shape), values)
    kept = Intensities(dtype, tuple(map(str, range(number))), (0.0,) * number, (1.0,) * number)
    found = decode_pixels(content, kept)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


def test_one_row_and_one_column_keep_their_shape() -> None:
    for shape in ((1, 9, 2), (9, 1, 2), (1, 1, 1), (1, 9, 1)):
        kept = Intensities("uint16", ("a", "b")[: shape[2]], (0.0,) * shape[2], (1.0,) * shape[2])
        assert decode_pixels(encode_pixels(np.ones(shape, np.uint16)), kept).shape == shape


def test_other_bands_or_another_type_than_the_set_has_are_damage() -> None:
    three = bands(0)[..., :3]
    for values in (three, bands(0).astype(np.float32)):
        with pytest.raises(ValueError, match="holds [34] bands of"):
            decode_pixels(encode_pixels(values), FOUR_BANDS)


def test_damage_is_one_of_the_known_errors_and_never_many_pixels() -> None:
    whole, rng = encode_pixels(bands(0)), np.random.default_rng(0)
    for cut in (0, 7, 100, len(whole) // 2):
        with pytest.raises(UNREADABLE):
            decode_pixels(whole[:cut], FOUR_BANDS)
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(0, 300, 2):
            damaged[place] ^= int(rng.integers(1, 256))
        try:
            assert decode_pixels(bytes(damaged), FOUR_BANDS).ndim == 3
        except (*UNREADABLE, MemoryError):
            pass
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, bands(0), photometric="minisblack", planarconfig="contig")
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as file:
        place = file.pages.first.tags["ImageLength"].valueoffset
    huge = bytearray(buffer.getvalue())
    huge[place : place + 4] = (2**31 - 1).to_bytes(4, "little")
    with pytest.raises(UNREADABLE):
        decode_pixels(bytes(huge), FOUR_BANDS)
