"""What `casnet eval` does: score a run on a split, write the files, show the tables."""

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli import console, engine, runs
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.evaluation import tally
from casnet_cli.files import removed_if_empty, write_whole
from casnet_cli.measurements import METRICS, Asking, Measurement, measurement

if TYPE_CHECKING:
    from casnet_cli.evaluation.scores import Scores
    from casnet_cli.report import Card

REPORT = "report.html"
FILES = ("per_class.csv", "confusion.csv", "per_image.csv", tally.FILE, REPORT, METRICS)


@dataclass(frozen=True)
class Question:
    """What to measure a run by. split: default test, else val. fold: default the run's own. out: default in the run.

    ends: of `time.monotonic`, when to give up.
    """

    data: Path | None = None
    split: str | None = None
    fold: int | None = None
    asking: Asking = Asking()
    worst: int = 6
    save_predictions: bool = False
    out: Path | None = None
    ends: float | None = None


def evaluate_run(run: Path, question: Question) -> Path:
    """Measure a run and print the tables. Returns the folder written."""
    found = runs.find(run)
    store = runs.open_data(found, question.data)
    out, scores = measure(measurement(found, store, question.split, question.fold, question.asking), question)
    show(scores)
    console.say(
        f"wrote {out}/{METRICS}, per_class.csv, confusion.csv, per_image.csv, {tally.FILE}, pictures/, {REPORT}"
    )
    return out


def measure(wanted: Measurement, question: Question = Question()) -> tuple[Path, "Scores"]:  # noqa: B008
    """Ask a run about every image; write metrics.json, the tables of counts, pictures of the worst, and report.html.

    Raises TimeoutError at `question.ends`, with nothing written, and CasnetError.
    """
    out = question.out or wanted.folder
    make_folder(out)
    with removed_if_empty(out / "pictures", out):
        if question.out:
            _check_unclaimed(out)
        return out, _measured(wanted, question, out)


def _measured(wanted: Measurement, question: Question, out: Path) -> "Scores":
    run, store = wanted.run, wanted.store
    console.say(f"evaluating {run.title} on {len(wanted.images)} {wanted.split} images of {store.path}")
    if store.content_sha256 != run.meta.data_sha256:
        console.say("note: not the data this run was trained on; its training images may be among these")

    engine.start()
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.gauges import Gauges
    from casnet_cli.evaluation.scores import asked_together, evaluate
    from casnet_cli.model.answers import Network, Protocol
    from casnet_cli.model.reading import measures
    from casnet_cli.training.checkpoint import load_model

    model, meta = load_model(run.file, run.meta)
    protocol = Protocol(wanted.asking.tta, wanted.scale, wanted.asking.tile)
    network = Network(model, protocol, measures(meta.temperature))
    gauges = Gauges(store.labels, meta.temperature, meta.recipe.model.variant == "attention")
    with console.bar("evaluating") as bar, ExitStack() as stack:
        samples = _counted(whole_images(wanted.images), len(wanted.images), bar, question.ends)
        asked = asked_together(network, samples)
        keep = stack.enter_context(_saver(out / "predictions", wanted)) if question.save_predictions else _nothing
        scores = evaluate(asked, store.labels, gauges, keep)
    try:
        pictures = _pictures(out / "pictures", wanted, scores, network, question.worst)
        write(out, scores, wanted, pictures)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    return scores


def _nothing(sample: Any, said: Any) -> None:
    """Keeps no prediction."""


@contextmanager
def _saver(folder: Path, wanted: Measurement) -> Iterator[Callable[[Any, Any], None]]:
    """Writes what `predict` would of each image, under its name in the data. Raises InputError."""
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs

    outputs = Outputs(folder, wanted.store.labels, wanted.identity["checkpoint_sha256"], resume=False)

    def keep(sample: Any, said: Any) -> None:
        if Path(sample.name).is_absolute() or ".." in Path(sample.name).parts:
            raise DataError(f"{wanted.store.path}: {sample.name}: a name that leads out of {folder} (prepare it again)")
        job = Job(Path(sample.name), Path(sample.name))
        answer = outputs.answer(sample.image.shape[:2])
        answer.add(slice(None), slice(None), said | {"confidence": said.get("calibrated", said["confidence"])})
        manifest.add(outputs.save(job, sample.image, answer))

    with Manifest(outputs) as manifest:
        yield keep


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


def write(out: Path, scores: "Scores", wanted: Measurement, cards: "list[Card]") -> None:
    """All files of an evaluation into the folder `out`; metrics.json last, as a sign that they are whole."""
    from casnet_cli.report import report

    metrics = scores.metrics()
    names = scores.labels.names
    columns = ["name", "accuracy", "iou", "pixels"]
    _csv(out / "per_class.csv", columns, ([row[key] for key in columns] for row in metrics["per_class"]))
    rows = ([name, *counts] for name, counts in zip(names, scores.matrices["fused"].tolist(), strict=True))
    _csv(out / "confusion.csv", ["truth", *names], rows)
    each = scores.tally.counts["fused"]
    own = each.figures()
    image_rows = zip(scores.tally.names, own.pixel_accuracy, own.mean_iou, each.truth.sum(-1), strict=True)
    _csv(out / "per_image.csv", ["name", "pixel_accuracy", "mean_iou", "labelled_pixels"], image_rows)
    scores.tally.save(out / tally.FILE)
    curve = scores.gauges.curve() if scores.gauges else []
    heading = _title(wanted), _circumstances(wanted, metrics)
    write_whole(out / REPORT, report(*heading, metrics, scores.matrices["fused"], curve, cards, scores.labels))
    write_whole(out / METRICS, json.dumps(wanted.identity | metrics, indent=2) + "\n")


