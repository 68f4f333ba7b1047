"""From a raw data set to its prepared file: find or download it, check it, write it."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from casnet_cli import __version__
from casnet_cli.data import download, store
from casnet_cli.data.archives import open_archive
from casnet_cli.data.digests import differences
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.data.stored_size import stored_size
from casnet_cli.errors import CasnetError, DataError
from casnet_cli.util.files import every_file, sha256_of
from casnet_cli.util.hdf5 import open_outside, plain_attribute
from casnet_cli.util.shell import typed
from casnet_cli.util.space import check_space

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""First bytes of every HDF5 file."""

PreparationProgress = Callable[[str, int, int | None], None]
"""Called with the name of the step, how much is done, and of how much (None: unknown)."""


@dataclass(frozen=True)
class PreparedData:
    """The result of a preparation."""

    path: Path
    """The prepared file."""
    source: str
    """What it was made from."""
    unchanged: bool
    """Whether it was there already, of the same source."""
    foreign: tuple[str, ...] = ()
    """The parts, such as `test labels`, that differ from the copy known to be good."""
    remarks: tuple[str, ...] = ()
    """What was decided of the pictures and done to them, in sentences for the user."""


def prepare(
    source: Source,
    data: Path,
    out: Path | None,
    given: Path | None,
    on_progress: PreparationProgress,
    strict: bool = False,
    on_space: Callable[[str], None] = lambda sentence: None,
) -> PreparedData:
    """Write `out`, by default `data/<name>.h5`, from the raw data `given`, else found, else downloaded.

    If the file is there and its source unchanged, only its time is set. strict: refuse data that differ from the copy
    known to be good. on_space: called with a sentence about the space that the file will need, before it is written.
    Raises DataError, or InputError where the disk has too little of it; then nothing was written.
    """
    by_default, out = out is None, out or data / f"{source.name}.h5"
    _check_target(out)
    if by_default and source.roots:
        _check_other_source(out, source)
    raw = locate_raw(source, data, given) or download_raw(source, data, on_progress)
    roots = (raw,) if raw else source.roots
    origin = ", ".join(str(root.resolve()) for root in roots) or f"built into casnet {__version__}"
    if source.history:
        origin += f"; the first of them from {source.history}"
    stamp = _stamp(roots, source.settings, out)
    content = _content(out, source.name)
    current = not source.survey or _attribute(out, "version") == str(store.VERSION)
    if current and content and _attribute(out, "source_stamp") == stamp:
        foreign = differences(content, source.content)
        if not (foreign and strict):
            os.utime(out)
            return PreparedData(out, origin, True, foreign)
    with open_raw(raw, data) as root:
        entries = source.entries(root)
        check_complete(source, entries, root)
        intensities = source.intensities(partial(on_progress, "looking at pictures"))
        digest = " ".join(sha256_of(root, out) for root in roots)
        provenance = {"source": origin, "source_stamp": stamp, "source_sha256": digest}
        if needed := stored_size(entries, len(source.labels), intensities):
            on_space(check_space(out, needed))
        progress = partial(on_progress, "preparing")
        foreign = store.write(out, source, entries, provenance, progress, strict, intensities)
        return PreparedData(out, origin, False, foreign, source.remarks())


def _content(out: Path, name: str) -> dict[str, str]:
    """Digests of the parts of a prepared file of that name; empty if there is none, or one of before the digests of
    samples, which is written anew."""
    try:
        stored = store.Store(out)
    except DataError:
        return {}
    stored.file.close()
    return stored.content if stored.name == name and stored.digests.known else {}


def _check_target(out: Path) -> None:
    """Raises DataError if `out` exists and is no prepared data set."""
    if out.is_dir():
        raise DataError(f"{out}: is a folder (name the file to write, such as {out / 'own.h5'})")
    if os.path.lexists(out) and not (out.is_file() and _replaceable(out)):
        raise DataError(f"{out}: is there already and no prepared data set (choose another --out)")


def _check_other_source(out: Path, source: Source) -> None:
    """Raises DataError if `out` was made from other data than one's own that are to be prepared."""
    stored = _attribute(out, "source")
    if stored is None:
        return
    before, now = Path(stored.partition(", ")[0]), source.roots[0].resolve()
    if before != now and before not in now.parents and now not in before.parents:
        free = f"{source.name}-2"
        raise DataError(
            f"{out}: is there already, made from {before} (--name {free}, or --out {typed(out)} to replace it)"
        )


