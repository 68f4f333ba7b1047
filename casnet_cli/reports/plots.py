"""Line plots of a page, drawn by its template as SVG in the colours of the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from casnet_cli.reports.curves import LARGEST
from casnet_cli.util.text import percent

LEFT, RIGHT, TOP, BOTTOM = 40, 330, 10, 190
"""Ends of the axes in units of the drawing."""

COLORS = ("--bar", "--warning", "--error")
"""Colours of a page, one a line."""

MOST_STEPS, LEAST = 1e12, 1e-30
"""A larger number of steps is a mistake; a smaller value is drawn as none."""

MARKED = 12
"""Up to so many points of a line each one is marked."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Mark:
    """A number on an axis."""

    place: float
    """Where, in units of the drawing."""
    text: str
    """The number."""


@dataclass(frozen=True)
class Line:
    """A line of a plot."""

    label: str
    """Its name in the legend; empty for a single line."""
    points: str
    """Of an SVG polyline."""
    dots: list[tuple[float, float]]
    """Its points, if they are few enough to be marked."""
    color: str
    """Name of a CSS variable."""


@dataclass(frozen=True)
class Plot:
    """A plot: lines over a horizontal axis, from 0 upwards."""

    caption: str
    """What it shows, also for those who do not see it."""
    lines: list[Line]
    """Lines, the first one most important."""
    marks_x: list[Mark]
    """Numbers on the horizontal axis."""
    marks_y: list[Mark]
    """Numbers on the vertical axis."""
    across: str
    """What the horizontal axis counts."""


def plot(caption: str, points: Points, across: str) -> Plot:
    """Shares over shares. x: 0..1. y: 0..1, drawn from 0 to the next round tenth above the highest. across: the
    meaning of x."""
    top = max(0.1, math.ceil(max(y for _, y in points) * 10) / 10)
    return Plot(
        caption,
        [_line("", points, (0, 1), top, COLORS[0])],
        [Mark(_across(x, (0, 1)), f"{percent(x, 0)} %") for x in (0, 0.25, 0.5, 0.75, 1)],
        [Mark(_upwards(share * top, top), f"{percent(share * top, 0)} %") for share in (0, 0.5, 1)],
        across,
    )


def over_steps(
    caption: str, history: Sequence[Mapping[str, float | None]], columns: Mapping[str, str], factor: float = 1
) -> Plot | None:
    """Columns of history.csv over the training steps; None if it has no number of them.

    columns: names of lines by column. factor: by which numbers are multiplied.
    """
    known = {label: _known(history, column, factor) for column, label in columns.items()}
    known = {label: points for label, points in known.items() if points}
    if not known:
        return None
    steps = [x for points in known.values() for x, _ in points]
    span, top = (0.0, max(1.0, *steps)), _round_above(max(y for points in known.values() for _, y in points))
    lines = [
        _line(label if len(columns) > 1 else "", points, span, top, color)
        for (label, points), color in zip(known.items(), COLORS, strict=False)
    ]
    shown = sorted({0.0, round(span[1] / 2), span[1]})
    return Plot(
        caption,
        lines,
        [Mark(_across(x, span), f"{x:,.0f}") for x in shown],
        [Mark(_upwards(share * top, top), f"{share * top:g}") for share in (0, 0.5, 1)],
        "steps",
    )


def _known(history: Sequence[Mapping[str, float | None]], column: str, factor: float) -> list[tuple[float, float]]:
    cells = [(row.get("step"), row.get(column)) for row in history]
    return [
        (step, factor * value)
        for step, value in cells
        if step is not None and value is not None and 0 <= step < MOST_STEPS and abs(factor * value) < LARGEST
    ]


def _round_above(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, …, and their tenths, that is not below."""
    if value < LEAST:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= value)


def _line(label: str, points: Points, span: tuple[float, float], top: float, color: str) -> Line:
    places = [(round(_across(x, span), 1), round(_upwards(y, top), 1)) for x, y in points]
    return Line(label, " ".join(f"{x},{y}" for x, y in places), places if len(places) <= MARKED else [], color)


def _across(x: float, span: tuple[float, float]) -> float:
    share = (x - span[0]) / (span[1] - span[0])
    return LEFT + (RIGHT - LEFT) * share


def _upwards(y: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * max(0.0, y) / top
