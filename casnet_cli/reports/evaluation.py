"""report.html: the metrics of an evaluation and pictures of remarkable images, in one file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.error_scores import DETECTORS
from casnet_cli.evaluation.evaluator import Evaluation
from casnet_cli.evaluation.lost_classes import lost_classes
from casnet_cli.inference.protocol import LabelledImage, PixelOutputs
from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import Picture, flat_picture, picture, render
from casnet_cli.reports.panels import errors, heat
from casnet_cli.reports.plots import Plot, over_steps, plot
from casnet_cli.runs.measurement_record import MetricsRecord, StratumMetrics
from casnet_cli.util.text import count, listed, percent, points

KINDS = {
    "worst": "The worst",
    "changed": "Most changed by refinement",
    "median": "Around the median",
    "best": "The best",
}
"""Kinds of images in the gallery, with the words of its tabs."""

EACH = 12
"""Images of each kind in the gallery."""

HEADS = ("pixels right", "class mean", "mean IoU", "fw IoU")

Bin = Callable[[float, float | None], str]
"""Words for a bin: its lower bound, and the upper one, which does not belong to it; None: it is open."""


@dataclass(frozen=True)
class Heading:
    """What a report is of."""

    title: str
    """Run, data and split."""
    model: str
    """The network in words, as the beginning of a sentence."""
    data: str
    """Data set and images in words."""
    circumstances: str
    """Network, settings of inference, and digests."""
    history: Sequence[Mapping[str, float | None]] = ()
    """Rows of the run's history.csv; none: there is no training curve."""
    lost: str = ""
    """The classes of which no pixel is found, with their shares, and what to do; empty: there are none."""


@dataclass(frozen=True)
class Card:
    """An image of the gallery."""

    name: str
    """Its name in the data."""
    text: str
    """Its metrics."""
    ranks: dict[str, int]
    """Its place, from 1, in each kind that it belongs to."""
    pictures: list[Picture]
    """Input, truth, outputs and errors."""


@dataclass(frozen=True)
class Table:
    """A table of a report."""

    caption: str
    """What it shows, and its unit."""
    head: Sequence[str]
    """Headings of the columns."""
    rows: Sequence[Sequence[str]]
    """Cells; the first of a row names it."""


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix: the share of a class's pixels that is predicted as another, or as itself."""

    text: str
    """Per cent; empty below 0.5."""
    exact: str
    """Per cent with two decimals."""
    kind: str
    """`right`, `wrong`, or `empty`."""
    depth: int
    """Strength of its colour, 0..100."""


def card(sample: LabelledImage, outputs: PixelOutputs, accuracy: float, changed: int, ranks: dict[str, int],
         labels: LabelSet) -> Card:  # fmt: skip
    """Input, truth, difficulty, coarse and final output, and errors of one image, reduced and encoded at once."""
    refined = "coarse" in outputs and "fine" in outputs
    pictures = [
        picture(sample.image, "input", 288),
        flat_picture(sample.label, labels, "truth", 288),
        picture(heat(outputs["difficulty"]), "difficulty", 288),
        *([flat_picture(outputs["coarse"], labels, "coarse", 288)] if refined else []),
        flat_picture(outputs["mask"], labels, "final", 288),
        picture(errors(sample.image, sample.label, outputs["mask"]), "errors", 288),
    ]
    text = f"{percent(accuracy)} % of the pixels right"
    if refined:
        text += f", {changed:,} pixels changed by refinement"
    return Card(sample.name, text, ranks, pictures)