def locate_raw(source: Source, data: Path, given: Path | None) -> Path | None:
    """The raw data set: `given`, else the official folder or archive in `data` or here; None if it is not found.

    Raises DataError if `given` does not exist.
    """
    if given is not None:
        if not given.exists():
            raise DataError(f"--source {given}: no such file or folder")
        return given
    for name in (source.folder, *source.archives) if source.folder else ():
        for folder in (data, Path()):
            if (folder / name).exists():
                return folder / name
    return None


def download_raw(source: Source, data: Path, on_progress: PreparationProgress) -> Path | None:
    """The raw data set, downloaded into `data`; None for one that is built in.

    Raises DataError naming the file to fetch by hand and where to put it.
    """
    if not source.folder:
        return None
    required = " or ".join((*source.archives[:1], f"the folder {source.folder}/"))
    if source.url is None:
        raise DataError(
            f"{source.name}: not found in {data}/ or here (put {required} there, or name it by --source PATH)"
        )
    target = data / source.archives[0]
    try:
        data.mkdir(parents=True, exist_ok=True)
        download.fetch(source.url, target, lambda done, total: on_progress("downloading", done, total))
    except (CasnetError, OSError) as error:
        raise DataError(
            f"{error} (fetch it by hand, put {required} into {data}/ or here, or name it by --source PATH)"
        ) from None
    return target


def check_complete(source: Source, entries: list[Entry], root: Path) -> None:
    """Raises DataError if an image has no label, or if there are not as many as the authors published."""
    faults = [entry.fault for entry in entries if entry.fault]
    if source.incomplete:
        raise DataError(source.incomplete)
    if faults:
        others = f" ({len(faults)} such; casnet check lists them)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{others}")
    for split, expected in source.counts:
        found = sum(entry.split == split for entry in entries)
        if found != expected:
            raise DataError(f"{root}: {found} {split} images (a complete {source.name} has {expected})")
    if not entries:
        raise DataError(f"{root}: no images (the documentation of data sets shows the layout of {source.name})")


@contextmanager
def open_raw(raw: Path | None, scratch: Path) -> Iterator[Path]:
    """The folder of the raw data set, unpacked below `scratch` if it is an archive; any for built-in data."""
    if raw is None:
        yield Path()
        return
    with open_archive(raw, scratch) as root:
        yield root


def _stamp(roots: tuple[Path, ...], settings: str, out: Path) -> str:
    """A digest of path, size and time of all source files except `out`, and of the settings: changes if they do."""
    if not roots:
        return f"built-in {__version__}"
    digest = hashlib.sha256(settings.encode())
    for root in roots:
        digest.update(os.fsencode(root.resolve()))
        for file in sorted(every_file(root, out)) if root.is_dir() else [root]:
            status = file.stat()
            digest.update(os.fsencode(file.relative_to(root)) + f" {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def numbered(source: Source, added_to: Path) -> Path:
    """The file to write beside the prepared one that a source was added to: `NAME-2.h5`, or the first number behind
    that where nothing is yet, or what was made of the same files."""
    base, _, last = added_to.stem.rpartition("-")
    known = last.isdecimal() and base == source.name
    number = int(last) + 1 if known else 2
    while True:
        path = added_to.with_name(f"{base if known else added_to.stem}-{number}.h5")
        stamp = _stamp(source.roots, source.settings, path)
        if not os.path.lexists(path) or _attribute(path, "source_stamp") == stamp:
            return path
        number += 1


def _replaceable(path: Path) -> bool:
    """Whether a file is a prepared data set, or an HDF5 file too damaged to be recognized."""
    try:
        with open_outside(path, arrays=False) as file:
            return bool(plain_attribute(file.attrs, "format") == store.FORMAT)
    except OSError:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE


def _attribute(path: Path, key: str) -> str | None:
    """A root attribute of a prepared file; None if there is no such file or attribute."""
    try:
        with open_outside(path, arrays=False) as file:
            found = plain_attribute(file.attrs, key)
            return None if found is None else str(found)
    except OSError:
        return None
