"""What `casnet check` does: look at every sample of a data set, say what is wrong and how to mend it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from casnet_cli import console, paths
from casnet_cli.data import preparation, sources
from casnet_cli.data.checks.rules import Finding, check_samples, class_pixels, missing_samples, unmatched_labels
from casnet_cli.data.checks.sample_facts import SampleFacts, UnusableSample, facts_of
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.data.splits import SPLITS
from casnet_cli.data.store import Store
from casnet_cli.errors import CasnetError, DataError, InputError
from casnet_cli.labels import LabelSet
from casnet_cli.util.files import check_replaceable, write_whole
from casnet_cli.util.ordered_map import ordered_map
from casnet_cli.util.text import count, percent
from casnet_cli.workflows.prepare import FOLDER, FolderOptions, folder_source

PAGE, TITLE = "check.html", "Check of "
SHOWN = 3


@dataclass(frozen=True)
class CheckedData:
    """A raw or prepared data set to look at. counts: entries per split that a complete copy has."""

    where: str
    labels: LabelSet
    folds: int | None
    entries: list[Entry]
    counts: tuple[tuple[str, int], ...] = ()
    spare: tuple[Path, ...] = ()
    unpacked: str = ""

    def named(self, text: str) -> str:
        """With the archive's name in place of the folder that it is unpacked into for as long as it is looked at."""
        return text.replace(self.unpacked, self.where) if self.unpacked else text


def run(data: str, own: FolderOptions, out: Path | None, json: str | None) -> bool:
    """Whether neither an error nor a warning was found. Raises CasnetError if it cannot look."""
    if out:
        check_replaceable(out / PAGE, lambda page: f"<title>{TITLE}".encode() in page, "page of casnet check")
    with _subject(data, own) as subject:
        if not subject.entries:
            raise DataError(f"{subject.where}: holds no images")
        looked_at: list[SampleFacts | UnusableSample] = []
        with console.bar("checking") as bar:
            for _, future in ordered_map(lambda entry: facts_of(entry, len(subject.labels)), subject.entries):
                seen = future.result()
                looked_at.append(replace(seen, where=subject.named(seen.where)))
                bar.update(len(looked_at), len(subject.entries))
        findings = [
            *missing_samples(looked_at, subject.counts),
            *check_samples(looked_at, subject.labels, subject.folds),
            *unmatched_labels(subject.spare),
        ]
        findings = [replace(finding, text=subject.named(finding.text)) for finding in findings]
        summary = _summary(subject, looked_at)
        if json != "-":
            _say(summary, findings)
        if out:
            _write_page(out, summary, subject, looked_at, findings)
    if json:
        console.write_json(_answer(subject, looked_at, findings), json)
    return all(finding.severity == "note" for finding in findings)


@contextmanager
def _subject(data: str, own: FolderOptions) -> Iterator[CheckedData]:
    """What is meant by DATA: `folder` with the options of prepare, a prepared file, a name, or a raw data set."""
    path = Path(data)
    if data == FOLDER:
        yield _of_source(folder_source(own), Path())
        return
    if own != FolderOptions():
        raise InputError(f"{data}: --images, --masks and their like are for one's own data (casnet check folder)")
    if path.is_file() and path.suffix == ".h5":
        store = Store(path)
        yield CheckedData(str(path), store.labels, store.folds, store.entries())
        return
    if data in sources.NAMES and not path.exists():
        with _named(data) as subject:
            yield subject
        return
    if not path.exists():
        known = ", ".join(sources.NAMES)
        raise DataError(f"{data}: no such file, folder or data set (known: {known}; or folder, with --images …)")
    with preparation.open_raw(path, _scratch()) as root:
        yield _recognized(path, root)


def _scratch() -> Path:
    """Where archives are unpacked: where data sets lie, else where temporary files do."""
    return paths.DATA if paths.DATA.is_dir() else Path(tempfile.gettempdir())