def report(heading: Heading, metrics: MetricsRecord, evaluation: Evaluation, cards: Iterable[Card]) -> str:
    """The text of the page. metrics: those of the evaluation."""
    labels = evaluation.labels
    risk = evaluation.detailed.risk_coverage() if evaluation.detailed else []
    return render(
        "report.html",
        title=heading.title,
        summary=_summary(
            heading, metrics, [one.name for one in lost_classes(evaluation.matrices["fused"], labels.names)]
        ),
        lost=heading.lost,
        circumstances=heading.circumstances,
        legend=list(zip(labels.names, labels.palette, strict=True)),
        kinds=list(KINDS.items()),
        cards=list(cards),
        training=_training(heading.history),
        tables=[_branches(metrics), _classes(metrics)],
        error_tables=_error_detection(metrics),
        plots=_plots(metrics, risk),
        class_names=labels.names,
        confusion=_confusion(evaluation.matrices["fused"], labels),
    )


def _summary(heading: Heading, metrics: MetricsRecord, lost: Sequence[str]) -> str:
    """One sentence: what network, on what data, how good, and what is lost. lost: names of classes."""
    if metrics.pixel_accuracy is None:
        return f"No pixel of {heading.data} is labelled: there is nothing to measure."
    present = [row for row in metrics.per_class if row.pixels]
    worst = min(present, key=lambda row: row.iou or 0.0)
    if lost:
        end = f"it finds no pixel of {listed(lost)}"
    elif len(present) == 1:
        end = "no other class is labelled"
    else:
        end = f"no class is lost, and the weakest is {worst.name} with an IoU of {percent(worst.iou)} %"
    return (
        f"{heading.model} gets {percent(metrics.pixel_accuracy)} % of the pixels right on {heading.data}, with a mean "
        f"IoU of {percent(metrics.mean_iou)} % over {count(len(present), 'class')}; {end}."
    )


def _training(history: Sequence[Mapping[str, float | None]]) -> list[Plot]:
    """Loss and validation metrics over the steps, those that the history has."""
    validation = {
        "val_pixel_accuracy": "pixels right",
        "val_mean_iou": "mean IoU",
        "val_class_iou": "IoU of the class that chooses",
    }
    plots = [
        over_steps("Loss, mean over each epoch", history, {"loss": "loss"}),
        over_steps("Validation, %", history, validation, 100),
    ]
    return [one for one in plots if one]


def _branches(metrics: MetricsRecord) -> Table:
    rows = [
        [name, *(percent(getattr(own, key)) for key in METRIC_NAMES)] for name, own in metrics.branches.items() if own
    ]
    rows.append(["fused, 95 % interval", *(_bounds(getattr(metrics, f"{key}_ci95")) for key in METRIC_NAMES)])
    caption = f"In %, of {metrics.images} images with {metrics.labelled_pixels:,} labelled pixels"
    return Table(caption, ("", *HEADS), rows)


def _bounds(bounds: Sequence[float] | None) -> str:
    return f"{percent(bounds[0])} to {percent(bounds[1])}" if bounds else "–"


def _classes(metrics: MetricsRecord) -> Table:
    refine = {row.name: row for row in metrics.refine.per_class} if metrics.refine else {}
    total = max(1, metrics.labelled_pixels)
    rows = []
    for row in metrics.per_class:
        own = refine.get(row.name)
        gain = points((own.fixed - own.broken) / row.pixels) if own and row.pixels else "–"
        shares = (percent(value) for value in (row.accuracy, row.iou, row.pixels / total))
        rows.append([row.name, *shares, f"{row.pixels:,}", gain])
    caption = "Each class, in %; gain is what refinement adds to recall"
    return Table(caption, ("", "recall", "IoU", "share", "pixels", "gain"), rows)


