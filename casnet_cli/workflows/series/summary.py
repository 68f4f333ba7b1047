"""The metrics of a series: mean and spread of each group of runs, paired differences between groups, and the tables."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casnet_cli import console
from casnet_cli.errors import RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs.measurement_record import BranchMetrics, MeasurementRecord
from casnet_cli.runs.records import GroupMetrics, PairedDifference, RunMetrics, SeriesMetrics
from casnet_cli.util.text import percent, points
from casnet_cli.workflows.series.series import Member, Series

SHOWN = ("pixel_accuracy", "class_accuracy", "mean_iou")


@dataclass(frozen=True)
class Side:
    """One output of a group of runs."""

    group: str
    """Name of the group."""
    branch: str = "fused"
    """`fused`, the final output, or a branch: `coarse` or `fine`."""

    def __str__(self) -> str:
        return self.group if self.branch == "fused" else f"{self.group}'s {self.branch}"


def summarize(
    series: Series, groups: Mapping[str, Sequence[Member]], sides: Sequence[Side], pairs: Sequence[tuple[Side, Side]]
) -> SeriesMetrics:
    """Metrics of the runs that are measured, mean and spread of each side, and the difference of each pair.

    A difference is that of the means over the runs that both sides have, its 95 % interval from a paired bootstrap over
    images.
    """
    members = [member for own in groups.values() for member in own]
    keys = {member: key for member in members if (key := series.evaluated(member))}
    evaluated = {name: [member for member in own if member in keys] for name, own in groups.items()}
    records = {member.name: record for member, key in keys.items() if (record := key.read())}
    outputs = {
        side: [_branch(records[member.name], side.branch, keys[member].folder) for member in evaluated[side.group]]
        for side in sides
    }
    return SeriesMetrics(
        runs={name: _run_metrics(record) for name, record in records.items()},
        groups={str(side): _mean_and_spread(own) for side, own in outputs.items() if own},
        differences=[found for pair in pairs if (found := _difference(series, evaluated, *pair))],
    )


def _run_metrics(record: MeasurementRecord) -> RunMetrics:
    found = {key: getattr(record, key) for key in METRIC_NAMES}
    found |= {"images": record.images, "labelled_pixels": record.labelled_pixels}
    return RunMetrics.model_validate(found)


def _branch(record: MeasurementRecord, branch: str, folder: Path) -> BranchMetrics:
    """Raises RunError for a metrics.json that lacks a branch which the variant has."""
    found = record.branches[branch]
    if found is None:
        raise RunError(f"{folder}: its metrics.json has nothing of the branch {branch} (casnet eval writes it anew)")
    return found


def _mean_and_spread(runs: Sequence[BranchMetrics]) -> GroupMetrics:
    """Each metric is None where a run has no labelled pixel."""
    columns = {key: [value for run in runs if (value := getattr(run, key)) is not None] for key in METRIC_NAMES}
    complete = {key: len(values) == len(runs) for key, values in columns.items()}
    return GroupMetrics(
        runs=len(runs),
        mean={key: statistics.fmean(values) if complete[key] else None for key, values in columns.items()},
        spread={
            key: statistics.stdev(values) if complete[key] and len(runs) > 1 else None
            for key, values in columns.items()
        },
    )


def _difference(
    series: Series, evaluated: Mapping[str, Sequence[Member]], first: Side, second: Side
) -> PairedDifference | None:
    """first − second over the seeds that both have; None without one."""
    ours, theirs = ({place(member.name): member for member in evaluated[side.group]} for side in (first, second))
    both = [seed for seed in ours if seed in theirs]
    if not both:
        return None
    left, right = ([_per_image(series, side[seed]) for seed in both] for side in (ours, theirs))
    found = per_image.difference(left, right, first.branch, second.branch)
    return PairedDifference.model_validate({"of": str(first), "minus": str(second), "runs": len(both), **found})


def _per_image(series: Series, member: Member) -> PerImageCounts:
    key = series.key(member)
    counts = key.per_image() if key else None
    assert counts is not None  # it was evaluated a moment ago
    return counts


def place(name: str) -> str:
    """What runs of different groups have in common: `seed-0` of `c-seed-0`."""
    return name.partition("-")[2]


def mean_and_spread_cell(group: GroupMetrics, key: str) -> str:
    """83.4 ± 0.3"""
    spread = group.spread[key]
    return percent(group.mean[key]) + (f" ± {100 * spread:.1f}" if spread is not None else "")


def show_differences(differences: Sequence[PairedDifference]) -> None:
    """+0.8 [+0.3, +1.3] of each metric, in points."""
    rows = [(f"{each.of} − {each.minus}", *difference_cells(each)) for each in differences]
    if rows:
        title = "paired differences in points, 95 % intervals over images"
        console.table(title, ("", "pixels right", "class mean", "mean IoU"), rows)


def difference_cells(difference: PairedDifference) -> list[str]:
    """+0.8 [+0.3, +1.3], in points, for each of `SHOWN`."""
    found = [getattr(difference, key) for key in SHOWN]
    return [_signed(each.value, each.ci95) for each in found]


def _signed(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    bounds = f" [{points(interval[0])}, {points(interval[1])}]" if interval else ""
    return f"{points(value)}{bounds}"
