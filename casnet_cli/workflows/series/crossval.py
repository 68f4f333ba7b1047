"""What `casnet crossval` does: the folds of a data set one after the other, and the table over those there are."""

from typing import Any

from casnet_cli import console
from casnet_cli.errors import DataError, InputError
from casnet_cli.util.text import percent
from casnet_cli.workflows.series.paper import show_published
from casnet_cli.workflows.series.series import Member, Series, begin, open_series, run_members
from casnet_cli.workflows.series.summary import SHOWN, Side, cell, summarize
from casnet_cli.workflows.train.session import TrainOptions

GROUP = "folds"


def crossval(request: TrainOptions, folds: str | None, tta: str) -> None:
    """Train and measure the folds that are not yet, write summary.json and show it. Raises CasnetError."""
    series = open_series("crossval", request, tta)
    if not series.store.folds:
        raise DataError(f"{series.store.path}: has no folds (casnet train trains on its own split)")
    members = [Member(f"fold-{fold}", (), fold) for fold in range(1, series.store.folds + 1)]
    wanted = [members[fold - 1] for fold in _wanted(folds, len(members))]
    series = begin(series, wanted)
    summary = _summarize(series, members)
    for _ in run_members(series, wanted, request):
        summary = _summarize(series, members)
    show(series, summary)


def _wanted(folds: str | None, count: int) -> list[int]:
    """Numbers of folds, from 1. Raises InputError."""
    every = list(range(1, count + 1))
    if folds is None:
        return every
    try:
        wanted = [int(word) for word in folds.split(",")]
    except ValueError:
        wanted = []
    if not wanted or not set(wanted) <= set(every) or len(set(wanted)) < len(wanted):
        raise InputError(f"--folds {folds}: not folds of these data (numbers from 1 to {count}, as in 1,2)")
    return wanted


def _summarize(series: Series, members: list[Member]) -> dict[str, Any]:
    summary = summarize(series, {GROUP: members}, [Side(GROUP)], [])
    series.write(summary)
    return summary


def show(series: Series, summary: dict[str, Any]) -> None:
    """The folds, their mean and spread, and the rows of table 3."""
    runs, folds = summary["runs"], series.store.folds
    rows = [(name, *(percent(run[key]) for key in SHOWN)) for name, run in runs.items()]
    own = summary["groups"].get(GROUP)
    if own:
        rows.append((f"mean ± spread of {len(runs)}", *(cell(own, key) for key in SHOWN)))
    title = f"{series.name}, {series.store.name}, tta {series.tta}"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)
    if len(runs) < (folds or 0):
        console.say(f"{len(runs)} of {folds} folds are measured; the others by: {series.again()}")
    if own:
        show_published(series.store.name, [(f"{series.name}, {len(runs)} folds", own["mean"])])
    console.result(f"{series.folder}: summary.json")
