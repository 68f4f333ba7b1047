"""The work of `casnet compare`: metrics of several runs on the same images, and how sure their differences are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.reports.compare import Table, page
from casnet_cli.runs import trained
from casnet_cli.runs.json_record import Record, Text
from casnet_cli.runs.records import PairedDifference
from casnet_cli.util.files import write_whole
from casnet_cli.util.text import count, percent, points
from casnet_cli.workflows.evaluate.session import evaluate_key
from casnet_cli.workflows.series.compare import PAGE, ComparedRuns
from casnet_cli.workflows.series.paper import OwnRow, show_published
from casnet_cli.workflows.series.summary import SHOWN, difference_cells


class ComparedMetrics(Record):
    """Metrics of a run, or means over those of a series; fractions. A key of `runs` of `--json`."""

    run: Text
    """Title of the run or series."""
    runs: int
    """Runs that the means are over."""
    images: int
    """Images of all of them."""
    pixel_accuracy: float | None
    """Right pixels over labelled ones."""
    class_accuracy: float | None
    """Mean over classes of right pixels over pixels of the class."""
    mean_iou: float | None
    """Mean over classes of intersection over union."""
    frequency_weighted_iou: float | None
    """Intersection over union, weighted by the classes' shares of the labels."""
    pixel_accuracy_ci95: list[float] | None
    """95 % interval over images of pixel accuracy."""
    class_accuracy_ci95: list[float] | None
    """Likewise of class accuracy."""
    mean_iou_ci95: list[float] | None
    """Likewise of mean IoU."""
    frequency_weighted_iou_ci95: list[float] | None
    """Likewise of frequency weighted IoU."""


