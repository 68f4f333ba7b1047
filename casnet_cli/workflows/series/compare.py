"""What `casnet compare` does: metrics of several runs on the same images, and how sure their differences are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casnet_cli import backend, console
from casnet_cli.errors import RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs import locate, trained
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.json_record import Record, Text
from casnet_cli.runs.records import PairedDifference
from casnet_cli.util.text import percent
from casnet_cli.workflows.evaluate.session import evaluate_key
from casnet_cli.workflows.series.paper import OwnRow, show_published
from casnet_cli.workflows.series.series import SUMMARY, read_summary
from casnet_cli.workflows.series.summary import SHOWN, difference_cells, place


@dataclass(frozen=True)
class ComparedRuns:
    """A run, or those of a series that belong together."""

    title: str
    """For the user."""
    files: dict[str, Path]
    """The checkpoints, by their seed or fold; of a single run by ''."""


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


def compare(given: Sequence[Path], data: Path | None, split: str | None, tta: str, file: str | None) -> None:
    """Evaluate what is not yet evaluated, then show the tables.

    given: runs and series. file: for the metrics as JSON. Raises CasnetError.
    """
    groups = [group for path in given for group in _groups(path)]
    _check_distinct(groups)
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
    if file:
        console.write_json(_as_json(first, tta, metrics, differences), file)
    if file != "-":
        show(metrics, differences, tta)
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


def _check_distinct(groups: Sequence[ComparedRuns]) -> None:
    """Raises RunError."""
    titles: set[tuple[Path, ...]] = set()
    for group in groups:
        files = tuple(sorted(path.resolve() for path in group.files.values()))
        if files in titles:
            raise RunError(f"{group.title}: named twice (a run compared with itself shows nothing)")
        titles.add(files)


def _check_same_data(keys: Sequence[EvaluationKey]) -> None:
    """Raises RunError: labels may differ where the images have the same names."""
    for key in keys[1:]:
        if key.store.content_sha256 != keys[0].store.content_sha256:
            both = f"{keys[0].store.path} and {key.store.path} differ"
            raise RunError(f"not to be measured on the same data: {both} (name one of them by --data)")


def _groups(path: Path) -> list[ComparedRuns]:
    """The run of a path, or the groups of runs of a series. Raises RunError."""
    if not (path / SUMMARY).is_file():
        return [ComparedRuns(str(path), {"": locate.checkpoint_of(path)})]
    kind = read_summary(path).kind
    groups: dict[str, dict[str, Path]] = {}
    for run in map(RunFolder, locate.runs_with_best(path)):
        group, apart = run.path.name.partition("-")[0], place(run.path.name)
        if apart and read_meta(run.newest).finished:
            groups.setdefault(str(path) if group == "fold" else str(path / group), {})[apart] = run.best
    if not groups:
        raise RunError(f"{path}: none of its runs is trained yet (go on by casnet {kind} --resume)")
    return [ComparedRuns(title, files) for title, files in groups.items()]


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


def show(metrics: Sequence[ComparedMetrics], differences: Sequence[PairedDifference], tta: str) -> None:
    """Metrics with their intervals, one row a run, then the differences to the first."""
    letters = [chr(ord("A") + index) if index < 26 else str(index + 1) for index in range(len(metrics))]
    for letter, own in zip(letters, metrics, strict=True):
        mean = f", mean of {own.runs} runs" if own.runs > 1 else ""
        console.result(f"{letter}: {own.run}{mean}")
    rows = [(letter, *(_cell(own, key) for key in SHOWN)) for letter, own in zip(letters, metrics, strict=True)]
    title = f"{metrics[0].images} images, tta {tta}, 95 % intervals over images"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)
    rows = [(f"{letter} − A", *difference_cells(each)) for letter, each in zip(letters[1:], differences, strict=True)]
    if rows:
        console.table("paired differences in points", ("", "pixels right", "class mean", "mean IoU"), rows)


def _cell(own: ComparedMetrics, key: str) -> str:
    bounds = getattr(own, f"{key}_ci95")
    spread = f" [{percent(bounds[0])}, {percent(bounds[1])}]" if bounds else ""
    return percent(getattr(own, key)) + spread
