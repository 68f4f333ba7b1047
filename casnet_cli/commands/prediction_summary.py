"""What a folder of predictions holds, folder by folder, and whether it is harder than what the run was validated on."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from casnet_cli import console
from casnet_cli.errors import InputError, reason
from casnet_cli.files import write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.runs import Checkpoint

SUMMARY = "summary.csv"
SHOWN, COMMON = 12, 4


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

    def shares(self) -> dict[str, float]:
        """Of each class in all pixels, the largest first."""
        ordered = sorted(self.classes.items(), key=lambda item: -item[1])
        return {name: pixels / self.pixels for name, pixels in ordered}

    def told(self) -> dict[str, Any]:
        counts = {"images": self.images, "failed": self.failed, "difficulty_mean": self.difficulty}
        return counts | {"classes": self.shares()}


def by_folder(records: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Folder]:
    """records: the folder of an input, and its line of the manifest."""
    found: dict[str, Folder] = defaultdict(Folder)
    for name, record in records:
        found[name].add(record)
    return dict(sorted(found.items()))


def summarize(jobs: "list[Job]", before: int, manifest: "Manifest", chosen: "Checkpoint", json: str | None) -> int:
    """Show and write what became of all jobs, the `before` done earlier included; returns how many failed."""
    done, out = manifest.done, manifest.outputs.folder
    records = [(str(job.file.parent), done[str(job.file)]) for job in jobs if str(job.file) in done]
    folders = by_folder(records)
    failed = sum(folder.failed for folder in folders.values())
    labelled = sum(folder.images for folder in folders.values()) - before
    names = manifest.outputs.labels.names
    try:
        write_whole(out / SUMMARY, _csv(folders, names))
    except OSError as error:
        raise InputError(f"{out / SUMMARY}: cannot be written: {reason(error)}") from None
    warning = _warning(folders, chosen)
    if json:
        counts = {"labelled": labelled, "before": before, "failed": failed, "warning": warning}
        console.write_json(counts | {"folders": {name: own.told() for name, own in folders.items()}}, json)
    if json != "-":
        _show(folders)
        done_before = f", {before} were done before" if before else ""
        console.result(f"{out}: {labelled} labelled{done_before}, {failed} failed")
    if warning:
        console.say(f"warning: {warning}")
    if failed:
        console.error(f"{console.count(failed, 'input')} failed (see {manifest.path})")
    return failed


def _show(folders: dict[str, Folder]) -> None:
    everywhere: dict[str, float] = defaultdict(float)
    for own in folders.values():
        for label, pixels in own.classes.items():
            everywhere[label] += pixels
    common = sorted(everywhere, key=lambda label: -everywhere[label])[:COMMON]
    rows = []
    for name, own in list(folders.items())[:SHOWN]:
        shares = own.shares()
        figures = (own.difficulty, *(shares.get(label, 0.0) for label in common))
        rows.append((name, str(own.images), str(own.failed), *map(console.percent, figures)))
    title = "mean difficulty and the commonest classes, %"
    console.table(title, ("folder", "images", "failed", "difficulty", *common), rows)
    if len(folders) > SHOWN:
        console.result(f"and {console.count(len(folders) - SHOWN, 'folder')} more in {SUMMARY}")


def _csv(folders: dict[str, Folder], names: tuple[str, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["folder", "images", "failed", "difficulty_mean", *names])
    for name, own in folders.items():
        shares = own.shares()
        told = name.encode("utf-8", "backslashreplace").decode()
        writer.writerow([told, own.images, own.failed, own.difficulty, *(shares.get(label, 0.0) for label in names)])
    return text.getvalue()


def _warning(folders: dict[str, Folder], chosen: "Checkpoint") -> str | None:
    """One sentence if these images are clearly harder than the run's validation images."""
    from casnet_cli.evaluation.drift import drift

    ours = [value for folder in folders.values() for value in folder.difficulties]
    theirs = chosen.meta.calibration.get("difficulty", [])
    found = drift(ours, theirs)
    if found is None or not found.harder:
        return None
    means = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return (
        f"these images are harder than the run's validation images: mean difficulty {means[0]:.3f} against "
        f"{means[1]:.3f}, higher in {console.percent(found.chance)} % of pairs ({found.sigmas:.1f} sigma); "
        "expect more errors than its figures say"
    )
