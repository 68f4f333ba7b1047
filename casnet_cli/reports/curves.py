"""The history of a run as one picture: losses, validation metrics, learning rate, time per epoch."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli.runs.progress import score_key, score_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, GRID = "#202124", "#6b7075", "#e4e6e9"
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"

Curves = tuple[tuple[str, str, str, str], ...]
"""Column, label, colour, dashes."""

Rows = Sequence[Mapping[str, float | None]]
"""Numbers of each epoch by column; None: not known."""

LOSS_CURVES: Curves = (
    ("loss", "total", INK, "-"),
    ("loss_coarse", "coarse", ORANGE, "-"),
    ("loss_attention", "attention", PURPLE, "-"),
    ("loss_refine", "refine", GREEN, "-"),
    ("loss_fine", "fine", SKY, "-"),
)
METRIC_CURVES: Curves = (
    ("val_pixel_accuracy", "pixel", BLUE, "-"),
    ("val_coarse_pixel_accuracy", "pixel, coarse branch", ORANGE, "--"),
    ("val_class_accuracy", "class", SKY, "-"),
    ("val_mean_iou", "mean IoU", RED, "-"),
    ("val_class_iou", "IoU of the class that chooses", PURPLE, "-"),
)
RATE: Curves = (("learning_rate", "", GREEN, "-"),)
TIMES: Curves = (("train_seconds", "training", BLUE, ""), ("val_seconds", "validation", ORANGE, ""))

MARKED = 40
"""Up to so many points each one is marked; more are but a line."""

LOG_FROM = 50
"""Losses whose largest is so many times the smallest are drawn on a logarithmic axis."""

LARGEST = 1e38
"""What a float32 holds; anything beyond is as good as infinite."""

WIDEST_TITLE = 60

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#c6c9cd",
    "axes.labelcolor": FAINT,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 30,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "legend.frameon": False,
    "lines.linewidth": 2,
}


@dataclass(frozen=True)
class _History:
    """Numbers by epoch, (epochs,) float64 each, NaN where there is no finite one."""

    epochs: np.ndarray
    """Numbers of the epochs."""
    columns: dict[str, np.ndarray]
    """By name of the column."""
    chosen_by: str
    """`evaluation.best` of the run."""

    @property
    def score(self) -> np.ndarray | None:
        """The validation score that chooses the best checkpoint; None before any validation."""
        return self.columns.get(f"val_{score_key(self.chosen_by)}")

    @property
    def best(self) -> int | None:
        """Position of the first epoch with the highest validation score, None before any validation."""
        score = self.score
        return None if score is None or np.isnan(score).all() else int(np.nanargmax(score))


def draw(rows: Rows, title: str, chosen_by: str = "pixel_accuracy") -> bytes:
    """The four panels as a PNG of 1800 x 1200 pixels.

    rows: those of history.csv or of a run's progress, one an epoch; a cell may be missing, None or NaN. chosen_by:
    `evaluation.best` of the run. Raises OSError where matplotlib finds no folder for its caches.
    """
    # Else it writes to stderr about its caches.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.figure import Figure

    history = _history(rows, chosen_by)
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Letters that the font lacks become boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        # A matplotlibrc of the user's is for other pictures.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(12, 8), dpi=150, facecolor="white")
        panels = figure.subplots(2, 2)
        figure.subplots_adjust(left=0.07, right=0.98, bottom=0.065, top=0.81, hspace=0.46, wspace=0.16)
        figure.text(0.022, 0.953, _plain(title), fontsize=17, weight="bold", parse_math=False)
        figure.text(0.022, 0.918, _summary(history), fontsize=10.5, color=FAINT)
        _losses(panels[0, 0], history)
        _metrics(panels[0, 1], history)
        _rate(panels[1, 0], history)
        _times(panels[1, 1], history)
        for panel in panels.flat:
            _epoch_axis(panel, history.epochs)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _history(rows: Rows, chosen_by: str) -> _History:
    names = dict.fromkeys(key for row in rows for key in row)
    columns = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        column = np.array([np.nan if cell is None else float(cell) for cell in cells])
        columns[name] = np.where(np.abs(column) < LARGEST, column, np.nan)
    return _History(columns.get("epoch", np.arange(1.0, len(rows) + 1)), columns, chosen_by)


def _summary(history: _History) -> str:
    count = len(history.epochs)
    parts = [f"{count:,} epoch{'' if count == 1 else 's'}"]
    steps = history.columns.get("step", np.array([]))
    if np.isfinite(steps[-1:]).any():
        parts.append(f"{steps[-1]:,.0f} steps")
    if history.best is not None and history.score is not None:
        name, score = score_words(history.chosen_by), history.score[history.best]
        parts.append(f"best validation {name} {100 * score:.1f} % in epoch {history.epochs[history.best]:.0f}")
    for column, name, *_ in TIMES:
        seconds = np.nansum(history.columns.get(column, np.array([])))
        if seconds > 0:
            divisor, unit = _unit(float(seconds))
            parts.append(f"{seconds / divisor:.{0 if unit == 's' else 1}f} {unit} of {name}")
    return "   ·   ".join(parts)


def _losses(panel: "Axes", history: _History) -> None:
    panel.set_title("Losses, mean over the epoch")
    # The loss of a single branch is the total, and its line would hide it.
    curves = LOSS_CURVES if sum(_known(history, name) for name, *_ in LOSS_CURVES) > 2 else LOSS_CURVES[:1]
    if not _lines(panel, history, curves):
        return _empty(panel, "no loss recorded")
    low, high = _extent(history, curves)
    if 0 < low * LOG_FROM < high:
        panel.set_yscale("log")
    else:
        panel.set_ylim(min(0.0, 1.05 * low), 1.08 * high if high > 0 else 1.0)
    _best_line(panel, history)


def _metrics(panel: "Axes", history: _History) -> None:
    panel.set_title("Validation accuracy, %")
    percents = {name: 100 * history.columns[name] for name, *_ in METRIC_CURVES if name in history.columns}
    history = replace(history, columns=history.columns | percents)
    if not _lines(panel, history, METRIC_CURVES):
        return _empty(panel, "not validated yet")
    low, high = _extent(history, METRIC_CURVES)
    room = max(high - low, 2.0)
    # Above the curves there is room for the name of the best epoch.
    panel.set_ylim(low - 0.08 * room, high + 0.22 * room)
    bottom, top = panel.get_ylim()
    panel.set_yticks([tick for tick in panel.get_yticks() if max(0, bottom) <= tick <= min(100, top)])
    if history.best is not None and history.score is not None:
        _best_line(panel, history)
        _name_best(panel, history, history.best, float(history.score[history.best]))


def _name_best(panel: "Axes", history: _History, best: int, score: float) -> None:
    epoch = history.epochs[best]
    panel.plot(epoch, score, "*", color=BLUE, markersize=16, markeredgecolor="white", zorder=5)
    in_right_half = epoch > (history.epochs[0] + history.epochs[-1]) / 2
    panel.annotate(
        f"best: {score:.1f} % in epoch {epoch:.0f}",
        (epoch, 0.98),
        (-7 if in_right_half else 7, 0),
        xycoords=panel.get_xaxis_transform(),
        textcoords="offset points",
        ha="right" if in_right_half else "left",
        va="top",
        weight="bold",
        color=BLUE,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )


def _rate(panel: "Axes", history: _History) -> None:
    panel.set_title("Learning rate, at the end of the epoch")
    rates = history.columns.get("learning_rate", np.array([]))
    history = replace(history, columns=history.columns | {"learning_rate": np.where(rates > 0, rates, np.nan)})
    if not _lines(panel, history, RATE):
        return _empty(panel, "no learning rate recorded")
    low, high = _extent(history, RATE)
    margin = max((high / low) ** 0.06, 1.3)
    panel.set_yscale("log")
    panel.set_ylim(low / margin, high * margin)
    _ticks_of_narrow_log_axis(panel, low, high)
    _best_line(panel, history)


def _ticks_of_narrow_log_axis(panel: "Axes", low: float, high: float) -> None:
    """Where the powers of ten alone would leave the axis bare."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    panel.yaxis.set_minor_formatter(NullFormatter())
    if high / low >= 20:
        return
    if high / low < 1.1:
        panel.yaxis.set_major_locator(FixedLocator([high]))
    else:
        panel.yaxis.set_major_locator(MaxNLocator(5) if high / low < 4 else LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def _times(panel: "Axes", history: _History) -> None:
    shown = [curve for curve in TIMES if _known(history, curve[0])]
    if not shown:
        panel.set_title("Time per epoch")
        return _empty(panel, "no time recorded")
    heights = [np.nan_to_num(history.columns[name]) for name, *_ in shown]
    divisor, unit = _unit(float(np.max(np.sum(heights, axis=0))))
    panel.set_title(f"Time per epoch, {unit}")
    few = len(history.epochs) <= MARKED
    floor = np.zeros(len(history.epochs))
    for (_, label, color, _), height in zip(shown, heights, strict=True):
        panel.bar(
            history.epochs,
            height / divisor,
            width=0.72 if few else 1.0,
            bottom=floor,
            color=color,
            label=label,
            linewidth=0,
            antialiased=few,
        )
        floor = floor + height / divisor
    panel.set_ylim(0, 1.08 * float(np.max(floor)) or 1)
    panel.grid(False, axis="x")
    _legend(panel)


def _lines(panel: "Axes", history: _History, curves: Curves) -> bool:
    """Draw those of `curves` that have a number; returns whether there was one."""
    shown = [curve for curve in curves if _known(history, curve[0])]
    for name, label, color, dashes in shown:
        # Only the known ones: between validations far apart there would be no line.
        known = np.isfinite(history.columns[name])
        marker = "o" if known.sum() <= MARKED else ""
        values = history.columns[name][known]
        panel.plot(history.epochs[known], values, dashes, color=color, label=label, marker=marker, markersize=4.5)
    if any(label for _, label, *_ in shown):
        _legend(panel)
    return bool(shown)


def _known(history: _History, name: str) -> bool:
    return name in history.columns and bool(np.isfinite(history.columns[name]).any())


def _extent(history: _History, curves: Curves) -> tuple[float, float]:
    """The smallest and the largest value of the curves; one at least is known."""
    values = np.concatenate([history.columns[name] for name, *_ in curves if name in history.columns])
    return float(np.nanmin(values)), float(np.nanmax(values))


def _best_line(panel: "Axes", history: _History) -> None:
    if history.best is not None:
        panel.axvline(history.epochs[history.best], color=BLUE, linewidth=1, linestyle=":", zorder=1)


def _legend(panel: "Axes") -> None:
    spacing = {"borderaxespad": 0.3, "handlelength": 2, "handletextpad": 0.5, "columnspacing": 1.6}
    panel.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=4, **spacing)


def _empty(panel: "Axes", why: str) -> None:
    panel.text(0.5, 0.5, why, transform=panel.transAxes, ha="center", va="center", color=FAINT)
    panel.set_yticks([])


def _epoch_axis(panel: "Axes", epochs: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.set_xlabel("epoch")
    if not len(epochs):
        panel.set_xticks([])
        return
    first, last = epochs[0], epochs[-1]
    margin = max(0.6, 0.015 * (last - first))
    ticks = MaxNLocator(10, steps=[1, 2, 5, 10], integer=True).tick_values(first, last)
    panel.set_xticks([tick for tick in ticks if first <= tick <= last and tick % 1 == 0])
    panel.set_xlim(first - margin, last + margin)


def _unit(seconds: float) -> tuple[int, str]:
    """Seconds in the unit, and its name, for times up to so many seconds."""
    return (1, "s") if seconds < 120 else (60, "min") if seconds < 7200 else (3600, "h")


def _plain(title: str) -> str:
    """Question marks for what cannot be drawn (bytes that are no UTF-8, line breaks); the end of what is too long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in title)
    return shown if len(shown) <= WIDEST_TITLE else f"…{shown[1 - WIDEST_TITLE :]}"