def _title(wanted: Measurement) -> str:
    fold = f", fold {wanted.fold}" if wanted.fold else ""
    return f"{wanted.run.title} on {wanted.store.name}, {wanted.split}{fold}"


def _circumstances(wanted: Measurement, metrics: dict[str, Any]) -> str:
    asking, network = wanted.asking, wanted.run.meta.recipe.model
    how = f"tiles of {asking.tile} pixels, a third of each shared" if asking.tile else "whole images"
    averaged = "" if asking.tta == "none" else f", {asking.tta} averaged"
    return (
        f"{network.backbone} at stride {network.output_stride}, {network.variant}; {how}, enlarged by "
        f"{wanted.scale:g}{averaged}; {console.duration(metrics['seconds'])}. Void pixels count nowhere. Data "
        f"{wanted.store.content_sha256[:12]}, checkpoint {wanted.identity['checkpoint_sha256'][:12]}."
    )


def _pictures(folder: Path, wanted: Measurement, scores: "Scores", answer: Any, worst: int) -> "list[Card]":
    """Ask once more about the remarkable images: the worst are drawn into `folder`, the others are for the report."""
    from casnet_cli import figures
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.scores import remarkable
    from casnet_cli.report import EACH, card

    kinds = remarkable(scores, EACH)
    drawn = remarkable(scores, worst)["worst"]
    places = list(dict.fromkeys((*drawn, *(place for own in kinds.values() for place in own))))
    accuracy = scores.tally.counts["fused"].figures().pixel_accuracy
    for old in folder.glob("worst-[0-9][0-9]-*.png"):
        old.unlink(missing_ok=True)
    cards = []
    for place, sample in zip(places, whole_images(wanted.images.at(places)), strict=True):
        said = answer(sample.image)
        if place in drawn:
            name = f"worst-{drawn.index(place) + 1:02d}-{Path(sample.name).name}.png"
            figures.strip(sample.image, sample.label, said, scores.labels).save(folder / name)
        if ranks := {kind: own.index(place) + 1 for kind, own in kinds.items() if place in own}:
            cards.append(card(sample, said, accuracy[place], scores.changed[place], ranks, scores.labels))
    return cards


def show(scores: "Scores") -> None:
    """The figures as tables, in percent."""
    metrics = scores.metrics()
    keys = ("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou")
    branches = [
        (name, *(console.percent(found[key]) for key in keys)) for name, found in metrics["branches"].items() if found
    ]
    title = (
        f"{metrics['images']} images, {metrics['labelled_pixels']:,} labelled pixels, {metrics['void_pixels']:,} void"
    )
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "fw IoU"), branches)
    total = max(1, metrics["labelled_pixels"])
    rows = [
        (
            row["name"],
            console.percent(row["accuracy"]),
            console.percent(row["iou"]),
            console.percent(row["pixels"] / total),
        )
        for row in metrics["per_class"]
    ]
    console.table("fused, per class", ("class", "recall", "IoU", "share"), rows)
    if metrics["absent_classes"]:
        console.result(f"not in these images, left out of the means: {', '.join(metrics['absent_classes'])}")
    if scores.gauges:
        _show_doubts(metrics)
    accuracy = scores.tally.counts["fused"].figures().pixel_accuracy
    lowest = [place for place in np.argsort(accuracy)[:6] if not np.isnan(accuracy[place])]
    if lowest:
        named = ", ".join(f"{scores.tally.names[place]} {console.percent(accuracy[place])}" for place in lowest)
        console.result(f"lowest pixel accuracy: {named}")


def _show_doubts(metrics: dict[str, Any]) -> None:
    """How well the network knows where it is wrong, in percent; the rest is in the report."""
    from casnet_cli.evaluation.gauges import DETECTORS

    found = metrics["difficulty"]["final_errors"] or {}
    rows = [
        (text, *(console.percent(own[key]) for key in ("auroc", "average_precision")))
        for name, text in DETECTORS.items()
        if (own := found.get(name))
    ]
    if rows:
        console.table("finding the errors of the answer", ("% by", "AUROC", "precision"), rows)
    calibration, boundary = metrics["calibration"], metrics["boundary"]
    heated = f", {console.percent(calibration['ece_calibrated'])} % at temperature {calibration['temperature']}"
    console.result(
        f"calibration error {console.percent(calibration['ece'])} %{heated if calibration['temperature'] else ''}; "
        f"boundary IoU {console.percent(boundary['iou'])} %, F1 {console.percent(boundary['f1'])} % within "
        f"{boundary['width_px']} pixels"
    )


def _counted(samples: Iterable[Any], total: int, bar: console.Bar, ends: float | None) -> Iterator[Any]:
    for done, sample in enumerate(samples, 1):
        if ends is not None and time.monotonic() >= ends:
            raise TimeoutError
        yield sample
        bar.update(done, total)


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue())
