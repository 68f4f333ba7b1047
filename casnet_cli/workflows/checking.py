"""The work of `casnet check`: check every sample of a data set, show what is wrong and how to mend it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli.data import preparation, sources
from casnet_cli.data.checks.rules import (
    Finding,
    changed_parts,
    check_samples,
    class_pixels,
    missing_samples,
    unmatched_labels,
    usable_samples,
)
from casnet_cli.data.checks.sample_facts import CheckedSample, facts_of
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.membership import folds_of_entries
from casnet_cli.data.pixels import ranges
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.data.splits import SPLITS
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError
from casnet_cli.labels import LabelSet
from casnet_cli.util.files import write_whole
from casnet_cli.util.ordered_map import ordered_map
from casnet_cli.util.text import count, percent
from casnet_cli.workflows.check import PAGE, TITLE
from casnet_cli.workflows.own_data import own_data, recognized
from casnet_cli.workflows.own_folder import opened
from casnet_cli.workflows.own_options import FOLDER, NO_OPTIONS, FolderOptions

SHOWN = 3
"""Files listed below a finding."""


@dataclass(frozen=True)
class CheckedData:
    """A raw or prepared data set to check."""

    where: str
    """Its file, folder or name, for messages."""
    labels: LabelSet
    """Its classes."""
    folds: int | None
    """Number of folds if it is cross-validated."""
    entries: list[Entry]
    """All its samples, not yet read."""
    counts: tuple[tuple[str, int], ...] = ()
    """Samples of each split that a complete copy has, where that is known."""
    spare: tuple[Path, ...] = ()
    """Label files that belong to no image."""
    intensities: Intensities = Intensities()
    """What the pictures hold, and how a network sees them."""
    remarks: Callable[[], tuple[str, ...]] = tuple
    """What was decided of pictures and masks, and done to those read so far, in sentences for the user."""
    content: Mapping[str, str] = field(default_factory=dict)
    """Digests of the parts of a prepared file, as `digests.ContentDigest` gives them; empty: not known."""
    unpacked: str = ""
    """The temporary folder of what was unpacked, which no message should name; empty if nothing was."""

    def named(self, text: str) -> str:
        """The text with the archive's path in place of the temporary folder."""
        return text.replace(self.unpacked, self.where) if self.unpacked else text


def check(data: str, folder: FolderOptions, out: Path | None, json: str | None) -> bool:
    """As `workflows.check.run`, of data that are there. Raises CasnetError if they cannot be checked."""
    with _opened(data, folder) as checked:
        if not checked.entries:
            raise DataError(f"{checked.where}: holds no images")
        samples: list[CheckedSample] = []
        with console.bar("checking") as bar:
            facts = partial(facts_of, classes=len(checked.labels), intensities=checked.intensities)
            for _, future in ordered_map(facts, checked.entries):
                sample = future.result()
                samples.append(replace(sample, where=checked.named(sample.where)))
                bar.update(len(samples), len(checked.entries))
        findings = [
            *missing_samples(samples, checked.counts),
            *check_samples(samples, checked.labels, folds_of_entries(checked.entries, checked.folds)),
            *unmatched_labels(checked.spare),
            *changed_parts(samples, checked.content),
        ]
        findings = [replace(finding, text=checked.named(finding.text)) for finding in findings]
        summary, remarks = _summary(checked, samples), [checked.named(remark) for remark in checked.remarks()]
        if json != "-":
            _show(summary, remarks, findings)
        if out:
            _write_page(out, "; ".join([summary, *remarks]), checked, samples, findings)
    if json:
        console.write_json(_record(checked, samples, remarks, findings), json)
    return all(finding.severity == "note" for finding in findings)


@contextmanager
def _opened(data: str, folder: FolderOptions) -> Iterator[CheckedData]:
    """What DATA names: `folder` with its options, a prepared file, a known data set, or a raw folder or archive."""
    path = Path(data)
    if data == FOLDER:
        found = own_data(folder)
        if found.source and found.layout.evidence:
            console.message(found.layout.sentence)
        yield _of_source(found.complete, Path())
        return
    prepared = path.is_file() and path.suffix == ".h5"
    if folder != NO_OPTIONS and (prepared or data in sources.SOURCES):
        raise InputError(
            f"{data}: --images, --masks and their like are for one's own data (casnet check folder takes them)"
        )
    if prepared:
        yield _of_store(path)
        return
    if data in sources.SOURCES:
        with _known(data) as checked:
            yield checked
        return
    with opened(path, _scratch(), folder) as (root, options):
        yield _recognized(path, root, options)


