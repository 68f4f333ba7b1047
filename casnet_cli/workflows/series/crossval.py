"""What `casnet crossval` does: the folds of a data set one after the other, and the table over those there are."""

from collections.abc import Sequence

from casnet_cli import console
from casnet_cli.errors import DataError, InputError
from casnet_cli.runs.locate import SUMMARY
from casnet_cli.runs.records import SeriesMetrics
from casnet_cli.util.text import percent
from casnet_cli.workflows.series.members import run_members
from casnet_cli.workflows.series.paper import OwnRow, show_published
from casnet_cli.workflows.series.series import Member, Series, begin, open_series
from casnet_cli.workflows.series.summary import SHOWN, Side, mean_and_spread_cell, summarize
from casnet_cli.workflows.train.session import TrainOptions

GROUP = "folds"


def crossval(options: TrainOptions, folds: str | None, tta: str) -> None:
    """Train and measure the folds that are not yet, write summary.json and show it. Raises CasnetError."""
    series = open_series("crossval", options, tta)
    if not series.store.folds:
        raise DataError(f"{series.store.path}: has no folds (casnet train trains on its own split)")
    members = [Member(f"fold-{fold}", (), fold) for fold in range(1, series.store.folds + 1)]
    to_run = [members[fold - 1] for fold in _folds(folds, len(members))]
    series = begin(series, to_run)
    metrics = _summarize(series, members)
    for _ in run_members(series, to_run, options):
        metrics = _summarize(series, members)
    show(series, metrics)


def _folds(text: str | None, count: int) -> list[int]:
    """Numbers of folds, from 1. Raises InputError."""
    every = list(range(1, count + 1))
    if text is None:
        return every
    try:
        folds = [int(word) for word in text.split(",")]
    except ValueError:
        folds = []
    if not folds or not set(folds) <= set(every) or len(set(folds)) < len(folds):
        raise InputError(f"--folds {text}: not folds of these data (numbers from 1 to {count}, as in 1,2)")
    return folds


def _summarize(series: Series, members: Sequence[Member]) -> SeriesMetrics:
    metrics = summarize(series, {GROUP: members}, [Side(GROUP)], [])
    series.write(metrics)
    return metrics


def show(series: Series, metrics: SeriesMetrics) -> None:
    """The folds, their mean and spread, and the rows of table 3."""
    runs, folds = metrics.runs, series.store.folds
    rows = [(name, *(percent(getattr(run, key)) for key in SHOWN)) for name, run in runs.items()]
    group = metrics.groups.get(GROUP)
    if group:
        rows.append((f"mean ± spread of {len(runs)}", *(mean_and_spread_cell(group, key) for key in SHOWN)))
    title = f"{series.name}, {series.store.name}, tta {series.tta}"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)
    if len(runs) < (folds or 0):
        console.message(f"{len(runs)} of {folds} folds are measured; the others by: {series.resume_command()}")
    if group:
        title = f"{series.name}, {len(runs)} folds"
        mean = group.mean
        show_published(series.store.name, [OwnRow(title, mean["pixel_accuracy"], mean["class_accuracy"])])
    console.result(f"{series.folder}: {SUMMARY}")
