"""Numbers as a person reads them."""

import math

import pytest

from casnet_cli.util.text import count, duration, listed, percent, points


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.9312, "93.1"), (1, "100.0"), (0, "0.0"), (-0.0001, "0.0"), (-0.0, "0.0"), (-0.02, "-2.0"), (None, "–"),
     (math.nan, "–")],
)  # fmt: skip
def test_percent_has_no_negative_zero(fraction: float | None, expected: str) -> None:
    assert percent(fraction) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0083, "+0.8"), (-0.0083, "-0.8"), (0, "+0.0"), (-0.0001, "+0.0"), (-0.0, "+0.0"), (None, "–"), (math.nan, "–")],
)
def test_points_have_a_sign_and_no_negative_zero(fraction: float | None, expected: str) -> None:
    assert points(fraction) == expected


def test_digits_of_a_percentage() -> None:
    assert [percent(-0.00001, digits) for digits in (0, 2)] == ["0", "0.00"] and percent(0.93126, 2) == "93.13"


def test_lists_name_the_first_and_count_the_others() -> None:
    names = ["sky", "tree", "road", "sea", "sun"]
    assert [listed(names[:length]) for length in (1, 2, 4, 5)] == [
        "sky", "sky and tree", "sky, tree, road and sea", "sky, tree, road and 2 more"
    ]  # fmt: skip


def test_counts_and_durations() -> None:
    assert [count(1, "image"), count(1200, "image"), count(3, "class")] == ["1 image", "1,200 images", "3 classes"]
    assert [duration(seconds) for seconds in (43, 720, 4800, 5400)] == ["43 s", "12 min", "80 min", "1 h 30 min"]
