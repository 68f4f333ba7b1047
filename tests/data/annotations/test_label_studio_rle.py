"""Label Studio's code of a brush, by streams of bits that are written here from the description of the form."""

import numpy as np
import pytest

from casnet_cli.data.annotations.label_studio_rle import packed, unpacked
from casnet_cli.data.annotations.shapes import ShapeError

HEAD = "00111" + "0001" + "0011" + "0111" + "1111"
"""Values of 8 bits, counts of 2, 4, 8 and 16 bits."""


def code(bits: str) -> list[int]:
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


def test_runs_and_single_values() -> None:
    runs = "1" + "00" + "11" + "0" * 8 + "1" + "01" + "0111" + "1" * 8  # 4 values of 0, 8 of 255
    singles = "0" + "01" + "0011" + "00000001" + "00000000" * 3  # red 1, and no opacity
    found = unpacked(code(f"{16:032b}" + HEAD + runs + singles), 2, 2)
    np.testing.assert_array_equal(found, [[False, True], [True, False]])
    faint = "0" + "01" + "0111" + ("00000000" * 3 + "00000001") * 2  # opacity 1
    np.testing.assert_array_equal(unpacked(code(f"{8:032b}" + HEAD + faint), 1, 2), [[True, True]])


def test_runs_that_begin_and_end_inside_of_a_pixel() -> None:
    lengths, stream = (3, 1, 3, 2, 3), ""
    for number, length in enumerate(lengths):
        stream += "1" + "01" + f"{length - 1:04b}" + ("0" * 8, "1" * 8)[number % 2]
    np.testing.assert_array_equal(unpacked(code(f"{12:032b}" + HEAD + stream), 1, 3), [[True, True, False]])


def test_values_of_other_sizes() -> None:
    head = "00000" + "0000" * 4  # values of 1 bit, counts of 1 bit
    stream = "1001" + "1" + "0001" + "01" + "1000" + "0" + "1000" + "1" + "1000" + "0" + "1000" + "1"
    found = unpacked(code(f"{8:032b}" + head + stream), 1, 2)
    np.testing.assert_array_equal(found, [[True, True]])


def test_what_is_written_is_read() -> None:
    generator = np.random.default_rng(0)
    for share in (0.01, 0.5, 1.0):
        mask = generator.random((90, 110)) < share
        bounds = np.flatnonzero(np.diff(mask.ravel().astype(int), prepend=0, append=0))
        np.testing.assert_array_equal(unpacked(packed(bounds[::2], bounds[1::2], mask.size), 90, 110), mask)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "cut off"),
        ([0, 0, 0, 4], "cut off"),
        (code(f"{4:032b}" + HEAD), "cut off"),
        (code(f"{4:032b}" + HEAD + "1" + "01" + "0111" + "1" * 8), "cut off"),
        (code(f"{8:032b}" + HEAD + "1" * 40), "a brush of 2 pixels for 1"),
        ([256] * 9, "no list of bytes"),
        ([-1] * 9, "no list of bytes"),
        (["a"], "no list of bytes"),
        ([[0]], "no list of bytes"),
        ([0.5] * 9, "no list of bytes"),
    ],
)
def test_what_is_no_brush_is_an_error(given: list[object], why: str) -> None:
    with pytest.raises(ShapeError, match=why):
        unpacked(given, 1, 1)  # type: ignore[arg-type]
