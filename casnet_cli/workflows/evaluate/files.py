"""The files of an evaluation."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.errors import InputError, RunError, reason
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import METRICS_FILE, EvaluationKey
from casnet_cli.runs.history import read_history
from casnet_cli.runs.locate import RunLayout
from casnet_cli.util.files import check_writable, write_whole
from casnet_cli.util.parsing import json_of
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import duration

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation
    from casnet_cli.reports.evaluation import Card
    from casnet_cli.runs.measurement_record import MetricsRecord

REPORT = "report.html"
FILES = ("per_class.csv", "confusion.csv", "per_image.csv", per_image.FILE, REPORT, METRICS_FILE)


def make_folder(folder: Path) -> None:
    """Make an output folder before any work is done. Raises InputError."""
    check_writable(folder)
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def check_unclaimed(out: Path) -> None:
    """Raises InputError if a file would be replaced that no evaluation wrote."""
    found = next((out / name for name in FILES if os.path.lexists(out / name)), None)
    if not found:
        return
    try:
        known = "checkpoint_sha256" in json_of((out / METRICS_FILE).read_bytes())
    except (OSError, ValueError, TypeError):
        known = False
    if not known:
        raise InputError(f"{found}: is there, and no evaluation wrote it (choose another --out, or remove it)")


def write_files(out: Path, evaluation: "Evaluation", key: EvaluationKey, cards: "Sequence[Card]", engine: str) -> None:
    """All files of an evaluation into the folder `out`; metrics.json last, as a sign that they are whole.

    engine: what predicted.
    """
    from casnet_cli.evaluation.lost_classes import notice
    from casnet_cli.reports.evaluation import Heading, report
    from casnet_cli.runs.measurement_record import MeasurementRecord

    metrics = evaluation.metrics()
    _write_tables(out, evaluation, metrics)
    evaluation.per_image.save(out / per_image.FILE)
    lost = notice(evaluation.matrices["fused"], evaluation.labels.names, key.run.meta.recipe)
    model = f"The {key.run.meta.recipe.model.backbone} of {key.run.title}"
    data = f"{key.store.name} ({key.chosen})"
    heading = Heading(_title(key), model, data, _circumstances(key, metrics), _history(key), lost)
    write_whole(out / REPORT, report(heading, metrics, evaluation, cards))
    content = {"engine": engine} | key.identity.model_dump() | metrics.model_dump(by_alias=True, exclude_unset=True)
    write_whole(out / METRICS_FILE, MeasurementRecord.model_validate(content).as_json())


def _write_tables(out: Path, evaluation: "Evaluation", metrics: "MetricsRecord") -> None:
    names, matrix = evaluation.labels.names, evaluation.matrices["fused"].tolist()
    write_csv(
        out / "per_class.csv", ["name", "accuracy", "iou", "pixels"], [row.model_dump() for row in metrics.per_class]
    )
    write_csv(out / "confusion.csv", ["truth", *names], [[name, *row] for name, row in zip(names, matrix, strict=True)])
    counts = evaluation.per_image.counts["fused"]
    own = counts.metrics()
    rows = zip(evaluation.per_image.names, own.pixel_accuracy, own.mean_iou, counts.truth.sum(-1), strict=True)
    write_csv(out / "per_image.csv", ["name", "pixel_accuracy", "mean_iou", "labelled_pixels"], rows)


def _history(key: EvaluationKey) -> list[dict[str, float | None]]:
    """The run's history, for the training curve; empty for a checkpoint alone, and where it cannot be read."""
    try:
        return read_history(RunLayout(key.run.folder).history) if key.run.folder else []
    except RunError:
        return []


def _title(key: EvaluationKey) -> str:
    fold = f", fold {key.fold}" if key.fold else ""
    images = key.chosen if key.limit or key.listed_sha256 else key.split
    return f"{key.run.title} on {key.store.name}{fold}, {images}"


def _circumstances(key: EvaluationKey, metrics: "MetricsRecord") -> str:
    protocol, network = key.protocol, key.run.meta.recipe.model
    how = f"tiles of {protocol.tile} pixels, a third of each shared" if protocol.tile else "whole images"
    averaged = "" if protocol.tta == "none" else f", {protocol.tta} averaged"
    return (
        f"{network.backbone} at stride {network.output_stride}, {network.variant}; {how}, enlarged by "
        f"{key.scale:g}{averaged}; {duration(metrics.seconds or 0)}. Void pixels count nowhere. Data "
        f"{key.store.content_sha256[:12]}, checkpoint {key.identity.checkpoint_sha256[:12]}."
    )
