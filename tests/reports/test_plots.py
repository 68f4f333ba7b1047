"""Line plots: where points lie, and which numbers stand at the axes."""

import math

import pytest

from casnet_cli.reports.plots import over_steps, plot


def test_shares_from_the_left_below_to_the_right_above() -> None:
    found = plot("risk", [(0, 0), (0.5, 0.1), (1, 0.4)], "pixels")
    assert [line.points for line in found.lines] == ["40.0,190.0 185.0,145.0 330.0,10.0"]
    assert found.lines[0].dots == [(40, 190), (185, 145), (330, 10)] and found.across == "pixels"
    assert [mark.text for mark in found.marks_y] == ["0 %", "20 %", "40 %"]
    assert (found.marks_x[0].place, found.marks_x[-1].place) == (40, 330)


def test_columns_over_steps_with_gaps() -> None:
    history = [
        {"step": 1.0, "a": 0.5},
        {"step": 2.0, "a": None},
        {"step": 3.0, "a": math.nan},
        {"step": 5.0, "a": 0.25},
    ]
    found = over_steps("validation", history, {"a": "first", "b": "second"}, 100)
    assert found and [(line.label, line.points) for line in found.lines] == [("first", "98.0,10.0 330.0,100.0")]
    assert [mark.text for mark in found.marks_x] == ["0", "2", "5"]
    assert [mark.text for mark in found.marks_y] == ["0", "25", "50"]


def test_two_lines_have_names_and_colours() -> None:
    history = [{"step": float(step), "a": 1.0 / step, "b": 3.0} for step in (1, 2)]
    found = over_steps("both", history, {"a": "first", "b": "second"})
    assert found and [line.label for line in found.lines] == ["first", "second"]
    assert len({line.color for line in found.lines}) == 2 and found.marks_y[-1].text == "5"


def test_a_single_point_is_a_dot_and_many_points_are_a_line_alone() -> None:
    found = over_steps("loss", [{"step": 1400.0, "loss": 0.1}], {"loss": "loss"})
    assert found and found.lines[0].dots == [(330, 10)] and [m.text for m in found.marks_x] == ["0", "700", "1,400"]
    many = over_steps("loss", [{"step": float(step), "loss": 0.1} for step in range(13)], {"loss": "loss"})
    assert many and not many.lines[0].dots and len(many.lines[0].points.split()) == 13


@pytest.mark.parametrize(
    "history", [[], [{"step": 1.0}], [{"step": None, "loss": 1.0}], [{"step": 1.0, "loss": math.inf}]]
)
def test_nothing_known_is_no_plot(history: list[dict[str, float | None]]) -> None:
    assert over_steps("loss", history, {"loss": "loss"}) is None


def test_zeros_have_an_axis() -> None:
    found = over_steps("loss", [{"step": 1.0, "loss": 0.0}, {"step": 2.0, "loss": 0.0}], {"loss": "loss"})
    assert found and found.lines[0].points == "185.0,190.0 330.0,190.0"


def test_numbers_that_no_training_gives_are_left_out() -> None:
    history = [
        {"step": 1.0, "a": 1e308},
        {"step": 2.0, "a": -math.inf},
        {"step": math.inf, "a": 0.5},
        {"step": math.nan, "a": 0.5},
        {"step": -4.0, "a": 0.5},
        {"step": 1e300, "a": 0.5},
        {"step": 4.0, "a": 5e-324},
    ]
    found = over_steps("loss", history, {"a": "a"}, 100)
    assert found and found.lines[0].points == "330.0,190.0" and found.marks_y[-1].text == "1"
