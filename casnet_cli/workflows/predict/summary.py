"""What a folder of predictions holds, folder by folder, and whether it is harder than what the run was validated on."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import console
from casnet_cli.errors import InputError, reason
from casnet_cli.util.tables import write_csv
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs
    from casnet_cli.runs.trained import TrainedRun

SHOWN, WIDE = 12, 36
"""Folders of the table, and columns of the terminal for its classes."""


@dataclass
class Folder:
    """Inputs of one folder: how many are labelled and how many failed, pixels of each class, means over images."""

    images: int = 0
    failed: int = 0
    pixels: float = 0.0
    classes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    difficulties: list[float] = field(default_factory=list)

    def add(self, record: dict[str, Any]) -> None:
        if record["status"] != "ok":
            self.failed += 1
            return
        self.images += 1
        pixels = record["width"] * record["height"] * record.get("frames", 1)
        self.pixels += pixels
        for name, share in record["classes"].items():
            self.classes[name] += share * pixels
        self.difficulties.append(record["difficulty_mean"])

    @property
    def difficulty(self) -> float | None:
        return sum(self.difficulties) / len(self.difficulties) if self.difficulties else None

    def shares(self, names: Iterable[str]) -> list[float | None]:
        """Of each class in all pixels, None if there are none."""
        return [self.classes.get(name, 0.0) / self.pixels if self.pixels else None for name in names]

    def told(self) -> dict[str, Any]:
        counts = {"images": self.images, "failed": self.failed, "difficulty_mean": self.difficulty}
        names = sorted(self.classes, key=lambda name: -self.classes[name])
        return counts | {"classes": dict(zip(names, self.shares(names), strict=True))}


def by_folder(records: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Folder]:
    """records: the folder of an input, and its line of the manifest."""
    found: dict[str, Folder] = defaultdict(Folder)
    for name, record in records:
        found[name].add(record)
    return dict(sorted(found.items()))


def check_answer(json: str | None, jobs: "list[Job]", manifest: "Manifest[Outputs]") -> None:
    """Raises InputError where `--json` could not be written, or only over something else, before any work is done."""
    if json in (None, "-"):
        return
    target = Path(os.path.realpath(json))
    inputs = [job.file for job in jobs] if target.exists() else []
    if any(os.path.realpath(file) == str(target) for file in (manifest.path, manifest.summary, *inputs)):
        raise InputError(f"{json}: is an input or a file of {manifest.outputs.folder} (choose another --json)")
    if target.is_dir() or not target.parent.is_dir():
        wrong = "Is a directory" if target.is_dir() else "no such folder"
        raise InputError(f"{json}: cannot be written: {wrong}")


def summarize(
    jobs: "list[Job]", before: int, manifest: "Manifest[Outputs]", chosen: "TrainedRun", json: str | None
) -> int:
    """Show and write what became of all jobs, the `before` done earlier included; returns how many failed."""
    done, out, summary = manifest.done, manifest.outputs.folder, manifest.summary
    records = [(str(job.file.parent), done[str(job.file)]) for job in jobs if str(job.file) in done]
    folders = by_folder(records)
    failed = sum(folder.failed for folder in folders.values())
    labelled = sum(folder.images for folder in folders.values()) - before
    names = manifest.outputs.labels.names
    try:
        write_csv(summary, ["folder", "images", "failed", "difficulty_mean", *names], _rows(folders, names))
    except OSError as error:
        raise InputError(f"{summary}: cannot be written: {reason(error)}") from None
    warning = _warning(folders, chosen)
    if json:
        counts = {"labelled": labelled, "before": before, "failed": failed, "warning": warning}
        console.write_json(counts | {"folders": {name: own.told() for name, own in folders.items()}}, json)
    if json != "-":
        _show(folders, summary)
        done_before = f", {before} were done before" if before else ""
        console.result(f"{out}: {labelled} labelled{done_before}, {failed} failed")
    if warning:
        console.say(f"warning: {warning}")
    if failed:
        console.error(f"{count(failed, 'input')} failed (see {manifest.path})")
    return failed


def _show(folders: dict[str, Folder], summary: Path) -> None:
    everywhere: dict[str, float] = defaultdict(float)
    for own in folders.values():
        for label, pixels in own.classes.items():
            everywhere[label] += pixels
    common: list[str] = []
    for label in sorted(everywhere, key=lambda label: -everywhere[label]):
        if sum(len(shown) + 3 for shown in (*common, label)) > WIDE:
            break
        common.append(label)
    rows = []
    for name, own in list(folders.items())[:SHOWN]:
        figures = (own.difficulty, *own.shares(common))
        rows.append((name, str(own.images), str(own.failed), *map(percent, figures)))
    title = "mean difficulty and the commonest classes, %"
    console.table(title, ("folder", "images", "failed", "difficulty", *common), rows)
    if len(folders) > SHOWN:
        console.result(f"and {count(len(folders) - SHOWN, 'folder')} more in {summary}")


def _rows(folders: dict[str, Folder], names: tuple[str, ...]) -> Iterator[list[object]]:
    for name, own in folders.items():
        yield [name, own.images, own.failed, own.difficulty, *own.shares(names)]


def _warning(folders: dict[str, Folder], chosen: "TrainedRun") -> str | None:
    """One sentence if these images are clearly harder than the run's validation images."""
    from casnet_cli.evaluation.difficulty_shift import difficulty_shift

    ours = [value for folder in folders.values() for value in folder.difficulties]
    theirs = chosen.meta.calibration.get("difficulty", [])
    found = difficulty_shift(ours, theirs)
    if found is None or not found.harder:
        return None
    means = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return (
        f"these images are harder than the run's validation images: mean difficulty {means[0]:.3f} against "
        f"{means[1]:.3f}, higher in {percent(found.chance)} % of pairs ({found.sigmas:.1f} sigma); "
        "expect more errors than its figures say"
    )
