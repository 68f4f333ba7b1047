"""Line plots: where points lie, and which numbers stand at the axes."""

import math

import pytest

from casnet_cli.reports.plots import over_epochs, plot


def test_shares_from_the_left_below_to_the_right_above() -> None:
    found = plot("risk", [(0, 0), (0.5, 0.1), (1, 0.4)])
    assert [line.points for line in found.lines] == ["40.0,190.0 185.0,145.0 330.0,10.0"]
    assert [mark.text for mark in found.marks_y] == ["0 %", "20 %", "40 %"]
    assert (found.marks_x[0].place, found.marks_x[-1].place) == (40, 330)


def test_columns_over_epochs_with_gaps() -> None:
    history = [
        {"epoch": 1.0, "a": 0.5},
        {"epoch": 2.0, "a": None},
        {"epoch": 3.0, "a": math.nan},
        {"epoch": 5.0, "a": 0.25},
    ]
    found = over_epochs("validation", history, {"a": "first", "b": "second"}, 100)
    assert found and [(line.label, line.points) for line in found.lines] == [("", "40.0,10.0 330.0,100.0")]
    assert [mark.text for mark in found.marks_x] == ["1", "3", "5"]
    assert [mark.text for mark in found.marks_y] == ["0", "25", "50"]


def test_two_lines_have_names_and_colours() -> None:
    history = [{"epoch": float(epoch), "a": 1.0 / epoch, "b": 3.0} for epoch in (1, 2)]
    found = over_epochs("both", history, {"a": "first", "b": "second"})
    assert found and [line.label for line in found.lines] == ["first", "second"]
    assert len({line.color for line in found.lines}) == 2 and found.marks_y[-1].text == "5"


def test_a_single_epoch_is_a_dot_in_the_middle() -> None:
    found = over_epochs("loss", [{"epoch": 4.0, "loss": 0.1}], {"loss": "loss"})
    assert found and found.lines[0].points == "185.0,10.0 185.0,10.0" and [m.text for m in found.marks_x] == ["4"]


@pytest.mark.parametrize(
    "history", [[], [{"epoch": 1.0}], [{"epoch": None, "loss": 1.0}], [{"epoch": 1.0, "loss": math.inf}]]
)
def test_nothing_known_is_no_plot(history: list[dict[str, float | None]]) -> None:
    assert over_epochs("loss", history, {"loss": "loss"}) is None


def test_zeros_have_an_axis() -> None:
    found = over_epochs("loss", [{"epoch": 1.0, "loss": 0.0}, {"epoch": 2.0, "loss": 0.0}], {"loss": "loss"})
    assert found and found.lines[0].points == "40.0,190.0 330.0,190.0"
