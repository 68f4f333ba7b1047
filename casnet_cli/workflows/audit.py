"""What `casnet audit` does: find regions whose labels look wrong on images that a run never trained on, list them, and
write a copy of the data with them void."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import DataError, InputError, RunError, reason
from casnet_cli.runs import locate
from casnet_cli.util.files import check_replaceable, check_writable, removed_if_empty, titled, write_whole
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    import numpy as np

    from casnet_cli.auditing.review_list import LocatedSuspect
    from casnet_cli.data.store import Store, Subset
    from casnet_cli.labels import LabelSet
    from casnet_cli.runs.trained import TrainedRun

PAGE, CONFUSION = "page.html", "confusion.csv"
"""Names of the page, and of the table of labels and proposals, in the output folder."""

ON_PAGE, SHOWN = 60, 10
"""Regions on the page, and in the terminal."""


@dataclass(frozen=True)
class HeldOutRun:
    """A run with images that it never trained on."""

    run: "TrainedRun"
    """The run."""
    images: "Subset"
    """The images."""


def audit(
    run: Path | None,
    data: Path | None,
    split: str | None,
    top: int,
    apply_void: Path | None,
    out: Path | None,
    save: Sequence[str] = (),
    review_port: int | None = None,
    engine: str | None = None,
) -> None:
    """Write the list, the pictures and the confusion, or with `apply_void` the copy of the data.

    save: tasks for labelling tools that are written too, by their names in `FOLDER_KINDS`. review_port: then serve a
    page to decide on the list, at that port of this machine, also on one that is there already; None: do not. engine:
    what predicts, as of `workflows.engine.fastest`. Raises CasnetError.
    """
    if apply_void and save:
        raise InputError("--save: not with --apply-void (one after the other)")
    folder = run or locate.newest_run()
    files = _checkpoints(folder)  # a mistake here shows before the slower imports
    from casnet_cli.auditing import review_list
    from casnet_cli.runs import trained
    from casnet_cli.workflows import review

    if len(files) > 1 and split not in (None, "test"):
        raise InputError(
            f"--split {split}: folds have these images in common (each is used for the test images of its own)"
        )
    runs = [trained.find_run(file) for file in files]
    console.notes(remark for run in runs for remark in run.remarks)
    store = trained.open_run_data(runs[0], data)
    target = out or (folder if folder.is_dir() else runs[0].folder or files[0].parent) / "audit"
    if apply_void and review_port is not None:
        raise InputError("--review: not with --apply-void (one after the other)")
    if apply_void:
        _apply(store, apply_void, target)
        return
    check_writable(target)
    if review_port is None or not review.check(target / review_list.TABLE, review_port):
        _audit(target, [_held_out(one, store, split) for one in runs], top, store, save, engine)
    if review_port is not None:
        review.review_suspects(target, store, review_port)


def _audit(
    target: Path, runs: list[HeldOutRun], top: int, store: "Store", save: Sequence[str], engine: str | None
) -> None:
    """Write the list, the pictures and the confusion. Raises CasnetError."""
    from casnet_cli.auditing import review_list
    from casnet_cli.reports.audit import TITLE

    _make(target)
    with removed_if_empty(target):
        review_list.check_unedited(target)
        check_replaceable(target / PAGE, titled(TITLE), "page of casnet audit")
        check_replaceable(target / CONFUSION, lambda head: head.startswith(b"label,"), "table of casnet audit")
        found, counts = _found(runs, top, engine)
        _write(target, found, store)
        if save:
            _save(target, found, store, save)
    _report_unlearnt(found, counts, store.labels)


def _checkpoints(folder: Path) -> list[Path]:
    """Of a run, or of each fold of a crossval. Raises RunError."""
    folds = locate.runs_with_best(folder, "fold-*") if folder.is_dir() else []
    return [locate.RunLayout(fold).best for fold in folds] or [locate.checkpoint_of(folder)]


def _held_out(run: "TrainedRun", store: "Store", split: str | None) -> HeldOutRun:
    recipe = run.meta.recipe
    if store.images_of(run.meta.data_sha256) is None:
        raise RunError(
            f"{store.path}: not the data that {run.file} was trained on: which of its images the run trained on is not "
            "known (audit with a run of these data)"
        )
    fraction, seed = recipe.data.validation_fraction, recipe.training.seed
    parts = store.parts(run.meta.fold, fraction, seed, version=run.meta.data_sha256)
    split = split or ("test" if "test" in parts else "val")
    if split not in parts:
        raise DataError(f"{store.path}: has no {split} images (it has {', '.join(parts)})")
    return HeldOutRun(run, parts[split])


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None


def _found(runs: list[HeldOutRun], top: int, engine: str | None) -> "tuple[list[LocatedSuspect], np.ndarray]":
    """The most suspicious regions of all images, and (K, K) pixels by label and predicted class."""
    import numpy as np

    from casnet_cli import backend
    from casnet_cli.auditing.label_errors import suspects
    from casnet_cli.auditing.review_list import LocatedSuspect
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.confusion import confusion
    from casnet_cli.evaluation.evaluator import predict_samples
    from casnet_cli.inference.outputs import PROBABILITIES, Outputs
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.workflows.engine import fastest

    total = sum(len(held_out.images) for held_out in runs)
    found: list[LocatedSuspect] = []
    classes = len(runs[0].run.meta.labels)
    counts = np.zeros((classes, classes), np.int64)
    done = 0
    with console.bar("auditing") as bar:
        bar.wait(total, "compiling")
        for held_out in runs:
            chosen = fastest(held_out.run, len(held_out.images), engine)
            images = f"{len(held_out.images)} images that it never trained on"
            console.message(f"{held_out.run.title}: {images}, engine {chosen.name}")
            if held_out.run.meta.recipe.model.variant != "attention":
                console.message("this run has no attention branch: difficulty is the entropy of its output / log K")
            predictor = chosen.predictor(Outputs({"difficulty": "difficulty"}) | PROBABILITIES, InferenceSettings())
            for _, sample, outputs in predict_samples(predictor, whole_images(held_out.images)):
                p = outputs["probabilities"]
                proposal = p.argmax(axis=0)
                own = suspects(p, sample.label, proposal, outputs["difficulty"])
                found += [LocatedSuspect(held_out.images.group, sample.name, suspect) for suspect in own]
                counts += confusion(sample.label, proposal, classes)
                done += 1
                bar.count(done, total)
            backend.release_memory()
    return sorted(found, key=lambda located: -located.suspect.score)[:top], counts


def _write(target: Path, found: "list[LocatedSuspect]", store: "Store") -> None:
    from casnet_cli.auditing import review_list
    from casnet_cli.reports.audit import page

    try:
        write_whole(target / PAGE, page(found[:ON_PAGE], len(found), store))
        write_csv(target / CONFUSION, ["label", *store.labels.names], _confusion(found, store.labels))
        review_list.write(target, found, store.labels, store.content_sha256)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    rows = []
    for located in found[:SHOWN]:
        suspect, names = located.suspect, store.labels.names
        change = f"{names[suspect.label]} → {names[suspect.proposal]}"
        image, size = Path(located.image).name, f"{suspect.pixels:,}"
        rows.append((image, change, suspect.kind, size, percent(suspect.confidence)))
    console.table("labels that look wrong", ("image", "label → proposal", "kind", "pixels", "sure, %"), rows)
    console.result(f"{target}/{review_list.TABLE}: {count(len(found), 'region')}; pictures in {target}/{PAGE}")


def _save(target: Path, found: "list[LocatedSuspect]", store: "Store", kinds: Sequence[str]) -> None:
    from casnet_cli.auditing import tasks

    try:
        files = tasks.write(target / tasks.FOLDER, found, store, kinds)
    except OSError as error:
        raise InputError(f"{target / tasks.FOLDER}: cannot be written: {reason(error)}") from None
    images = count(len({(located.split, located.image) for located in found}), "image")
    for file in files:
        console.message(f"{images} to correct: {file}")


def _report_unlearnt(found: "list[LocatedSuspect]", counts: "np.ndarray", labels: "LabelSet") -> None:
    """Name classes that the network has not learnt: it contradicts every label of them."""
    unlearnt = counts.diagonal() < counts.sum(axis=1) / 2
    named = Counter(labels.names[located.suspect.label] for located in found if unlearnt[located.suspect.label])
    if named:
        console.message(
            f"note: {sum(named.values())} of {count(len(found), 'region')} have a label of which the network "
            f"gets less than half of the pixels right ({', '.join(name for name, _ in named.most_common())}): its "
            "errors rather than theirs"
        )


def _confusion(found: "list[LocatedSuspect]", labels: "LabelSet") -> list[list[object]]:
    """Suspect pixels, rows = label, columns = proposal."""
    import numpy as np

    counts = np.zeros((len(labels), len(labels)), np.int64)
    for located in found:
        counts[located.suspect.label, located.suspect.proposal] += located.suspect.pixels
    return [[name, *row] for name, row in zip(labels.names, counts.tolist(), strict=True)]


def _apply(store: "Store", target: Path, folder: Path) -> None:
    from casnet_cli.auditing import review_list, voiding

    regions = review_list.confirmed(folder, store.content_sha256)
    if not regions:
        raise InputError(f"{folder / review_list.TABLE}: no row says yes in its column void (nothing to do)")
    voiding.write(store, target, regions)
    found = sum(map(len, regions.values()))
    pixels = sum(int(inside.sum()) for own in regions.values() for *_, inside in own)
    console.result(
        f"{target}: {store.path} with {count(found, 'region')}, {pixels:,} pixels, void in "
        f"{count(len(regions), 'image')}"
    )
