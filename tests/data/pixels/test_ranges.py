"""Ranges: what is given, what a type holds, and what is measured, against NumPy's percentiles."""

import numpy as np
import pytest

from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.picture import ALPHA, Picture, PictureInfo
from casnet_cli.data.pixels.ranges import PERCENTILES, Measured, counts_of, described, given, measured, of_type
from casnet_cli.errors import InputError

NAMES = ("red", "green", "blue", "near infrared")


def picture(values: np.ndarray, bands: tuple[str, ...] = NAMES) -> Picture:
    size = (values.shape[1], values.shape[0])
    return Picture(PictureInfo("TIFF", size, 8 * values.itemsize, values.dtype.name, bands), values)


def of(dtype: str, bands: int = 4, nodata: float | None = None) -> Intensities:
    return Intensities(dtype, NAMES[:bands], (0,) * bands, (1,) * bands, nodata)


def measure(pictures: list[np.ndarray], intensities: Intensities, most: int = 1 << 20) -> Measured:
    found = measured([counts_of(picture(one, intensities.bands), intensities, most) for one in pictures], intensities)
    assert found
    return found


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "float32"])
def test_auto_is_by_percentiles_of_all_pictures(dtype: str) -> None:
    rng = np.random.default_rng(0)
    scale = 20 if dtype in ("uint8", "int8") else 3000
    shift = 0 if dtype[0] in "if" else 5 * scale
    pictures = [
        np.clip(rng.normal(shift, scale, (40, 30 + k, 4)), -128 if shift == 0 else 0, None).astype(dtype)
        for k in range(3)
    ]
    found = measure(pictures, of(dtype))
    every = np.concatenate([one.reshape(-1, 4) for one in pictures])
    for band in range(4):
        low, high = np.percentile(every[:, band], PERCENTILES, method="inverted_cdf")
        assert (found.ends[0][band], found.ends[1][band]) == (low, high)
    assert found.lone == ()


def test_a_sample_of_many_floats_is_near_and_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.normal(0, 1, (200, 200, 1)).astype(np.float32) for _ in range(4)]
    whole, part = (measure(pictures, of("float32", 1), most) for most in (1 << 20, 5000))
    np.testing.assert_allclose(part.ends, whole.ends, atol=0.1)
    assert part == measure(pictures, of("float32", 1), 5000)
    assert counts_of(picture(pictures[0], NAMES[:1]), of("float32", 1), 5000).shape == (5000, 1)


def test_what_is_transparent_or_without_data_is_not_measured() -> None:
    values = np.full((20, 10, 4), 500, np.uint16)
    values[:10] = 60000
    values[:10, :, 3] = 0
    values[10:, :, 3] = 65535
    three = Intensities("uint16", NAMES[:3], (0,) * 3, (1,) * 3)
    counts = counts_of(picture(values, (*NAMES[:3], ALPHA)), three, 9)
    assert counts.shape == (3, 65536) and counts.sum() == 300 and counts[0, 500] == 100
    values[..., 3] = values[..., 0]
    assert measure([values], of("uint16", nodata=60000)).ends == ((500,) * 4, (501,) * 4)
    floats = np.where(values == 60000, np.nan, values).astype(np.float32)
    assert measure([floats], of("float32")).ends == ((500,) * 4, (501,) * 4)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_value_that_stands_alone_is_left_out_and_said(dtype: str) -> None:
    values = np.random.default_rng(0).uniform(0, 500, (50, 50, 1)).astype(dtype)
    values[:5] = -9999
    found = measure([values], of(dtype, 1))
    assert found.lone == ((-9999.0, pytest.approx(0.1)),)
    assert found.ends[0][0] >= 0 and found.ends[1][0] > 490
    assert measure([np.where(values < 0, 0, values)], of(dtype, 1)).lone == ()
    two = np.where(values < 0, 0, 255).astype(dtype)
    assert measure([two], of(dtype, 1)).lone == () and measure([two], of(dtype, 1)).ends == ((0,), (255,))


def test_nothing_measured_is_no_range() -> None:
    assert measured([], of("uint16")) is None and measured([], of("float32")) is None
    empty = np.full((4, 4, 4), np.nan, np.float32)
    empty[..., 0] = 1
    assert measured([counts_of(picture(empty), of("float32"), 9)], of("float32")) is None


def test_the_range_of_a_type() -> None:
    assert of_type("uint16", 16, 2) == ((0, 0), (65535, 65535))
    assert of_type("uint16", 12, 1) == ((0,), (4095,))
    assert of_type("uint8", 8, 1) == ((0,), (255,)) == of_type("uint8", 4, 1)
    assert of_type("int16", 16, 1) == ((-32768,), (32767,))
    assert of_type("float32", 32, 1) == ((0,), (1,))


def test_a_range_is_given_for_all_bands_or_for_each() -> None:
    assert given("-5:3e3", 2) == ((-5, -5), (3000, 3000))
    assert given("0:1,2.5:3", 2) == ((0, 2.5), (1, 3))


@pytest.mark.parametrize("text", ["", "5", "5:", "a:b", "5:5", "7:3", "0:inf", "nan:1", "1:2:3", "0:1,0:2,0:3", "Auto"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"--range {text}: "):
        given(text, 2)


def test_intensities_in_words() -> None:
    assert described(Intensities()) == "8 bits, 3 bands (red, green, blue)"
    deep = Intensities("float32", ("a", "b"), (0, -1), (100, 2.5), -9999)
    assert (
        described(deep) == "32-bit floating point, -9999 for no data, 2 bands (a, b): 0..100 and -1..2.5 become 0..255"
    )
    one = Intensities("uint16", ("grey",), (12,), (3010,))
    assert described(one, 12) == "12 bits, 1 band (grey): 12..3010 becomes 0..255"
