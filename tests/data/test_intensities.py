"""Stored values against what the network sees, computed in NumPy's float64."""

import json

import numpy as np
import pytest

from casnet_cli.data.intensities import PLAIN, Intensities


def pixels(dtype: str, bands: int) -> np.ndarray:
    """(7, 5, bands) over a good part of the type's range."""
    rng = np.random.default_rng(bands)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 300, (7, 5, bands)).astype(dtype)
    ends = np.iinfo(dtype)
    return rng.integers(max(ends.min, -5000), min(ends.max, 9000), (7, 5, bands)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 7])
def test_each_depth_and_number_of_bands_is_mapped_by_its_range(dtype: str, bands: int) -> None:
    stored = pixels(dtype, bands)
    low, high = tuple(-3.0 + 5 * k for k in range(bands)), tuple(90.0 + 200 * k for k in range(bands))
    intensities = Intensities(dtype, tuple(f"band {k + 1}" for k in range(bands)), low, high)
    seen = intensities.seen(stored, (50.0,) * bands)
    expected = np.empty(stored.shape)
    for k in range(bands):
        expected[..., k] = np.clip((stored[..., k].astype(np.float64) - low[k]) / (high[k] - low[k]), 0, 1) * 255
    assert seen.dtype == np.float32 and seen.shape == stored.shape
    np.testing.assert_allclose(seen, expected, atol=1e-3)


def test_plain_pixels_are_given_back_as_they_are() -> None:
    stored = pixels("uint8", 3)
    assert PLAIN.plain and PLAIN.rgb and PLAIN.seen(stored, (0, 0, 0)) is stored
    ranged = Intensities(low=(10, 10, 10))
    assert ranged.rgb and not ranged.plain


def test_where_nothing_was_measured_is_the_mean() -> None:
    stored = np.array([[[-9999, -9999], [-9999, 50], [np.nan, np.nan], [np.nan, 100], [np.nan, -9999]]], np.float32)
    intensities = Intensities("float32", ("a", "b"), (0, 0), (100, 100), nodata=-9999)
    np.testing.assert_array_equal(intensities.absent(stored), [[True, False, True, False, True]])
    seen = intensities.seen(stored, (7, 9))
    np.testing.assert_allclose(seen, [[[7, 9], [0, 127.5], [7, 9], [7, 255], [7, 9]]])
    whole = Intensities("uint8", nodata=0)
    dark = np.array([[[0, 0, 0], [0, 120, 40]]], np.uint8)
    np.testing.assert_allclose(whole.seen(dark, (1, 2, 3)), [[[1, 2, 3], [0, 120, 40]]])


def test_the_record_gives_the_same_again() -> None:
    found = Intensities("int16", ("red", "nir"), (0.5, -1), (100, 200), -9999, (1, 4))
    assert Intensities.from_record(json.loads(json.dumps(found.record()))) == found
    assert Intensities.from_record({}) == PLAIN


@pytest.mark.parametrize(
    "record",
    [
        {"dtype": "complex64"},
        {"dtype": "no such"},
        {"bands": ["red"]},
        {"bands": [], "low": [], "high": []},
        {"low": [0, 0, 300]},
        {"high": ["a", "b", "c"]},
        {"more": 1},
    ],
)
def test_a_record_that_is_none_is_refused(record: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Intensities.from_record(record)
