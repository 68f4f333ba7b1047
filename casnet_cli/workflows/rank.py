"""What `casnet rank` does: score every image, order them, write the list, the hard regions and a page of pictures."""

import csv
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from casnet_cli import console
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.inputs import Job, find_images
from casnet_cli.runs import locate
from casnet_cli.util.files import check_replaceable, check_writable, titled, write_whole
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.ranking.image_scores import ImageLine, ImageScores, ListedImage
    from casnet_cli.runs.trained import TrainedRun
    from casnet_cli.workflows.engine import Engine

DECISION = "decision"
"""Column that is empty until somebody decides: label, skip or later."""
COLUMNS = (
    "rank",
    "file",
    "width",
    "height",
    "value",
    "difficulty",
    "hard_share",
    "entropy",
    "margin",
    "hard_classes",
    "regions",
    DECISION,
)
REGION_COLUMNS = ("rank", "file", "x", "y", "width", "height", "pixels", "difficulty", "class")
PAGE = "page.html"
"""Name of the page, in the folder beside the list."""
REGIONS = "regions.csv"
"""Table of the hard regions, in the folder beside the list."""
TASKS = "tasks"
"""Folder of predictions for `--save`, in that beside the list."""

SHOWN, ON_PAGE = 10, 60
"""Images in the terminal, and on the page."""


@dataclass(frozen=True)
class RankOptions:
    """Options of the command."""

    by: str = "mixed"
    """Order: one of `ranking.acquisition.BY`."""
    top: int | None = None
    """Most images on the list; None: no limit."""
    budget: int | None = None
    """Most pixels of the images on the list; None: no limit."""
    out: Path = Path("rank.csv")
    """The list."""
    seed: int = 0
    """Of the order `random`."""
    resume: bool = True
    """Whether scores of earlier calls count."""
    engine: str | None = None
    """What predicts: as of `workflows.engine.fastest`."""
    save: tuple[str, ...] = ()
    """Kinds of outputs, by their names in `prediction.output_kinds`, that are written of the images on the list."""

    @property
    def folder(self) -> Path:
        """Folder beside the list: manifest, hard regions and page."""
        return self.out.with_suffix("")


def rank(path: list[Path], run: Path | None, options: RankOptions, review_port: int | None = None) -> int:
    """Score, order, write and show images; returns how many failed.

    review_port: then serve a page to decide on the list, at that port of this machine, also on one that is there
    already; None: do not. Raises CasnetError.
    """
    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here shows before the slower imports
    if review_port is None:
        return _rank(path, file, options)
    from casnet_cli.workflows import review

    failed = 0 if review.check(options.out, review_port) else _rank(path, file, options)
    from casnet_cli.runs.trained import find_run

    review.review_images(options.out, options.folder / REGIONS, find_run(file).meta.intensities, review_port)
    return failed


def _rank(path: list[Path], file: Path, options: RankOptions) -> int:
    """As `rank` without a page."""
    _check_out(options.out)
    if os.path.realpath(options.folder) in map(os.path.realpath, path):
        raise InputError(f"{options.out}: its folder {options.folder}/ holds the images (name another --out)")
    left_out = LeftOut()
    jobs = [job for job in find_images(path, options.folder, left_out) if not job.video]
    console.notes(left_out.sentences())
    if not jobs:
        raise InputError(f"{', '.join(map(str, path))}: no image in it, only videos")
    from casnet_cli.runs import trained

    found = trained.open_run(file)
    console.notes(found.remarks)
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.ranking.image_scores import ImageScores
    from casnet_cli.workflows.engine import fastest

    identity = hashlib.sha256(f"rank 1 {found.sha256}".encode()).hexdigest()
    scores = ImageScores(options.folder, found.meta.labels, identity, options.resume)
    with Manifest(scores, warn=console.once) as manifest:
        pending = manifest.pending(jobs)
        engine = fastest(found, len(pending), options.engine)
        manifest.engine = engine.name
        by = f", engine {engine.name}" if pending else ""
        console.message(f"scoring {len(pending)} of {count(len(jobs), 'image')} with {found.title}{by}")
        if found.meta.recipe.model.variant != "attention":
            console.message("this run has no attention branch: difficulty is the entropy of its output / log K")
        if pending:
            _score(engine, pending, manifest)
        entries = [manifest.done[str(job.file)] for job in jobs if str(job.file) in manifest.done]
    lines = [cast("ImageLine", entry) for entry in entries if entry["status"] == "ok"]
    images = _ordered(lines, options)
    _write(images, options)
    _draw(images, options, found)
    _show(images, len(lines), options)
    if options.save:
        _save(images, jobs, file, options)
    if failed := len(entries) - len(lines):
        console.error(f"{count(failed, 'image')} failed (see {manifest.path})")
    return failed


