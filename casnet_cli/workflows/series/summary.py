"""The figures of a series: mean and spread of each group of runs, paired differences between groups, and the tables."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casnet_cli import console
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.util.text import percent
from casnet_cli.workflows.series.series import Member, Series

SHOWN = ("pixel_accuracy", "class_accuracy", "mean_iou")


@dataclass(frozen=True)
class Side:
    """One of the answers of a group of runs: `fused`, the final one, or that of a branch."""

    group: str
    branch: str = "fused"

    def __str__(self) -> str:
        return self.group if self.branch == "fused" else f"{self.group}'s {self.branch}"


def summarize(
    series: Series, groups: Mapping[str, Sequence[Member]], sides: Sequence[Side], pairs: Sequence[tuple[Side, Side]]
) -> dict[str, Any]:
    """What summary.json says of the runs that are measured: `runs`, `groups` and `differences`, fractions throughout.

    spread: the standard deviation of the runs (n − 1), None for a single one. A difference is that of the means over
    the runs that both sides have, its 95 % interval from a paired bootstrap over images.
    """
    every = {member: series.measured(member) for own in groups.values() for member in own}
    measured = {name: [member for member in own if every[member]] for name, own in groups.items()}
    runs = {member.name: record.model_dump() for member, found in every.items() if found and (record := found.read())}
    found = {
        str(side): _spread([runs[member.name]["branches"][side.branch] for member in measured[side.group]])
        for side in sides
        if measured[side.group]
    }
    differences = [_difference(series, measured, *pair) for pair in pairs]
    kept = {name: {key: own[key] for key in (*METRIC_NAMES, "images", "labelled_pixels")} for name, own in runs.items()}
    return {"runs": kept, "groups": found, "differences": [one for one in differences if one]}


def _spread(runs: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    """None where a run has no labelled pixel."""
    columns = {key: [value for run in runs if (value := run[key]) is not None] for key in METRIC_NAMES}
    whole = {key: len(values) == len(runs) for key, values in columns.items()}
    return {
        "runs": len(runs),
        "mean": {key: statistics.fmean(values) if whole[key] else None for key, values in columns.items()},
        "spread": {
            key: statistics.stdev(values) if whole[key] and len(runs) > 1 else None for key, values in columns.items()
        },
    }


def _difference(
    series: Series, measured: Mapping[str, Sequence[Member]], first: Side, second: Side
) -> dict[str, Any] | None:
    """first − second over the seeds that both have."""
    ours, theirs = ({place(member.name): member for member in measured[side.group]} for side in (first, second))
    both = [one for one in ours if one in theirs]
    if not both:
        return None
    left, right = ([_tally(series, side[one]) for one in both] for side in (ours, theirs))
    values = per_image.difference(left, right, first.branch, second.branch)
    return {"of": str(first), "minus": str(second), "runs": len(both), **values}


def _tally(series: Series, member: Member) -> PerImageCounts:
    found = series.measurement(member)
    counted = found.per_image() if found else None
    assert counted is not None  # it was measured a moment ago
    return counted


def place(name: str) -> str:
    """What runs of different groups have in common: `seed-0` of `c-seed-0`."""
    return name.partition("-")[2]


def cell(group: dict[str, Any], key: str) -> str:
    """83.4 ± 0.3"""
    spread = group["spread"][key]
    return percent(group["mean"][key]) + (f" ± {100 * spread:.1f}" if spread is not None else "")


def show_differences(differences: Sequence[dict[str, Any]]) -> None:
    """+0.8 [+0.3, +1.3] of each figure, in points."""
    rows = [
        (f"{one['of']} − {one['minus']}", *(signed(one[key]["value"], one[key]["ci95"]) for key in SHOWN))
        for one in differences
    ]
    if rows:
        title = "paired differences in points, 95 % intervals over images"
        console.table(title, ("", "pixels right", "class mean", "mean IoU"), rows)


def signed(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    bounds = f" [{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]" if interval else ""
    return f"{100 * value:+.1f}{bounds}"
