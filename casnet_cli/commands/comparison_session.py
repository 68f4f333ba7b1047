"""What `casnet compare` does: figures of several runs on the same images, and how sure their differences are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casnet_cli import console, paths, runs
from casnet_cli.commands.evaluation_session import Question, folder_of, measure
from casnet_cli.commands.published_rows import show_published
from casnet_cli.commands.series import SUMMARY, read_summary
from casnet_cli.commands.series_figures import SHOWN, show_differences
from casnet_cli.errors import RunError
from casnet_cli.evaluation import tally
from casnet_cli.evaluation.confusion import FIGURES
from casnet_cli.evaluation.tally import Tally


@dataclass(frozen=True)
class Subject:
    """A run, or those of a series that belong together: the folds of a cross-validation, the seeds of a variant."""

    title: str
    files: tuple[Path, ...]


def compare(given: list[Path], data: Path | None, split: str | None, tta: str, file: str | None) -> None:
    """Measure what is not yet measured, then show the tables. Raises CasnetError."""
    subjects = [subject for path in given for subject in _subjects(path)]
    titles = [subject.title for subject in subjects]
    if twice := next((title for title in titles if titles.count(title) > 1), None):
        raise RunError(f"{twice}: named twice (a run compared with itself shows nothing)")
    counted = [[_tally(one, data, split, tta) for one in subject.files] for subject in subjects]
    answer = [
        {
            "run": title,
            "runs": len(parts),
            "images": sum(len(part.names) for part in parts),
            **tally.means(parts),
            **{f"{key}_ci95": tally.interval(values) for key, values in tally.resampled(parts).items()},
        }
        for title, parts in zip(titles, counted, strict=True)
    ]
    differences = [
        {"of": title, "minus": titles[0], **_difference(parts, counted[0])}
        for title, parts in zip(titles[1:], counted[1:], strict=True)
    ]
    name = runs.find(subjects[0].files[0]).meta.data_name
    if file:
        console.write_json({"data": name, "tta": tta, "runs": answer, "differences": differences}, file)
    if file != "-":
        show(answer, differences, tta)
        if split in (None, "test"):
            show_published(name, [(str(own["run"]), own) for own in answer])


def _difference(ours: list[Tally], theirs: list[Tally]) -> dict[str, Any]:
    found = tally.difference(ours, theirs)
    return {key: {"value": found[key][0], "ci95": found[key][1]} for key in FIGURES}


def _subjects(path: Path) -> list[Subject]:
    """The run of a path, or the groups of runs of a series. Raises RunError."""
    if not (path / SUMMARY).is_file():
        return [Subject(str(path), (paths.checkpoint_of(path),))]
    about = read_summary(path)
    groups: dict[str, list[Path]] = {}
    for name in sorted(about.get("runs", ())):
        group = name.partition("-")[0]
        title = str(path) if group == "fold" else str(path / group)
        groups.setdefault(title, []).append(paths.checkpoint_of(path / name))
    if not groups:
        raise RunError(f"{path}: none of its runs is measured yet (go on by casnet {about['kind']} --resume)")
    return [Subject(title, tuple(files)) for title, files in groups.items()]


def _tally(file: Path, data: Path | None, split: str | None, tta: str) -> Tally:
    """The counts of a run's images, measured now if they are not yet, or if other data are given."""
    found = runs.find(file)
    store = runs.open_data(found, data)
    chosen, _ = runs.subset(found, store, split, None)
    out = folder_of(found, chosen, tta)
    metrics = out / "metrics.json"
    if metrics.is_file() and metrics.stat().st_mtime_ns >= file.stat().st_mtime_ns:
        told = json.loads(metrics.read_text(encoding="utf-8"))
        if told.get("data_sha256") == store.content_sha256 and (out / tally.FILE).is_file():
            return tally.load(out / tally.FILE)
    measure(file, Question(data, chosen, None, tta))
    return tally.load(out / tally.FILE)


def show(answer: list[dict[str, Any]], differences: list[dict[str, Any]], tta: str) -> None:
    """Figures with their intervals, one row a run, then the differences to the first."""
    rows = [
        (
            f"{own['run']}" + (f" (mean of {own['runs']})" if own["runs"] > 1 else ""),
            *(_cell(own, key) for key in SHOWN),
        )
        for own in answer
    ]
    title = f"{answer[0]['images']} images, tta {tta}, 95 % intervals over images"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU"), rows)
    show_differences(differences)


def _cell(own: dict[str, Any], key: str) -> str:
    bounds = own[f"{key}_ci95"]
    spread = f" [{console.percent(bounds[0])}, {console.percent(bounds[1])}]" if bounds else ""
    return console.percent(own[key]) + spread
