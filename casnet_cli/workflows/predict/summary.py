"""The summary of `casnet predict`: a row for each folder of inputs, and a warning where images are unusually hard."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from casnet_cli import console
from casnet_cli.errors import InputError, reason
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.manifest_entry import ManifestEntry
    from casnet_cli.prediction.outputs import Outputs
    from casnet_cli.runs.trained import TrainedRun

SHOWN, WIDTH = 12, 36
"""Folders that the table shows, and characters in a line for its classes."""


class FolderRecord(TypedDict):
    """A folder in the file of `--json`."""

    images: int
    """Inputs that are labelled."""
    failed: int
    """Inputs that failed."""
    difficulty_mean: float | None
    """Mean over the labelled inputs, 0..1; None: there are none."""
    classes: dict[str, float | None]
    """Share of each class in all pixels, the commonest first; None: there are no labelled inputs."""


@dataclass
class FolderSummary:
    """Sums over the inputs of one folder."""

    images: int = 0
    """Inputs that are labelled."""
    failed: int = 0
    """Inputs that failed."""
    stale: int = 0
    """Of those the ones of which an earlier call made a mask."""
    pixels: float = 0.0
    """Of all labelled inputs."""
    classes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Pixels of each class."""
    difficulties: list[float] = field(default_factory=list)
    """Mean difficulty of each labelled input, 0..1."""

    def add(self, entry: "ManifestEntry") -> None:
        """Count an input by its line of the manifest."""
        if entry["status"] != "ok":
            self.failed += 1
            self.stale += "stale" in entry
            return
        self.images += 1
        pixels = entry["width"] * entry["height"] * entry.get("frames", 1)
        self.pixels += pixels
        for name, share in entry["classes"].items():
            self.classes[name] += share * pixels
        self.difficulties.append(entry["difficulty_mean"])

    @property
    def difficulty(self) -> float | None:
        """Mean over the labelled inputs; None: there are none."""
        return sum(self.difficulties) / len(self.difficulties) if self.difficulties else None

    def shares(self, names: Iterable[str]) -> list[float | None]:
        """Share of each class in all pixels; None: there are none."""
        return [self.classes.get(name, 0.0) / self.pixels if self.pixels else None for name in names]

    def record(self) -> FolderRecord:
        """For the file of `--json`; the commonest class comes first."""
        names = sorted(self.classes, key=lambda name: -self.classes[name])
        return {
            "images": self.images,
            "failed": self.failed,
            "difficulty_mean": self.difficulty,
            "classes": dict(zip(names, self.shares(names), strict=True)),
        }


def by_folder(entries: "Iterable[tuple[str, ManifestEntry]]") -> dict[str, FolderSummary]:
    """Folders by name. entries: the folder of each input, and its line of the manifest."""
    summaries: dict[str, FolderSummary] = defaultdict(FolderSummary)
    for name, entry in entries:
        summaries[name].add(entry)
    return dict(sorted(summaries.items()))


def check_json_file(json: str | None, jobs: "list[Job]", manifest: "Manifest[Outputs]") -> None:
    """Raises InputError, before any work is done, where the file of `--json` could not be written or is an input or a
    file of the output folder."""
    if json in (None, "-"):
        return
    target = Path(os.path.realpath(json))
    inputs = [job.file for job in jobs] if target.exists() else []
    if any(os.path.realpath(file) == str(target) for file in (manifest.path, manifest.summary, *inputs)):
        raise InputError(f"{json}: is an input or a file of {manifest.outputs.folder} (choose another --json)")
    console.check_json(json)


def summarize(
    jobs: "list[Job]", before: int, manifest: "Manifest[Outputs]", run: "TrainedRun", json: str | None
) -> int:
    """Show and write what became of all jobs; returns how many failed. before: jobs that earlier calls have done."""
    done, out, summary = manifest.done, manifest.outputs.folder, manifest.summary
    entries = [(str(job.file.parent), done[str(job.file)]) for job in jobs if str(job.file) in done]
    folders = by_folder(entries)
    failed, stale = (sum(getattr(folder, key) for folder in folders.values()) for key in ("failed", "stale"))
    labelled = sum(folder.images for folder in folders.values()) - before
    names = manifest.outputs.labels.names
    try:
        write_csv(summary, ["folder", "images", "failed", "difficulty_mean", *names], _rows(folders, names))
    except OSError as error:
        raise InputError(f"{summary}: cannot be written: {reason(error)}") from None
    warning = _warning(folders, run)
    if json:
        counts = {"labelled": labelled, "before": before, "failed": failed, "stale": stale, "warning": warning}
        console.write_json(counts | {"folders": {name: own.record() for name, own in folders.items()}}, json)
    if json != "-":
        _show(folders, summary)
        done_before = f", {before} were done before" if before else ""
        set_aside = f" ({count(stale, 'mask')} of earlier calls set aside as NAME.stale.png)" if stale else ""
        console.result(f"{out}: {labelled} labelled{done_before}, {failed} failed{set_aside}")
    if warning:
        console.message(f"warning: {warning}")
    if failed:
        console.error(f"{count(failed, 'input')} failed (see {manifest.path})")
    return failed


def _show(folders: dict[str, FolderSummary], summary: Path) -> None:
    everywhere: dict[str, float] = defaultdict(float)
    for own in folders.values():
        for label, pixels in own.classes.items():
            everywhere[label] += pixels
    common: list[str] = []
    for label in sorted(everywhere, key=lambda label: -everywhere[label]):
        if sum(len(shown) + 3 for shown in (*common, label)) > WIDTH:
            break
        common.append(label)
    rows = []
    for name, own in list(folders.items())[:SHOWN]:
        shares = (own.difficulty, *own.shares(common))
        rows.append((name, str(own.images), str(own.failed), *map(percent, shares)))
    title = "mean difficulty and the commonest classes, %"
    console.table(title, ("folder", "images", "failed", "difficulty", *common), rows)
    if len(folders) > SHOWN:
        console.result(f"and {count(len(folders) - SHOWN, 'folder')} more in {summary}")


def _rows(folders: dict[str, FolderSummary], names: tuple[str, ...]) -> Iterator[list[object]]:
    for name, own in folders.items():
        yield [name, own.images, own.failed, own.difficulty, *own.shares(names)]


def _warning(folders: dict[str, FolderSummary], run: "TrainedRun") -> str | None:
    """A sentence if these images are clearly harder than the run's validation images."""
    from casnet_cli.evaluation.difficulty_shift import difficulty_shift

    ours = [value for folder in folders.values() for value in folder.difficulties]
    theirs = run.meta.calibration.get("difficulty", [])
    found = difficulty_shift(ours, theirs)
    if found is None or not found.harder:
        return None
    means = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return (
        f"these images are harder than the run's validation images: mean difficulty {means[0]:.3f} against "
        f"{means[1]:.3f}, higher in {percent(found.chance)} % of pairs ({found.sigmas:.1f} sigma); "
        "expect more errors than its metrics show"
    )
