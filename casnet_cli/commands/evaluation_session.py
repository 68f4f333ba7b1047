"""What `casnet eval` does: score a run on a split, write the files, show the tables."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import console, engine, runs
from casnet_cli.errors import InputError, reason

if TYPE_CHECKING:
    from casnet_cli.evaluation.scores import Scores


def evaluate_run(
    run: Path | None, data: Path | None, split: str | None, fold: int | None, worst: int, out: Path | None
) -> Path:
    """Evaluate, write metrics.json, the CSV files and pictures, and print the tables. Returns the folder written."""
    chosen = runs.find(run)
    store = runs.open_data(chosen, data)
    split, part = runs.subset(chosen, store, split, fold)
    if out is None:
        if chosen.folder is None:
            raise InputError(f"{chosen.file}: not inside a run folder (say where to write by --out DIR)")
        out = chosen.folder / "eval" / split
    make_folder(out)
    console.say(f"evaluating {chosen.title} on {len(part)} {split} images of {store.path}")
    if store.content_sha256 != chosen.meta.data_sha256:
        console.say("note: not the data this run was trained on; its training images may be among these")

    engine.start()
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.scores import evaluate
    from casnet_cli.model.answers import answering
    from casnet_cli.training.checkpoint import load_model

    model, _ = load_model(chosen.file)
    with console.bar("evaluating") as bar:
        samples = _counted(whole_images(part), len(part), bar)
        scores = evaluate(answering(model), samples, store.labels, worst)
    try:
        write(out, scores)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    show(scores)
    console.say(f"wrote {out}/metrics.json, per_class.csv, confusion.csv, per_image.csv, pictures/")
    return out


def make_folder(folder: Path) -> None:
    """Make an output folder before any work is done. Raises InputError."""
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def write(out: Path, scores: "Scores") -> None:
    """All files of an evaluation into the folder `out`."""
    from casnet_cli import figures

    metrics = scores.metrics()
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    names = scores.labels.names
    columns = ["name", "accuracy", "iou", "pixels"]
    _csv(out / "per_class.csv", columns, ([row[key] for key in columns] for row in metrics["per_class"]))
    rows = ([name, *counts] for name, counts in zip(names, scores.matrices["fused"].tolist(), strict=True))
    _csv(out / "confusion.csv", ["truth", *names], rows)
    image_rows = ([i.name, i.pixel_accuracy, i.mean_iou, i.labelled_pixels] for i in scores.images)
    _csv(out / "per_image.csv", ["name", "pixel_accuracy", "mean_iou", "labelled_pixels"], image_rows)
    for old in (out / "pictures").glob("worst-*.png"):
        old.unlink()
    for rank, example in enumerate(scores.worst, 1):
        sample = example.sample
        picture = figures.strip(sample.image, sample.label, example.answer, scores.labels)
        picture.save(out / "pictures" / f"worst-{rank:02d}-{Path(sample.name).name}.png")


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
