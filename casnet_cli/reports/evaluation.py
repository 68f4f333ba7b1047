"""report.html: the figures of an evaluation, what the network knows of its errors, and pictures, in one file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.detailed_metrics import DETECTORS
from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import Picture, flat_picture, picture, render
from casnet_cli.reports.panels import errors, heat
from casnet_cli.util.text import count, percent

KINDS = {
    "worst": "The worst",
    "changed": "Most changed by refinement",
    "median": "Around the median",
    "best": "The best",
}
EACH = 12
"""Images of each kind in the gallery."""

HEADS = ("pixels right", "class mean", "mean IoU", "fw IoU")


@dataclass(frozen=True)
class Card:
    """An image of the gallery. ranks: its place in each kind that it belongs to."""

    name: str
    text: str
    ranks: dict[str, int]
    pictures: list[Picture]


def card(sample: Any, said: dict[str, np.ndarray], accuracy: float, changed: int, ranks: dict[str, int],
         labels: LabelSet) -> Card:  # fmt: skip
    """Input, truth, difficulty, coarse, final and errors of one image, reduced and encoded at once."""
    panels = [
        picture(sample.image, "input", 288),
        flat_picture(sample.label, labels, "truth", 288),
        picture(heat(said["difficulty"]), "difficulty", 288),
        *([flat_picture(said["coarse"], labels, "coarse", 288)] if "coarse" in said and "fine" in said else []),
        flat_picture(said["mask"], labels, "final", 288),
        picture(errors(sample.image, sample.label, said["mask"]), "errors", 288),
    ]
    text = f"{percent(accuracy)} % of the pixels right"
    if "coarse" in said and "fine" in said:
        text += f", {changed:,} pixels changed by refinement"
    return Card(sample.name, text, ranks, panels)


def report(title: str, circumstances: str, metrics: dict[str, Any], matrix: np.ndarray,
           curve: Sequence[tuple[float, float]], cards: Iterable[Card], labels: LabelSet) -> str:  # fmt: skip
    """The text of the page. matrix: (K, K) counts, rows = truth. curve: coverage and risk."""
    kinds = list(KINDS.items())
    return render(
        "report.html",
        title=title,
        summary=_summary(metrics),
        circumstances=circumstances,
        tables=[_branches(metrics), _classes(metrics), *_doubts(metrics)],
        plots=_plots(metrics, curve),
        confusion=_confusion(matrix, labels),
        legend=list(zip(labels.names, labels.palette, strict=True)),
        kinds=kinds,
        cards=list(cards),
    )


def _summary(metrics: dict[str, Any]) -> str:
    if metrics["pixel_accuracy"] is None:
        return f"None of the {metrics['images']} images has a labelled pixel: there is nothing to measure."
    present = [row for row in metrics["per_class"] if row["pixels"]]
    best, worst = (choose(present, key=lambda row: row["iou"])["name"] for choose in (max, min))
    return (
        f"{_with_interval(metrics, 'pixel_accuracy')} % of {metrics['labelled_pixels']:,} labelled pixels in "
        f"{metrics['images']} images are right; {_with_interval(metrics, 'class_accuracy')} % in the mean of "
        f"{count(len(present), 'class')}, mean IoU {_with_interval(metrics, 'mean_iou')} %. "
        f"It is best at {best} and weakest at {worst}."
    )


def _with_interval(metrics: dict[str, Any], key: str) -> str:
    bounds = metrics[f"{key}_ci95"]
    shown = f" [{percent(bounds[0])}, {percent(bounds[1])}]" if bounds else ""
    return percent(metrics[key]) + shown


def _table(caption: str, head: Sequence[str], rows: list[list[str]]) -> dict[str, Any]:
    return {"caption": caption, "head": head, "rows": rows}


def _branches(metrics: dict[str, Any]) -> dict[str, Any]:
    rows = [[name, *(percent(own[key]) for key in METRIC_NAMES)] for name, own in metrics["branches"].items() if own]
    rows.append(["fused, 95 % interval", *(_bounds(metrics[f"{key}_ci95"]) for key in METRIC_NAMES)])
    images, pixels = metrics["images"], metrics["labelled_pixels"]
    return _table(f"In %, of {images} images with {pixels:,} labelled pixels", ("", *HEADS), rows)


def _bounds(bounds: Sequence[float] | None) -> str:
    return f"{percent(bounds[0])} to {percent(bounds[1])}" if bounds else "–"


def _classes(metrics: dict[str, Any]) -> dict[str, Any]:
    refine = {row["name"]: row for row in (metrics["refine"] or {"per_class": []})["per_class"]}
    total = max(1, metrics["labelled_pixels"])
    rows = []
    for row in metrics["per_class"]:
        own = refine.get(row["name"])
        net = f"{100 * (own['fixed'] - own['broken']) / row['pixels']:+.1f}" if own and row["pixels"] else "–"
        figures = (percent(value) for value in (row["accuracy"], row["iou"], row["pixels"] / total))
        rows.append([row["name"], *figures, f"{row['pixels']:,}", net])
    caption = "Each class, in %; gain is what refinement adds to recall"
    return _table(caption, ("", "recall", "IoU", "share", "pixels", "gain"), rows)


def _doubts(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    targets = {"of coarse errors": "coarse_errors", "of final errors": "final_errors"}
    found = {text: own for text, key in targets.items() if (own := metrics["difficulty"][key])}
    head = ["", *(f"{figure} {text}" for text in found for figure in ("AUROC", "precision"))]
    rows = []
    for key, text in DETECTORS.items():
        cells = [percent((own[key] or {}).get(f)) for own in found.values() for f in ("auroc", "average_precision")]
        rows.append([text, *cells])
    rows.append(["by chance", *(cell for own in found.values() for cell in ("50.0", percent(own["base_rate"])))])
    calibration, selective, boundary = (metrics[key] for key in ("calibration", "selective", "boundary"))
    heated = f"{calibration['temperature']:.2f}" if calibration["temperature"] else "none fitted"
    others = [
        ["expected calibration error", percent(calibration["ece"])],
        [f"the same at temperature {heated}", percent(calibration["ece_calibrated"])],
        ["area under risk and coverage", percent(selective["aurc"])],
        ["the same, ordered by difficulty", percent(selective["by_difficulty"]["aurc"])],
        ["coverage with 95 % right", percent(selective["coverage_at_95_accuracy"])],
        [f"boundary IoU, {boundary['width_px']} pixels", percent(boundary["iou"])],
        [f"boundary F1, {boundary['width_px']} pixels", percent(boundary["f1"])],
    ]
    strata = metrics["accuracy_by"]
    return [
        _table("Scores that should be high where the answer is wrong, in %", head, rows),
        _table("Probabilities and borders, in %", ("", ""), others),
        _strata("Pixels from a border", strata["boundary_distance_px"], lambda low: f"{low} px or more"),
        _strata(
            "Size of the region", strata["region_share_of_image"], lambda low: f"{100 * low:g} % of the image or more"
        ),
        _strata(
            "Difficulty, in tenths of the pixels", strata["difficulty_decile"], lambda low: f"from {100 * low:.0f} %"
        ),
    ]


def _strata(caption: str, rows: list[dict[str, Any]], named: Any) -> dict[str, Any]:
    cells = [[named(row["from"]), f"{row['pixels']:,}", percent(row["accuracy"])] for row in rows]
    return _table(caption, ("", "pixels", "right"), cells)


def _plots(metrics: dict[str, Any], curve: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    if not curve:
        return []
    deciles = [(row["from"] + 0.05, row["accuracy"]) for row in metrics["accuracy_by"]["difficulty_decile"]]
    return [
        _plot("Risk and coverage: the share of errors among the pixels the network is surest of", curve),
        _plot("Share of right pixels from the easiest to the hardest", [(x, y) for x, y in deciles if y is not None]),
    ]


def _plot(caption: str, points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """x from 0 to 1; y from 0 to the next round tenth above the highest."""
    top = max(0.1, np.ceil(max(y for _, y in points) * 10) / 10)
    drawn = " ".join(f"{40 + 290 * x:.1f},{190 - 180 * y / top:.1f}" for x, y in points)
    return {
        "caption": caption,
        "points": drawn,
        "marks_x": [{"place": 40 + 290 * x, "text": f"{100 * x:.0f} %"} for x in (0, 0.25, 0.5, 0.75, 1)],
        "marks_y": [{"place": 190 - 180 * share, "text": f"{100 * share * top:.0f} %"} for share in (0, 0.5, 1)],
    }


def _confusion(matrix: np.ndarray, labels: LabelSet) -> dict[str, Any]:
    """Rows of the classes that occur; cells blue where right and red where wrong, deeper the more."""
    shares = matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    rows = []
    for k in np.flatnonzero(matrix.sum(1)):
        cells = []
        for column, share in enumerate(shares[k]):
            depth = f"{100 * share**0.5:.0f}%"
            color = f"color-mix(in srgb, {'#7fb2ff' if column == k else '#ff9a8f'} {depth}, var(--card))"
            text = f"{100 * share:.0f}" if share >= 0.005 else ""
            cells.append({"text": text, "exact": f"{100 * share:.2f}", "color": color if share else "var(--card)"})
        rows.append({"name": labels.names[k], "cells": cells})
    return {"names": labels.names, "rows": rows}