@contextmanager
def _named(name: str) -> Iterator[CheckedData]:
    """The raw data set of that name where it lies, else the prepared one. Raises DataError if there is neither."""
    source, prepared = sources.find(name), paths.DATA / f"{name}.h5"
    raw = preparation.locate_raw(source, paths.DATA, None)
    if raw is None and source.folder:
        store = Store(prepared)
        yield CheckedData(str(prepared), store.labels, store.folds, store.entries())
        return
    with preparation.open_raw(raw, _scratch()) as root:
        yield _of_source(source, root, str(raw or name))


def _recognized(path: Path, root: Path) -> CheckedData:
    """A raw data set by its official file name; by images/, masks/ and classes.toml in it; else by a known layout."""
    known = [source for source in map(sources.find, sources.NAMES) if source.folder]
    for source in known:
        if path.resolve().name in (source.folder, *source.archives):
            return _of_source(source, root, str(path))
    parts = [root / part for part in ("images", "masks", "classes.toml")]
    if all(part.exists() for part in parts):
        return _of_source(folder_source(FolderOptions(parts[0], parts[1], None, parts[2])), root, str(path))
    for source in known:
        with suppress(CasnetError):
            found = _of_source(source, root, str(path))
            if not all(entry.fault for entry in found.entries):
                return found
    own = "casnet check folder --images DIR --masks DIR --classes FILE.toml"
    raise DataError(f"{path}: of no layout that casnet knows ({own} for one's own data)")


def _of_source(source: Source, root: Path, where: str = "") -> CheckedData:
    unpacked = str(root) if where and not Path(where).is_dir() and root != Path() else ""
    entries = source.entries(root)
    return CheckedData(
        where or source.name, source.labels, source.folds, entries, source.counts, source.spare, unpacked
    )


def _summary(subject: CheckedData, looked_at: list[SampleFacts | UnusableSample]) -> str:
    numbers = {split: sum(one.split == split for one in looked_at) for split in SPLITS}
    counted = ", ".join(f"{number:,} {split}" for split, number in numbers.items() if number)
    sizes = {one.stored.size for one in looked_at if isinstance(one, SampleFacts)}
    totals = sum(class_pixels([one for one in looked_at if isinstance(one, SampleFacts)], len(subject.labels)).values())
    void = f", {percent(totals[-1] / totals.sum())} % of the pixels void" if sizes else ""  # type: ignore[index,union-attr]
    folds = f" in {subject.folds} folds" if subject.folds else ""
    size = count(len(sizes), "size")
    return f"{subject.where}: {counted}{folds}, {count(len(subject.labels), 'class')}, {size}{void}"


def _say(summary: str, findings: list[Finding]) -> None:
    console.result(summary)
    for finding in findings:
        files = finding.files
        console.flagged(finding.severity, finding.title)
        more = [f"and {len(files) - SHOWN:,} more"] if len(files) > SHOWN else []
        for line in files[:SHOWN] + more:
            console.result(f"         {line}")
        console.result(f"         → {finding.remedy}")
    if not findings:
        console.result("nothing was found")


def _write_page(
    out: Path,
    summary: str,
    subject: CheckedData,
    looked_at: list[SampleFacts | UnusableSample],
    findings: list[Finding],
) -> None:
    from casnet_cli.reports.check import page

    out.mkdir(parents=True, exist_ok=True)
    title = f"{TITLE}{Path(subject.where).name}"
    write_whole(out / PAGE, page(title, summary, subject.entries, looked_at, findings, subject.labels))
    console.say(f"wrote {out / PAGE}")


def _answer(
    subject: CheckedData, looked_at: list[SampleFacts | UnusableSample], findings: list[Finding]
) -> dict[str, Any]:
    seen = [one for one in looked_at if isinstance(one, SampleFacts)]
    pixels = class_pixels(seen, len(subject.labels))
    return {
        "data": subject.where,
        "folds": subject.folds,
        "images": {split: sum(one.split == split for one in looked_at) for split in SPLITS},
        "classes": [
            {"name": name, "pixels": {split: int(total[k]) for split, total in pixels.items()}}
            for k, name in enumerate(subject.labels.names)
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
