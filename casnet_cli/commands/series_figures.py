"""The figures of a series: mean and spread of each group of runs, paired differences between groups, and the tables."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casnet_cli import console
from casnet_cli.commands.series import Member, Series
from casnet_cli.evaluation import tally
from casnet_cli.evaluation.confusion import FIGURES

SHOWN = ("pixel_accuracy", "class_accuracy", "mean_iou")


@dataclass(frozen=True)
class Side:
    """One of the answers of a group of runs: `fused`, the final one, or that of a branch."""

    group: str
    branch: str = "fused"

    def __str__(self) -> str:
        return self.group if self.branch == "fused" else f"{self.group}, {self.branch} branch"


def summarize(
    series: Series, groups: Mapping[str, Sequence[Member]], sides: Sequence[Side], pairs: Sequence[tuple[Side, Side]]
) -> dict[str, Any]:
    """What summary.json says of the runs that are measured: `runs`, `groups` and `differences`, fractions throughout.

    spread: the standard deviation of the runs (n − 1), None for a single one. A difference is that of the means over
    the runs that both sides have, its 95 % interval from a paired bootstrap over images.
    """
    measured = {name: [member for member in own if series.evaluation(member)] for name, own in groups.items()}
    runs = {member.name: _metrics(series, member) for own in measured.values() for member in own}
    found = {
        str(side): _spread([runs[member.name]["branches"][side.branch] for member in measured[side.group]])
        for side in sides
        if measured[side.group]
    }
    differences = [_difference(series, measured, *pair) for pair in pairs]
    kept = {name: {key: own[key] for key in (*FIGURES, "images", "labelled_pixels")} for name, own in runs.items()}
    return {"runs": kept, "groups": found, "differences": [one for one in differences if one]}


def _metrics(series: Series, member: Member) -> dict[str, Any]:
    out = series.evaluation(member)
    assert out is not None
    return dict(json.loads((out / "metrics.json").read_text(encoding="utf-8")))


def _spread(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    columns = {key: [run[key] for run in runs] for key in FIGURES}
    return {
        "runs": len(runs),
        "mean": {key: statistics.fmean(values) for key, values in columns.items()},
        "spread": {key: statistics.stdev(values) if len(runs) > 1 else None for key, values in columns.items()},
    }


def _difference(
    series: Series, measured: Mapping[str, Sequence[Member]], first: Side, second: Side
) -> dict[str, Any] | None:
    """first − second over the seeds or folds that both have, members of equal place in their group's naming."""
    ours, theirs = measured[first.group], measured[second.group]
    places = [_place(member) for member in theirs]
    both = [(member, theirs[places.index(_place(member))]) for member in ours if _place(member) in places]
    if not both:
        return None
    left, right = (series.tallies(side) for side in zip(*both, strict=True))
    values = tally.difference(left, right, first.branch, second.branch)
    return {
        "of": str(first),
        "minus": str(second),
        "runs": len(both),
        **{key: {"value": value, "ci95": interval} for key, (value, interval) in values.items()},
    }


def _place(member: Member) -> str:
    """What two members have in common that differ in their group only: `seed-0` of `c-seed-0`."""
    return member.name.partition("-")[2]


def cell(group: dict[str, Any], key: str) -> str:
    """83.4 ± 0.3"""
    spread = group["spread"][key]
    return console.percent(group["mean"][key]) + (f" ± {100 * spread:.1f}" if spread is not None else "")


def show_differences(differences: Sequence[dict[str, Any]]) -> None:
    """+0.8 [+0.3, +1.3] of each figure, in points."""
    rows = [
        (f"({one['of']}) − ({one['minus']})", *(signed(one[key]["value"], one[key]["ci95"]) for key in SHOWN))
        for one in differences
    ]
    if rows:
        title = "paired differences in points, 95 % intervals over images"
        console.table(title, ("", "pixels right", "class mean", "mean IoU"), rows)


def signed(value: float, interval: Sequence[float] | None) -> str:
    bounds = f" [{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]" if interval else ""
    return f"{100 * value:+.1f}{bounds}"
