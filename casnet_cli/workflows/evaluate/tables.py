"""The tables of an evaluation on the terminal."""

from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli import console
from casnet_cli.util.text import percent

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation


def show(scores: "Evaluation") -> None:
    """The figures as tables, in percent."""
    metrics = scores.metrics()
    keys = ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou")
    branches = [(name, *(percent(found[key]) for key in keys)) for name, found in metrics["branches"].items() if found]
    title = (
        f"{metrics['images']} images, {metrics['labelled_pixels']:,} labelled pixels, {metrics['void_pixels']:,} void"
    )
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "fw IoU"), branches)
    total = max(1, metrics["labelled_pixels"])
    rows = [
        (
            row["name"],
            percent(row["accuracy"]),
            percent(row["iou"]),
            percent(row["pixels"] / total),
        )
        for row in metrics["per_class"]
    ]
    console.table("fused, per class", ("class", "recall", "IoU", "share"), rows)
    if metrics["absent_classes"]:
        console.result(f"not in these images, left out of the means: {', '.join(metrics['absent_classes'])}")
    if scores.detailed:
        _show_doubts(metrics)
    accuracy = scores.per_image.counts["fused"].metrics().pixel_accuracy
    lowest = [place for place in np.argsort(accuracy)[:6] if not np.isnan(accuracy[place])]
    if lowest:
        named = ", ".join(f"{scores.per_image.names[place]} {percent(accuracy[place])}" for place in lowest)
        console.result(f"lowest pixel accuracy: {named}")


def _show_doubts(metrics: dict[str, Any]) -> None:
    """How well the network knows where it is wrong, in percent; the rest is in the report."""
    from casnet_cli.evaluation.detailed_metrics import DETECTORS

    found = metrics["difficulty"]["final_errors"] or {}
    rows = [
        (text, *(percent(own[key]) for key in ("auroc", "average_precision")))
        for name, text in DETECTORS.items()
        if (own := found.get(name))
    ]
    if rows:
        console.table("finding the errors of the answer", ("% by", "AUROC", "precision"), rows)
    calibration, boundary = metrics["calibration"], metrics["boundary"]
    heated = f", {percent(calibration['ece_calibrated'])} % at temperature {calibration['temperature']}"
    console.result(
        f"calibration error {percent(calibration['ece'])} %{heated if calibration['temperature'] else ''}; "
        f"boundary IoU {percent(boundary['iou'])} %, F1 {percent(boundary['f1'])} % within "
        f"{boundary['width_px']} pixels"
    )
