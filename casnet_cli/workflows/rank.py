"""What `casnet rank` does: ask about every image, order them, write the list, the regions and a page of pictures."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli import console
from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.inputs import Job, find_images
from casnet_cli.runs import locate
from casnet_cli.util.files import check_replaceable, write_whole
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.ranking.image_scores import ImageScores
    from casnet_cli.runs.trained import TrainedRun

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
)
REGION_COLUMNS = ("rank", "file", "x", "y", "width", "height", "pixels", "difficulty", "class")
SHOWN, ON_PAGE = 10, 60
"""Images in the terminal, and on the page."""

Row = tuple[int, float, dict[str, Any]]
"""Rank from 1, what the image was chosen by, and its line of the manifest."""


@dataclass(frozen=True)
class RankOptions:
    """The options of the command."""

    by: str = "mixed"
    top: int | None = None
    budget: int | None = None
    out: Path = Path("rank.csv")
    seed: int = 0
    resume: bool = True

    @property
    def folder(self) -> Path:
        return self.out.with_suffix("")


def rank(path: list[Path], run: Path | None, wanted: RankOptions) -> int:
    """Ask, order, write and show; returns how many images failed. Raises CasnetError."""
    from casnet_cli.runs import trained

    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here answers before the slower imports
    _check_out(wanted.out)
    jobs = [job for job in find_images(path, wanted.folder) if not job.video]
    if not jobs:
        raise InputError(f"{', '.join(map(str, path))}: no image in it, only videos")
    chosen = trained.find(file)
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.ranking.image_scores import ImageScores
    from casnet_cli.util.files import sha256_of

    identity = hashlib.sha256(f"rank 1 {sha256_of(chosen.file)}".encode()).hexdigest()
    with Manifest(ImageScores(wanted.folder, chosen.meta.labels, identity, wanted.resume)) as manifest:
        pending = manifest.pending(jobs)
        console.say(f"asking {chosen.title} about {len(pending)} of {count(len(jobs), 'image')}")
        if chosen.meta.recipe.model.variant != "attention":
            console.say("this run has no attention branch: difficulty is the answer's entropy / log K")
        if pending:
            _ask(chosen, pending, manifest)
        records = [manifest.done[str(job.file)] for job in jobs if str(job.file) in manifest.done]
    good = [record for record in records if record["status"] == "ok"]
    rows = _ordered(good, wanted)
    _write(rows, wanted)
    _draw(rows, wanted, chosen)
    _show(rows, len(good), wanted)
    if failed := len(records) - len(good):
        console.error(f"{count(failed, 'image')} failed (see {manifest.path})")
    return failed


def _check_out(out: Path) -> None:
    """Before any work. Raises InputError."""
    if out.suffix != ".csv":
        raise InputError(f"{out}: no name of a list (one that ends in .csv)")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"{out}: cannot be written: {'Is a directory' if out.is_dir() else 'no such folder'}")
    header = ",".join(COLUMNS).encode()
    check_replaceable(out, lambda content: content.partition(b"\n")[0].strip() == header, "list of casnet rank")


def _ask(chosen: "TrainedRun", jobs: list[Job], manifest: "Manifest[ImageScores]") -> None:
    from casnet_cli import backend

    backend.start()
    from casnet_cli.inference.pixel_outputs import ranking_outputs
    from casnet_cli.inference.predictor import InferenceSettings, KerasPredictor
    from casnet_cli.prediction.image_pipeline import predict_folder
    from casnet_cli.runs.checkpoint import load_model

    model, meta = load_model(chosen.file, chosen.meta)
    network = KerasPredictor(model, InferenceSettings(scale=meta.recipe.evaluation.scale, pools=True), ranking_outputs)
    del model
    began = 0.0
    with console.bar("asking") as bar:
        for done, record in enumerate(predict_folder(network, jobs, manifest)):
            if record["status"] == "failed":
                console.say(f"failed: {record['file']}: {record['error']}")
            began = began or time.perf_counter()  # of the first, which waited for compiling
            rate = done / max(time.perf_counter() - began, 1e-9)
            left = (len(jobs) - done - 1) / rate if rate else None
            bar.update(done + 1, len(jobs), f"{rate:.1f} images/s" if rate else "", left)


def _ordered(records: list[dict[str, Any]], wanted: RankOptions) -> list[Row]:
    from casnet_cli.ranking.acquisition import order, within
    from casnet_cli.ranking.image_scores import SCORES, features_of

    if not records:
        return []
    scores = {name: np.array([record[name] for record in records]) for name in SCORES}
    features = np.stack([features_of(record) for record in records])
    pixels = np.array([record["width"] * record["height"] for record in records])
    chosen = within(order(wanted.by, scores, features, wanted.seed), pixels, wanted.top, wanted.budget)
    return [(number, value, records[index]) for number, (index, value) in enumerate(chosen, 1)]


def hard_classes(record: dict[str, Any], most: int = 3) -> str:
    """The predicted classes that hold most of an image's difficulty: `tree 41 %, road 30 %`."""
    shares = sorted(record["classes"].items(), key=lambda item: -item[1][1])[:most]
    return ", ".join(f"{name} {100 * doubt:.0f} %" for name, (_, doubt) in shares if doubt >= 0.01)


def _write(rows: list[Row], wanted: RankOptions) -> None:
    """The list, and regions.csv in the folder beside. Raises InputError."""
    listed = [
        {**record, "rank": number, "value": round(value, 6), "hard_classes": hard_classes(record)}
        | {"regions": len(record["regions"])}
        for number, value, record in rows
    ]
    regions = [
        {"rank": number, "file": record["file"], **region} for number, _, record in rows for region in record["regions"]
    ]
    for file, columns, table in (
        (wanted.out, COLUMNS, listed),
        (wanted.folder / "regions.csv", REGION_COLUMNS, regions),
    ):
        with _writing(file):
            write_csv(file, columns, table)


def _draw(rows: list[Row], wanted: RankOptions, chosen: "TrainedRun") -> None:
    from casnet_cli.reports.rank import page

    content = page(rows[:ON_PAGE], len(rows), wanted.by, chosen.title, hard_classes)
    file = wanted.folder / "page.html"
    with _writing(file):
        write_whole(file, content.encode("utf-8", "backslashreplace"))


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {reason(error)}") from None


def _show(rows: list[Row], images: int, wanted: RankOptions) -> None:
    table = []
    for _, _, record in rows[:SHOWN]:
        shares = percent(record["difficulty"]), percent(record["hard_share"])
        table.append((Path(record["file"]).name, *shares, hard_classes(record, 2)))
    if table:
        console.table(f"to label first, by {wanted.by}", ("image", "difficulty", "% hard", "of it"), table)
    console.result(f"{wanted.out}: {len(rows)} of {count(images, 'image')}; pictures in {wanted.folder}/page.html")
