"""The files of an evaluation."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli.errors import InputError, reason
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import METRICS, EvaluationKey
from casnet_cli.util.files import write_whole
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import duration

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation
    from casnet_cli.reports.evaluation import Card


REPORT = "report.html"


FILES = ("per_class.csv", "confusion.csv", "per_image.csv", per_image.FILE, REPORT, METRICS)


def make_folder(folder: Path) -> None:
    """Make an output folder before any work is done. Raises InputError."""
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        write_whole(folder / ".writable", "")
        (folder / ".writable").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def _check_unclaimed(out: Path) -> None:
    """Raises InputError if a file would be written over that is of no evaluation."""
    found = next((out / name for name in FILES if os.path.lexists(out / name)), None)
    if not found:
        return
    try:
        known = "checkpoint_sha256" in json.loads((out / METRICS).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        known = False
    if not known:
        raise InputError(f"{found}: is there, and no evaluation wrote it (choose another --out, or remove it)")


def write(out: Path, scores: "Evaluation", wanted: EvaluationKey, cards: "list[Card]") -> None:
    """All files of an evaluation into the folder `out`; metrics.json last, as a sign that they are whole."""
    from casnet_cli.reports.evaluation import report

    metrics = scores.metrics()
    names = scores.labels.names
    columns = ["name", "accuracy", "iou", "pixels"]
    write_csv(out / "per_class.csv", columns, ([row[key] for key in columns] for row in metrics["per_class"]))
    rows = ([name, *counts] for name, counts in zip(names, scores.matrices["fused"].tolist(), strict=True))
    write_csv(out / "confusion.csv", ["truth", *names], rows)
    each = scores.per_image.counts["fused"]
    own = each.metrics()
    image_rows = zip(scores.per_image.names, own.pixel_accuracy, own.mean_iou, each.truth.sum(-1), strict=True)
    write_csv(out / "per_image.csv", ["name", "pixel_accuracy", "mean_iou", "labelled_pixels"], image_rows)
    scores.per_image.save(out / per_image.FILE)
    curve = scores.detailed.curve() if scores.detailed else []
    heading = _title(wanted), _circumstances(wanted, metrics)
    write_whole(out / REPORT, report(*heading, metrics, scores.matrices["fused"], curve, cards, scores.labels))
    write_whole(out / METRICS, json.dumps(wanted.identity | metrics, indent=2) + "\n")


def _title(wanted: EvaluationKey) -> str:
    fold = f", fold {wanted.fold}" if wanted.fold else ""
    return f"{wanted.run.title} on {wanted.store.name}, {wanted.split}{fold}"


def _circumstances(wanted: EvaluationKey, metrics: dict[str, Any]) -> str:
    protocol, network = wanted.protocol, wanted.run.meta.recipe.model
    how = f"tiles of {protocol.tile} pixels, a third of each shared" if protocol.tile else "whole images"
    averaged = "" if protocol.tta == "none" else f", {protocol.tta} averaged"
    return (
        f"{network.backbone} at stride {network.output_stride}, {network.variant}; {how}, enlarged by "
        f"{wanted.scale:g}{averaged}; {duration(metrics['seconds'])}. Void pixels count nowhere. Data "
        f"{wanted.store.content_sha256[:12]}, checkpoint {wanted.identity['checkpoint_sha256'][:12]}."
    )