def _of_store(path: Path) -> CheckedData:
    store = Store(path)
    notes = () if store.intensities.plain else (f"pictures of {ranges.described(store.intensities)}",)
    return CheckedData(
        str(path),
        store.labels,
        store.folds,
        store.entries(),
        intensities=store.intensities,
        remarks=lambda: (*notes, *store.digests.remarks),
        content=store.content,
    )


def _scratch() -> Path:
    """The folder where archives are unpacked: that of data sets if it exists, else that of temporary files."""
    return paths.DATA if paths.DATA.is_dir() else Path(tempfile.gettempdir())


@contextmanager
def _known(name: str) -> Iterator[CheckedData]:
    """The raw data set of that name if it is found, else the prepared one. Raises DataError if there is neither."""
    source = sources.find(name)
    raw = preparation.locate_raw(source, paths.DATA, None)
    if raw is None and source.folder:
        yield _of_store(paths.DATA / f"{name}.h5")
        return
    with preparation.open_raw(raw, _scratch()) as root:
        yield _of_source(source, root, str(raw or name))


def _recognized(path: Path, root: Path, options: FolderOptions) -> CheckedData:
    """A raw data set that is known, or one's own, by what lies in the folder."""
    source, layout = recognized(path, root, options)
    if layout:
        console.message(f"{path}: {layout.sentence}".replace(str(root), str(path)))
    return _of_source(source, root, str(path))


def _of_source(source: Source, root: Path, where: str = "") -> CheckedData:
    unpacked = str(root) if where and root not in (Path(where), Path()) else ""
    entries = source.entries(root)
    with console.bar("looking at pictures") as bar:
        intensities = source.intensities(bar.update)
    return CheckedData(
        where or source.name,
        source.labels,
        source.folds,
        entries,
        source.counts,
        source.spare,
        intensities,
        source.remarks,
        unpacked=unpacked,
    )


def _summary(checked: CheckedData, samples: list[CheckedSample]) -> str:
    numbers = {split: sum(sample.split == split for sample in samples) for split in SPLITS}
    counted = ", ".join(f"{number:,} {split}" for split, number in numbers.items() if number)
    usable = usable_samples(samples)
    sizes = {sample.stored.size for sample in usable}
    totals = sum(class_pixels(usable, len(checked.labels)).values())
    void = f", {percent(totals[-1] / totals.sum())} % of the pixels void" if sizes else ""  # type: ignore[index,union-attr]
    folds = f" in {checked.folds} folds" if checked.folds else ""
    size = count(len(sizes), "size")
    return f"{checked.where}: {counted}{folds}, {count(len(checked.labels), 'class')}, {size}{void}"


def _show(summary: str, remarks: list[str], findings: list[Finding]) -> None:
    for line in (summary, *remarks):
        console.result(line)
    for finding in findings:
        files = finding.files
        console.finding(finding.severity, finding.title)
        more = [f"and {len(files) - SHOWN:,} more"] if len(files) > SHOWN else []
        for line in files[:SHOWN] + more:
            console.result(f"         {line}")
        console.result(f"         → {finding.remedy}")
    if not findings:
        console.result("nothing was found")


def _write_page(
    out: Path,
    summary: str,
    checked: CheckedData,
    samples: list[CheckedSample],
    findings: list[Finding],
) -> None:
    from casnet_cli.reports.check import page

    out.mkdir(parents=True, exist_ok=True)
    title = f"{TITLE}{Path(checked.where).name}"
    write_whole(
        out / PAGE, page(title, summary, checked.entries, samples, findings, checked.labels, checked.intensities)
    )
    console.message(f"wrote {out / PAGE}")


def _record(
    checked: CheckedData, samples: list[CheckedSample], remarks: list[str], findings: list[Finding]
) -> dict[str, object]:
    """The result for programs, by --json."""
    pixels = class_pixels(usable_samples(samples), len(checked.labels))
    return {
        "data": checked.where,
        "folds": checked.folds,
        "intensities": checked.intensities.record(),
        "remarks": remarks,
        "images": {split: sum(sample.split == split for sample in samples) for split in SPLITS},
        "classes": [
            {"name": name, "pixels": {split: int(total[k]) for split, total in pixels.items()}}
            for k, name in enumerate(checked.labels.names)
        ],
        "void_pixels": {split: int(total[-1]) for split, total in pixels.items()},
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "text": finding.text,
                "count": len(finding.files),
                "examples": finding.files,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }
