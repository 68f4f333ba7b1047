"""What `casnet eval` does: score a run on a split, write the files, show the tables."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import console, engine, runs
from casnet_cli.errors import InputError, reason
from casnet_cli.evaluation import tally

if TYPE_CHECKING:
    from casnet_cli.evaluation.scores import Scores


@dataclass(frozen=True)
class Question:
    """What to measure a run by. split: default test, else val. fold: default the run's own. out: default in the run."""

    data: Path | None = None
    split: str | None = None
    fold: int | None = None
    tta: str = "none"
    worst: int = 6
    out: Path | None = None


def evaluate_run(run: Path, question: Question) -> Path:
    """Measure a run and print the tables. Returns the folder written."""
    out, scores = measure(run, question)
    show(scores)
    console.say(f"wrote {out}/metrics.json, per_class.csv, confusion.csv, per_image.csv, per_image.npz, pictures/")
    return out


def measure(run: Path, question: Question) -> tuple[Path, "Scores"]:
    """Ask a run about every image of a split; write metrics.json, the tables of counts and pictures of the worst."""
    chosen = runs.find(run)
    store = runs.open_data(chosen, question.data)
    split, part = runs.subset(chosen, store, question.split, question.fold)
    out = question.out or folder_of(chosen, split, question.tta)
    make_folder(out)
    console.say(f"evaluating {chosen.title} on {len(part)} {split} images of {store.path}")
    if store.content_sha256 != chosen.meta.data_sha256:
        console.say("note: not the data this run was trained on; its training images may be among these")

    engine.start()
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.scores import evaluate
    from casnet_cli.model.answers import answering
    from casnet_cli.training.checkpoint import load_model

    model, meta = load_model(chosen.file)
    answer = answering(model, meta.recipe.evaluation.scale, question.tta)
    with console.bar("evaluating") as bar:
        samples = _counted(whole_images(part), len(part), bar)
        scores = evaluate(answer, samples, store.labels, question.worst)
    try:
        protocol = {"split": split, "tta": question.tta, "scale": meta.recipe.evaluation.scale}
        write(out, scores, protocol | {"data_sha256": store.content_sha256})
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    return out, scores


def folder_of(run: runs.Checkpoint, split: str, tta: str) -> Path:
    """Where an evaluation of a run belongs. Raises InputError if the checkpoint is not in a run folder."""
    if run.folder is None:
        raise InputError(f"{run.file}: not inside a run folder (say where to write by --out DIR)")
    return run.folder / "eval" / (split if tta == "none" else f"{split}-{tta}")


def make_folder(folder: Path) -> None:
    """Make an output folder before any work is done. Raises InputError."""
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def write(out: Path, scores: "Scores", protocol: dict[str, Any]) -> None:
    """All files of an evaluation into the folder `out`; metrics.json last, as a sign that they are whole."""
    from casnet_cli import figures

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
    for old in (out / "pictures").glob("worst-*.png"):
        old.unlink()
    for rank, example in enumerate(scores.worst, 1):
        sample = example.sample
        picture = figures.strip(sample.image, sample.label, example.answer, scores.labels)
        picture.save(out / "pictures" / f"worst-{rank:02d}-{Path(sample.name).name}.png")
    partial = out / "metrics.json.part"
    partial.write_text(json.dumps(protocol | metrics, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, out / "metrics.json")


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
    if scores.worst:
        lowest = ", ".join(
            f"{example.sample.name} {console.percent(-example.sort_key[0])}" for example in scores.worst[:6]
        )
        console.result(f"lowest pixel accuracy: {lowest}")


def _counted(samples: Iterable[Any], total: int, bar: console.Bar) -> Iterator[Any]:
    for done, sample in enumerate(samples, 1):
        yield sample
        bar.update(done, total)


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