def _check_out(out: Path) -> None:
    """Before any work. Raises InputError."""
    if out.suffix != ".csv":
        raise InputError(f"{out}: no name of a list (one that ends in .csv)")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"{out}: cannot be written: {'Is a directory' if out.is_dir() else 'no such folder'}")
    check_writable(out.absolute().parent)
    known = [",".join(columns).encode() for columns in (COLUMNS, COLUMNS[:-1])]  # older lists have no decisions
    _check_folder(out.with_suffix(""))
    check_replaceable(out, lambda content: content.partition(b"\n")[0].strip() in known, "list of casnet rank")
    if out.is_file():
        try:
            with open(out, newline="", encoding="utf-8", errors="replace") as lines:
                decided = sum(bool(row.get(DECISION)) for row in csv.DictReader(lines))
        except (OSError, csv.Error) as error:
            raise InputError(f"{out}: cannot be read: {reason(error)} (move it, or name another --out)") from None
        if decided:
            there = count(decided, "decision")
            raise InputError(f"{out}: holds {there}, and would be written over (move it, or name another --out)")


def _check_folder(folder: Path) -> None:
    """Raises InputError if a file of the folder beside the list is there, and something else."""
    header = ",".join(REGION_COLUMNS).encode()
    check_replaceable(folder / REGIONS, lambda head: head.startswith(header), "table of casnet rank")
    if (folder / PAGE).exists():
        from casnet_cli.reports.rank import TITLE

        check_replaceable(folder / PAGE, titled(TITLE), "page of casnet rank")


def _score(engine: "Engine", jobs: list[Job], manifest: "Manifest[ImageScores]") -> None:
    """Predict each image and put its line into the manifest."""
    from casnet_cli.inference.outputs import RANKING
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.prediction.image_pipeline import predict_folder
    from casnet_cli.prediction.picture_reader import PictureReader

    predictor = engine.predictor(RANKING, InferenceSettings(pools=True))
    reader = PictureReader(engine.run.meta.intensities)
    with console.bar("scoring") as bar:
        bar.wait(len(jobs), "compiling")
        for done, entry in enumerate(predict_folder(predictor, jobs, manifest, reader), 1):
            if entry["status"] == "failed":
                console.message(f"failed: {entry['file']}: {entry['error']}")
            bar.count(done, len(jobs))
    for remark in reader.remarks.all():
        console.message(f"note: {remark.line}")


def _ordered(lines: "list[ImageLine]", options: RankOptions) -> "list[ListedImage]":
    import numpy as np

    from casnet_cli.ranking.acquisition import order, within
    from casnet_cli.ranking.image_scores import ListedImage, features_of

    if not lines:
        return []
    scores = {
        "difficulty": np.array([line["difficulty"] for line in lines]),
        "entropy": np.array([line["entropy"] for line in lines]),
        "margin": np.array([line["margin"] for line in lines]),
    }
    features = np.stack([features_of(line) for line in lines])
    pixels = np.array([line["width"] * line["height"] for line in lines])
    chosen = within(order(options.by, scores, features, options.seed), pixels, options.top, options.budget)
    return [ListedImage(number, value, lines[index]) for number, (index, value) in enumerate(chosen, 1)]


def _write(images: "list[ListedImage]", options: RankOptions) -> None:
    """The list, and regions.csv in the folder beside. Raises InputError."""
    from casnet_cli.ranking.image_scores import hard_classes

    listed: list[dict[str, object]] = [
        {
            **image.line,
            "rank": image.rank,
            "value": round(image.value, 6),
            "hard_classes": hard_classes(image.line),
            "regions": len(image.line["regions"]),
        }
        for image in images
    ]
    regions: list[dict[str, object]] = [
        {"rank": image.rank, "file": image.line["file"], **region}
        for image in images
        for region in image.line["regions"]
    ]
    for file, columns, rows in (
        (options.out, COLUMNS, listed),
        (options.folder / REGIONS, REGION_COLUMNS, regions),
    ):
        with _writing(file):
            write_csv(file, columns, rows)


def _draw(images: "list[ListedImage]", options: RankOptions, run: "TrainedRun") -> None:
    from casnet_cli.reports.rank import page

    content = page(images[:ON_PAGE], len(images), options.by, run.title, run.meta.intensities)
    file = options.folder / PAGE
    with _writing(file):
        write_whole(file, content)


def _save(images: "list[ListedImage]", jobs: list[Job], checkpoint: Path, options: RankOptions) -> None:
    """The images on the list with their predictions, in its order, in the folder beside it. Raises CasnetError."""
    from casnet_cli.workflows.predict.chosen import save_chosen
    from casnet_cli.workflows.predict.options import PredictOptions

    of_file = {str(job.file): job for job in jobs}
    chosen = [of_file[image.line["file"]] for image in images]
    settings = PredictOptions(out=options.folder / TASKS, save=options.save, overlay=False, resume=options.resume)
    if failed := save_chosen(checkpoint, chosen, settings):
        raise InputError(f"{settings.out}: {count(failed, 'image')} of the list could not be labelled")


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """An OSError in the block becomes an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {reason(error)}") from None


def _show(images: "list[ListedImage]", total: int, options: RankOptions) -> None:
    from casnet_cli.ranking.image_scores import hard_classes

    table = []
    for image in images[:SHOWN]:
        shares = percent(image.line["difficulty"]), percent(image.line["hard_share"])
        table.append((Path(image.line["file"]).name, *shares, hard_classes(image.line, 2)))
    if table:
        console.table(f"to label first, by {options.by}", ("image", "difficulty", "% hard", "of it"), table)
    listed = f"{len(images)} of {count(total, 'image')}"
    console.result(f"{options.out}: {listed}; pictures in {options.folder}/{PAGE}")