def _error_detection(metrics: MetricsRecord) -> list[Table]:
    if not (metrics.difficulty and metrics.accuracy_by):
        return []
    targets = {"of coarse errors": metrics.difficulty.coarse_errors, "of final errors": metrics.difficulty.final_errors}
    found = {text: own for text, own in targets.items() if own}
    head = ["", *(f"{name} {text}" for text in found for name in ("AUROC", "precision"))]
    rows = []
    for key, text in DETECTORS.items():
        scores = [getattr(own, key) for own in found.values()]
        cells = [percent(getattr(score, name, None)) for score in scores for name in ("auroc", "average_precision")]
        rows.append([text, *cells])
    rows.append(["by chance", *(cell for own in found.values() for cell in ("50.0", percent(own.base_rate)))])
    strata = metrics.accuracy_by
    return [
        Table("Scores that should be high where the output is wrong, in %", head, rows),
        Table("Probabilities and borders, in %", ("", ""), _probabilities(metrics)),
        _strata("Distance from a border", strata.boundary_distance_px, _distance),
        _strata("Size of the region, of the image", strata.region_share_of_image, _share),
        _strata("Difficulty, in tenths of the pixels from the easiest", strata.difficulty_decile, _share),
    ]


def _probabilities(metrics: MetricsRecord) -> list[list[str]]:
    rows = []
    if own := metrics.calibration:
        heated = f"at temperature {own.temperature:.2f}" if own.temperature else "calibrated (no temperature is fitted)"
        rows += [
            ["expected calibration error", percent(own.ece)],
            [f"the same, {heated}", percent(own.ece_calibrated)],
        ]
    if selective := metrics.selective:
        rows += [
            ["area under risk and coverage", percent(selective.aurc)],
            ["the same, ordered by difficulty", percent(selective.by_difficulty.aurc)],
            ["coverage with 95 % right", percent(selective.coverage_at_95_accuracy)],
        ]
    if boundary := metrics.boundary:
        rows += [
            [f"boundary IoU, {boundary.width_px} pixels", percent(boundary.iou)],
            [f"boundary F1, {boundary.width_px} pixels", percent(boundary.f1)],
        ]
    return rows


def _strata(caption: str, rows: Sequence[StratumMetrics], named: Bin) -> Table:
    """A row for each bin: from its bound up to the next row's."""
    bounds = [row.lower for row in rows]
    uppers: list[float | None] = [*bounds[1:], None]
    cells = [
        [named(row.lower, upper), f"{row.pixels:,}", percent(row.accuracy)]
        for row, upper in zip(rows, uppers, strict=True)
    ]
    return Table(caption, ("", "pixels", "right, %"), cells)


def _distance(lower: float, upper: float | None) -> str:
    """Distances are whole pixels."""
    if upper is None:
        return f"{lower:g} px or more"
    return f"{lower:g} px" if upper - lower <= 1 else f"{lower:g} to {upper - 1:g} px"


def _share(lower: float, upper: float | None) -> str:
    if upper is None:
        return f"{100 * lower:g} % or more"
    return f"{100 * lower:g} to {100 * upper:g} %" if lower else f"under {100 * upper:g} %"


def _plots(metrics: MetricsRecord, risk: Sequence[tuple[float, float]]) -> list[Plot]:
    if not risk or not metrics.accuracy_by:
        return []
    deciles = [(row.lower + 0.05, row.accuracy) for row in metrics.accuracy_by.difficulty_decile]
    return [
        plot("Risk and coverage: the share of errors among the surest pixels", risk, "pixels, the surest first"),
        plot(
            "Share of right pixels by difficulty",
            [(x, y) for x, y in deciles if y is not None],
            "pixels, the easiest first",
        ),
    ]


def _confusion(matrix: np.ndarray, labels: LabelSet) -> list[tuple[str, list[Cell]]]:
    """A row for each class that occurs; cells the stronger coloured the larger their share."""
    shares = matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    return [
        (labels.names[k], [_cell(float(share), column == k) for column, share in enumerate(shares[k])])
        for k in np.flatnonzero(matrix.sum(1))
    ]


def _cell(share: float, right: bool) -> Cell:
    kind = "empty" if share == 0 else "right" if right else "wrong"
    text = percent(share, 0) if share >= 0.005 else ""
    return Cell(text, percent(share, 2), kind, round(100 * share**0.5))
