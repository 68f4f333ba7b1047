"""What `casnet eval` does: score a run on a split, write the files, show the tables."""

import csv
import io
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli import console, engine, runs
from casnet_cli.errors import InputError, reason
from casnet_cli.evaluation import tally
from casnet_cli.files import write_whole
from casnet_cli.labels import LabelSet
from casnet_cli.measurements import METRICS, Asking, Measurement, measurement

if TYPE_CHECKING:
    from casnet_cli.evaluation.scores import Scores


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
    out: Path | None = None
    ends: float | None = None


def evaluate_run(run: Path, question: Question) -> Path:
    """Measure a run and print the tables. Returns the folder written."""
    found = runs.find(run)
    store = runs.open_data(found, question.data)
    out, scores = measure(measurement(found, store, question.split, question.fold, question.asking), question)
    show(scores)
    console.say(f"wrote {out}/{METRICS}, per_class.csv, confusion.csv, per_image.csv, {tally.FILE}, pictures/")
    return out


def measure(wanted: Measurement, question: Question = Question()) -> tuple[Path, "Scores"]:  # noqa: B008
    """Ask a run about every image; write metrics.json, the tables of counts and pictures of the worst.

    Raises TimeoutError at `question.ends`, with nothing written, and CasnetError.
    """
    run, store = wanted.run, wanted.store
    out = question.out or wanted.folder
    make_folder(out)
    console.say(f"evaluating {run.title} on {len(wanted.images)} {wanted.split} images of {store.path}")
    if store.content_sha256 != run.meta.data_sha256:
        console.say("note: not the data this run was trained on; its training images may be among these")

    engine.start()
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.gauges import Gauges
    from casnet_cli.evaluation.scores import asked_by_size, evaluate, remarkable
    from casnet_cli.model.answers import Protocol, answering, measuring
    from casnet_cli.training.checkpoint import load_model

    model, meta = load_model(run.file)
    protocol = Protocol(wanted.asking.tta, wanted.scale, wanted.asking.tile)
    gauges = Gauges(store.labels, meta.temperature, meta.recipe.model.variant == "attention")
    with console.bar("evaluating") as bar:
        samples = _counted(whole_images(wanted.images), len(wanted.images), bar, question.ends)
        asked = asked_by_size(measuring(model, protocol, meta.temperature), samples, wanted.scale)
        scores = evaluate(asked, store.labels, gauges)
    worst = remarkable(scores, question.worst)["worst"]
    answer = answering(model, protocol)
    try:
        write(out, scores, wanted.identity)
        _draw(out / "pictures", ((s, answer(s.image)) for s in whole_images(wanted.images.at(worst))), store.labels)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    return out, scores


def make_folder(folder: Path) -> None:
    """Make an output folder before any work is done. Raises InputError."""
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        write_whole(folder / ".writable", "")
        (folder / ".writable").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def write(out: Path, scores: "Scores", identity: dict[str, Any]) -> None:
    """All files of an evaluation into the folder `out`; metrics.json last, as a sign that they are whole."""
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
    write_whole(out / METRICS, json.dumps(identity | metrics, indent=2) + "\n")


def _draw(folder: Path, examples: Iterable[tuple[Any, Any]], labels: LabelSet) -> None:
    """The worst images, the worst first, each with its answer."""
    from casnet_cli import figures

    for old in folder.glob("worst-*.png"):
        old.unlink(missing_ok=True)
    for rank, (sample, said) in enumerate(examples, 1):
        picture = figures.strip(sample.image, sample.label, said, labels)
        picture.save(folder / f"worst-{rank:02d}-{Path(sample.name).name}.png")


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
    accuracy = scores.tally.counts["fused"].figures().pixel_accuracy
    lowest = [place for place in np.argsort(accuracy)[:6] if not np.isnan(accuracy[place])]
    if lowest:
        named = ", ".join(f"{scores.tally.names[place]} {console.percent(accuracy[place])}" for place in lowest)
        console.result(f"lowest pixel accuracy: {named}")


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
