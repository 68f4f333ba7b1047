"""What `casnet compare` does: figures of several runs on the same images, and how sure their differences are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casnet_cli import backend, console
from casnet_cli.errors import RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs import folder, locate, trained
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.util.text import percent
from casnet_cli.workflows.evaluate.session import evaluate_key
from casnet_cli.workflows.series.paper import show_published
from casnet_cli.workflows.series.series import SUMMARY, read_summary
from casnet_cli.workflows.series.summary import SHOWN, place, signed


@dataclass(frozen=True)
class ComparedRuns:
    """A run, or those of a series that belong together, by seed or fold: `files` by what tells them apart."""

    title: str
    files: dict[str, Path]


@dataclass(frozen=True)
class ComparedCounts:
    """A subject with the counts of its runs."""

    title: str
    parts: dict[str, PerImageCounts]

    def described(self) -> dict[str, Any]:
        parts = list(self.parts.values())
        drawn = per_image.resampled(parts)
        return {
            "run": self.title,
            "runs": len(parts),
            "images": sum(len(part.names) for part in parts),
            **per_image.means(parts),
            **{f"{key}_ci95": per_image.interval(values) for key, values in drawn.items()},
        }

    def minus(self, other: "ComparedCounts") -> dict[str, Any]:
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
        return {"of": self.title, "minus": other.title, "runs": len(pairs), **found}


def compare(given: list[Path], data: Path | None, split: str | None, tta: str, file: str | None) -> None:
    """Measure what is not yet measured, then show the tables. Raises CasnetError."""
    subjects = [subject for path in given for subject in _subjects(path)]
    seen: dict[tuple[Path, ...], str] = {}
    for subject in subjects:
        same = tuple(sorted(path.resolve() for path in subject.files.values()))
        if same in seen:
            raise RunError(f"{subject.title}: named twice (a run compared with itself shows nothing)")
        seen[same] = subject.title
    wanted = {
        subject.title: {key: _wanted(one, data, split, tta) for key, one in subject.files.items()}
        for subject in subjects
    }
    _check_same_data([one for own in wanted.values() for one in own.values()])
    compared = [ComparedCounts(title, {key: _tally(one) for key, one in own.items()}) for title, own in wanted.items()]
    answer = [own.described() for own in compared]
    differences = [own.minus(compared[0]) for own in compared[1:]]
    first = next(iter(wanted[compared[0].title].values()))
    if file:
        told = {"data": first.store.name, "split": first.split, "tta": tta}
        console.write_json(told | {"runs": answer, "differences": differences}, file)
    if file != "-":
        show(answer, differences, tta)
        if first.split == "test":
            show_published(first.store.name, [(str(own["run"]), own) for own in answer])


def _check_same_data(wanted: list[EvaluationKey]) -> None:
    """Raises RunError: labels may differ where the images have the same names."""
    for one in wanted[1:]:
        if one.store.content_sha256 != wanted[0].store.content_sha256:
            told = f"{wanted[0].store.path} and {one.store.path} differ"
            raise RunError(f"not to be measured on the same data: {told} (name one of them by --data)")


def _subjects(path: Path) -> list[ComparedRuns]:
    """The run of a path, or the groups of runs of a series. Raises RunError."""
    if not (path / SUMMARY).is_file():
        return [ComparedRuns(str(path), {"": locate.checkpoint_of(path)})]
    about = read_summary(path)
    groups: dict[str, dict[str, Path]] = {}
    for run in map(folder.RunFolder, locate.runs_with_best(path)):
        group, apart = run.path.name.partition("-")[0], place(run.path.name)
        if apart and read_meta(run.newest).finished:
            groups.setdefault(str(path) if group == "fold" else str(path / group), {})[apart] = run.best
    if not groups:
        raise RunError(f"{path}: none of its runs is trained yet (go on by casnet {about['kind']} --resume)")
    return [ComparedRuns(title, files) for title, files in groups.items()]


def _wanted(file: Path, data: Path | None, split: str | None, tta: str) -> EvaluationKey:
    found = trained.find_run(file)
    return evaluation_key(found, trained.open_run_data(found, data), split, None, EvalProtocol(tta))


def _tally(wanted: EvaluationKey) -> PerImageCounts:
    """The counts of a run's images, measured now if they are not yet."""
    counted = wanted.per_image()
    if counted is None:
        evaluate_key(wanted)
        backend.release_memory()
        counted = wanted.per_image()
    assert counted is not None
    return counted


def show(answer: list[dict[str, Any]], differences: list[dict[str, Any]], tta: str) -> None:
    """Figures with their intervals, one row a run, then the differences to the first."""
    letters = [chr(ord("A") + index) if index < 26 else str(index + 1) for index in range(len(answer))]
    for letter, own in zip(letters, answer, strict=True):
        mean = f", mean of {own['runs']} runs" if own["runs"] > 1 else ""
        console.result(f"{letter}: {own['run']}{mean}")
    rows = [(letter, *(_cell(own, key) for key in SHOWN)) for letter, own in zip(letters, answer, strict=True)]
    title = f"{answer[0]['images']} images, tta {tta}, 95 % intervals over images"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)
    rows = [
        (f"{letter} − A", *(signed(one[key]["value"], one[key]["ci95"]) for key in SHOWN))
        for letter, one in zip(letters[1:], differences, strict=True)
    ]
    if rows:
        console.table("paired differences in points", ("", "pixels right", "class mean", "mean IoU"), rows)


def _cell(own: dict[str, Any], key: str) -> str:
    bounds = own[f"{key}_ci95"]
    spread = f" [{percent(bounds[0])}, {percent(bounds[1])}]" if bounds else ""
    return percent(own[key]) + spread
