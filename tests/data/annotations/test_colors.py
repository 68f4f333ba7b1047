"""Colours as labelling tools write them."""

import pytest

from casnet_cli.data.annotations.colors import color_of


@pytest.mark.parametrize("given", ["#ff8000", "FF8000", [255, 128, 0], [255, 128, 0, 64]])
def test_a_colour_in_each_form(given: object) -> None:
    assert color_of(given) == (255, 128, 0)


@pytest.mark.parametrize(
    "given",
    [None, "", "red", "#ff80", 5, {}, [], [1, 2], [256, 0, 0], [0, -1, 0], [0.5, 0, 0], ["1", "2", "3"], [True] * 3],
)
def test_what_is_no_colour_is_none(given: object) -> None:
    assert color_of(given) is None
