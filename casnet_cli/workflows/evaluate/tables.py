"""The tables of an evaluation on the terminal."""

from typing import TYPE_CHECKING

import numpy as np

from casnet_cli import console
from casnet_cli.util.text import percent

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation
    from casnet_cli.recipe import Recipe
    from casnet_cli.runs.measurement_record import MetricsRecord

LOWEST = 6
"""Images that are named as those of the lowest pixel accuracy."""


def show(evaluation: "Evaluation", recipe: "Recipe") -> None:
    """The classes of which no pixel is found, then the metrics as tables, in percent. recipe: of the run."""
    from casnet_cli.evaluation.confusion import METRIC_NAMES
    from casnet_cli.evaluation.lost_classes import notice

    metrics = evaluation.metrics()
    if lost := notice(evaluation.matrices["fused"], evaluation.labels.names, recipe):
        console.result(lost)
    branches = [
        (name, *(percent(getattr(found, key)) for key in METRIC_NAMES))
        for name, found in metrics.branches.items()
        if found
    ]
    title = f"{metrics.images} images, {metrics.labelled_pixels:,} labelled pixels, {metrics.void_pixels:,} void"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "fw IoU"), branches)
    total = max(1, metrics.labelled_pixels)
    rows = [
        (row.name, percent(row.accuracy), percent(row.iou), percent(row.pixels / total)) for row in metrics.per_class
    ]
    console.table("fused, per class", ("class", "recall", "IoU", "share"), rows)
    if metrics.absent_classes:
        console.result(f"not in these images, left out of the means: {', '.join(metrics.absent_classes)}")
    _show_error_detection(metrics)
    accuracy = evaluation.per_image.counts["fused"].metrics().pixel_accuracy
    lowest = [place for place in np.argsort(accuracy)[:LOWEST] if not np.isnan(accuracy[place])]
    if lowest:
        named = ", ".join(f"{evaluation.per_image.names[place]} {percent(accuracy[place])}" for place in lowest)
        console.result(f"lowest pixel accuracy: {named}")


def _show_error_detection(metrics: "MetricsRecord") -> None:
    """How well scores detect wrong pixels, in percent; the rest is in the report."""
    from casnet_cli.evaluation.error_scores import DETECTORS

    found = metrics.difficulty.final_errors if metrics.difficulty else None
    rows = [
        (text, percent(own.auroc), percent(own.average_precision))
        for name, text in DETECTORS.items()
        if (own := getattr(found, name, None))
    ]
    if rows:
        console.table("finding the errors of the final output", ("% by", "AUROC", "precision"), rows)
    parts = []
    if own := metrics.calibration:
        heated = f", {percent(own.ece_calibrated)} % at temperature {own.temperature}" if own.temperature else ""
        parts.append(f"calibration error {percent(own.ece)} %{heated}")
    if near := metrics.boundary:
        parts.append(f"boundary IoU {percent(near.iou)} %, F1 {percent(near.f1)} % within {near.width_px} pixels")
    if parts:
        console.result("; ".join(parts))