@dataclass(frozen=True)
class ComparedCounts:
    """Compared runs with the counts of their images."""

    title: str
    """As of `ComparedRuns`."""
    parts: dict[str, PerImageCounts]
    """The counts of each run, by its seed or fold."""

    def metrics(self) -> ComparedMetrics:
        """Means over the runs, with intervals."""
        parts = list(self.parts.values())
        drawn = per_image.resampled(parts)
        return ComparedMetrics.model_validate(
            {
                "run": self.title,
                "runs": len(parts),
                "images": sum(len(part.names) for part in parts),
                **per_image.means(parts),
                **{f"{key}_ci95": per_image.interval(values) for key, values in drawn.items()},
            }
        )

    def class_iou(self) -> list[float]:
        """IoU of each class, averaged over the runs that have it; NaN: it occurs in none."""
        found = []
        for part in self.parts.values():
            own = part.counts["fused"]
            correct = own.correct.sum(0)
            union = own.truth.sum(0) + own.claimed.sum(0) - correct
            found.append(np.where(union, correct / np.maximum(union, 1), np.nan))
        known = np.isfinite(found)
        total = np.where(known, found, 0).sum(0)
        return [float(one) for one in np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)]

    def minus(self, other: "ComparedCounts") -> PairedDifference:
        """Over the seeds or folds that both have; two single runs are each other's. Raises RunError."""
        pairs = [(own, other.parts[key]) for key, own in self.parts.items() if key in other.parts]
        if len(self.parts) == len(other.parts) == 1:
            pairs = list(zip(self.parts.values(), other.parts.values(), strict=True))
        try:
            if not pairs:
                raise RunError("no seed or fold in common")
            found = per_image.difference([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
        except RunError as error:
            raise RunError(f"{self.title} and {other.title}: {error}") from None
        return PairedDifference.model_validate({"of": self.title, "minus": other.title, "runs": len(pairs), **found})


def compare(
    groups: Sequence[ComparedRuns], data: Path | None, split: str | None, tta: str, file: str | None, out: Path | None
) -> None:
    """As `workflows.series.compare.compare`, of runs that are there."""
    keys = {
        group.title: {place: _key(file, data, split, tta) for place, file in group.files.items()} for group in groups
    }
    _check_same_data([key for own in keys.values() for key in own.values()])
    counts = [
        ComparedCounts(title, {place: _evaluated(key) for place, key in own.items()}) for title, own in keys.items()
    ]
    metrics = [own.metrics() for own in counts]
    differences = [own.minus(counts[0]) for own in counts[1:]]
    first = next(iter(keys[counts[0].title].values()))
    tables = _tables(metrics, differences, tta)
    if out:
        every = [*tables, _class_table(counts, first.store.labels.names)]
        out.mkdir(parents=True, exist_ok=True)
        about = f"{count(metrics[0].images, f'{first.split} image')} of {first.store.path}"
        write_whole(out / PAGE, page(first.store.name, about, _runs(metrics), best_run(metrics, differences), every))
        console.message(f"wrote {out / PAGE}")
    if file:
        console.write_json(_as_json(first, tta, metrics, differences), file)
    if file != "-":
        for line in _runs(metrics):
            console.result(line)
        for table in tables:
            console.table(table.title, table.head, table.rows)
        if first.split == "test":
            rows = [OwnRow(own.run, own.pixel_accuracy, own.class_accuracy) for own in metrics]
            show_published(first.store.name, rows)


def _as_json(
    first: EvaluationKey, tta: str, metrics: Sequence[ComparedMetrics], differences: Sequence[PairedDifference]
) -> Mapping[str, object]:
    return {
        "data": first.store.name,
        "split": first.split,
        "tta": tta,
        "runs": [own.model_dump() for own in metrics],
        "differences": [each.model_dump() for each in differences],
    }


def _check_same_data(keys: Sequence[EvaluationKey]) -> None:
    """Raises RunError: labels may differ where the images have the same names."""
    for key in keys[1:]:
        if key.store.content_sha256 != keys[0].store.content_sha256:
            both = f"{keys[0].store.path} and {key.store.path} differ"
            raise RunError(f"not to be measured on the same data: {both} (name one of them by --data)")


def _key(file: Path, data: Path | None, split: str | None, tta: str) -> EvaluationKey:
    run = trained.find_run(file)
    return evaluation_key(run, trained.open_run_data(run, data), split, None, EvalProtocol(tta))


def _evaluated(key: EvaluationKey) -> PerImageCounts:
    """The counts of a run's images, evaluated now if they are not yet."""
    counts = key.per_image()
    if counts is None:
        evaluate_key(key)
        backend.release_memory()
        counts = key.per_image()
    assert counts is not None
    return counts


def _letters(number: int) -> list[str]:
    return [chr(ord("A") + index) if index < 26 else str(index + 1) for index in range(number)]


def _runs(metrics: Sequence[ComparedMetrics]) -> list[str]:
    """`A: runs/cv, mean of 5 runs` for each."""
    means = [f", mean of {own.runs} runs" if own.runs > 1 else "" for own in metrics]
    letters = _letters(len(metrics))
    return [f"{letter}: {own.run}{mean}" for letter, own, mean in zip(letters, metrics, means, strict=True)]


def _tables(metrics: Sequence[ComparedMetrics], differences: Sequence[PairedDifference], tta: str) -> list[Table]:
    """Metrics with their intervals, one row a run, then the differences to the first."""
    letters = _letters(len(metrics))
    rows = [(letter, *(_cell(own, key) for key in SHOWN)) for letter, own in zip(letters, metrics, strict=True)]
    title = f"{metrics[0].images} images, tta {tta}, 95 % intervals over images"
    found = [Table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)]
    rows = [(f"{letter} − A", *difference_cells(each)) for letter, each in zip(letters[1:], differences, strict=True)]
    if rows:
        found.append(Table("paired differences in points", ("", "pixels right", "class mean", "mean IoU"), rows))
    return found


def _class_table(counts: Sequence[ComparedCounts], names: Sequence[str]) -> Table:
    """IoU of each class and run, in percent."""
    columns = [own.class_iou() for own in counts]
    rows = [(name, *(percent(column[place]) for column in columns)) for place, name in enumerate(names)]
    return Table("IoU of each class, %", ("class", *_letters(len(counts))), rows)


def best_run(metrics: Sequence[ComparedMetrics], differences: Sequence[PairedDifference]) -> str:
    """A sentence: which run has the highest mean IoU, and whether that is surely above A's, or the next one's if it is
    A itself."""
    letters = _letters(len(metrics))
    known = [(own.mean_iou, -place) for place, own in enumerate(metrics) if own.mean_iou is not None]
    if not known:
        return "No run has a mean IoU: no pixel is labelled."
    (value, place), *others = sorted(known, reverse=True)
    named = f"{letters[-place]} ({metrics[-place].run})"
    if not others:
        return f"{named} has a mean IoU of {percent(value)} %."
    sentence = f"{named} has the highest mean IoU, {percent(value)} %"
    if others[0][0] == value:
        return f"{sentence}, and {letters[-others[0][1]]} has the same."
    other = -(place or others[0][1])
    bounds = differences[other - 1].mean_iou.ci95
    if not bounds:
        return f"{sentence}."
    sure = bounds[0] > 0 if place else bounds[1] < 0
    above = f"{'' if sure else 'not '}surely above {'A' if place else letters[other]}'s"
    low, high = map(points, bounds)
    return f"{sentence}, {above}: the 95 % interval of {letters[other]} − A is {low} to {high} points."


def _cell(own: ComparedMetrics, key: str) -> str:
    bounds = getattr(own, f"{key}_ci95")
    spread = f" [{percent(bounds[0])}, {percent(bounds[1])}]" if bounds else ""
    return percent(getattr(own, key)) + spread
