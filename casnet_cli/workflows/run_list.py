"""What `casnet runs` does: list the runs of a folder with their figures, and remove some."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console, paths
from casnet_cli.errors import InputError, RunBusy, RunError, reason
from casnet_cli.runs.locate import RunLayout
from casnet_cli.util.text import count, duration, percent

if TYPE_CHECKING:
    from casnet_cli.runs.checkpoint import Meta
    from casnet_cli.runs.folder import RunFolder
    from casnet_cli.runs.records import RunRecord

History = list[dict[str, float | None]]
"""Rows of history.csv."""

REMOVED = ".removed-"
"""Before the name of a run that is being removed."""


@dataclass(frozen=True)
class ListedRun:
    """A run, as the list has it."""

    run: str
    """Its folder."""
    data: str | None
    """Name of the data set, with the fold behind it if there are folds; None: not known."""
    recipe: str | None
    """Name of the recipe that it was begun with; None: not known."""
    state: str
    """`training`, `finished`, `stopped after epoch 3 of 30`, or what is wrong with it."""
    pixel_accuracy: float | None
    """On validation images, of the best epoch by `evaluation.best`; a fraction; None: not validated yet."""
    mean_iou: float | None
    """At the same validation."""
    test_pixel_accuracy: float | None
    """On test images, as the last `casnet eval` measured it; None: it did not."""
    test_mean_iou: float | None
    """On the same images."""
    hours: float
    """Time of all its epochs."""


def list_runs(file: str | None, folder: Path = paths.RUNS) -> None:
    """Show all runs below a folder, those of crossval and ablate too, newest first. file: for JSON; `-` is stdout."""
    console.check_json(file)
    found = [_listed(run) for run in _newest_first(folder)]
    if file:
        console.write_json({"runs": [asdict(one) for one in found]}, file)
    if file == "-":
        return
    if not found:
        console.result(f"{folder}/: no run here (casnet train begins one)")
        return
    columns = ("run", "data", "recipe", "state", "validation", "test", "time")
    rows = [
        (
            one.run,
            one.data or "–",
            one.recipe or "–",
            one.state,
            _pair(one.pixel_accuracy, one.mean_iou),
            _pair(one.test_pixel_accuracy, one.test_mean_iou),
            duration(3600 * one.hours),
        )
        for one in found
    ]
    console.table(f"{count(len(found), 'run')}, newest first; pixel accuracy / mean IoU, %", columns, rows)


def _pair(accuracy: float | None, iou: float | None) -> str:
    """Pixel accuracy and mean IoU in a cell."""
    return "–" if accuracy is None and iou is None else f"{percent(accuracy)}/{percent(iou)}"


def remove_runs(runs: list[Path], sure: bool, ask: Callable[[str], bool]) -> None:
    """Remove run folders for good. sure: without a question; ask: puts it, and gives the answer.

    Raises RunError for what is no run, RunBusy for one that is being trained, InputError without a terminal to ask at;
    then nothing is removed.
    """
    for run in runs:
        _check_removable(run)
    if not sure and not (sys.stdin and sys.stdin.isatty()):
        raise InputError("casnet runs rm: no terminal to ask at (--yes removes without a question)")
    for run in runs:
        size = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        if sure or ask(f"remove {run} with its checkpoints, {size / 2**20:,.0f} MiB?"):
            _remove(run)
            console.result(f"removed {run}")


def _check_removable(run: Path) -> None:
    """Raises RunError for what is no run, RunBusy for one that is being trained."""
    layout = RunLayout(run)
    if run.is_symlink() or not (layout.record.is_file() or layout.checkpoints.is_dir()):
        raise RunError(f"{run}: no run folder (casnet runs lists them)")
    from casnet_cli.runs.folder import RunFolder

    if RunFolder(run).is_trained:
        raise RunBusy(f"{run}: another process is training this run (stop it first)")


def _remove(run: Path) -> None:
    """First out of the list, then file by file: a run that is half gone would look damaged."""
    target = run.with_name(REMOVED + run.name)
    try:
        if target.exists():
            shutil.rmtree(target)  # of a call that was stopped
        run.rename(target)
        shutil.rmtree(target)
    except OSError as error:
        raise RunError(f"{run}: cannot be removed: {reason(error)}") from None


def _newest_first(folder: Path) -> list[Path]:
    """Run folders, those of a series too, by the time of their last checkpoint or record."""
    begun = {file.parent for pattern in ("*/run.json", "*/*/run.json") for file in folder.glob(pattern)}
    kept = {file.parents[1] for pattern in ("*", "*/*") for file in folder.glob(f"{pattern}/checkpoints/*.h5")}
    runs = [run for run in begun | kept if not any(part.startswith(".") for part in run.relative_to(folder).parts)]
    return sorted(runs, key=lambda run: (-_written(RunLayout(run)), str(run)))


def _written(run: RunLayout) -> int:
    files = (file for file in (run.last, run.best, run.record) if file.is_file())
    return max((file.stat().st_mtime_ns for file in files), default=0)


def _listed(path: Path) -> ListedRun:
    from casnet_cli.runs.folder import RunFolder

    run = RunFolder(path)
    meta, state = _state(run)
    record = _record(run)
    history = _history(run)
    best = _best_row(history, meta.recipe.evaluation.best if meta else "pixel_accuracy")
    return ListedRun(
        str(path),
        _data(meta, record),
        record.recipe if record else None,
        state,
        best.get("val_pixel_accuracy"),
        best.get("val_mean_iou"),
        *_tested(path),
        round(_hours(history), 3),
    )


def _state(run: "RunFolder") -> "tuple[Meta | None, str]":
    """What its last checkpoint holds, and how far it has come."""
    from casnet_cli.runs.checkpoint import read_meta

    file = run.last if run.last.is_file() else run.best
    busy = run.is_trained
    if not file.is_file():
        return None, "training" if busy else "no checkpoint yet"
    try:
        meta = read_meta(file)
    except RunError:
        return None, f"{file.name} is damaged"
    epochs, total = meta.progress.epochs, meta.recipe.training.epochs
    if busy:
        return meta, f"training, epoch {epochs + 1} of {total}"
    return meta, "finished" if meta.finished else f"stopped after epoch {epochs} of {total}"


def _record(run: RunLayout) -> "RunRecord | None":
    from casnet_cli.runs.json_record import read_record
    from casnet_cli.runs.records import RunRecord

    try:
        return read_record(RunRecord, run.record)
    except RunError:
        return None


def _data(meta: "Meta | None", record: "RunRecord | None") -> str | None:
    if meta:
        return f"{meta.data_name}, fold {meta.fold}" if meta.fold else meta.data_name
    return Path(record.data).stem if record else None


def _best_row(history: History, best: str) -> dict[str, float | None]:
    """The first row of the highest validation score. best: `evaluation.best`. Empty: there is none."""
    from casnet_cli.runs.progress import score_key

    column = f"val_{score_key(best)}"
    rows = [row for row in history if row.get(column) is not None]
    return max(rows, key=lambda row: row[column] or 0.0, default={})


def _hours(history: History) -> float:
    seconds = (value for row in history for name, value in row.items() if name.endswith("_seconds"))
    return sum(value or 0.0 for value in seconds) / 3600


def _history(run: RunLayout) -> History:
    from casnet_cli.runs.history import read_history

    try:
        return read_history(run.history)
    except RunError:
        return []


def _tested(path: Path) -> tuple[float | None, float | None]:
    """Pixel accuracy and mean IoU of metrics.json of the test images."""
    from casnet_cli.runs.json_record import read_record
    from casnet_cli.runs.measurement_record import BranchMetrics

    try:
        found = read_record(BranchMetrics, path / "eval/test/metrics.json")
    except RunError:
        return None, None
    return found.pixel_accuracy, found.mean_iou
