"""From a raw data set's name to its prepared file: find or download it, check it, write it."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py

from casnet_cli import __version__
from casnet_cli.data import download, store
from casnet_cli.data.archives import open_archive
from casnet_cli.data.digests import differences
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.errors import CasnetError, DataError
from casnet_cli.util.files import every_file, sha256_of

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How every HDF5 file begins."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is going on, how much is done, and of how much (None: unknown)."""


@dataclass(frozen=True)
class PreparedData:
    """path: the prepared file. source: what it was made from. unchanged: it was there already, of the same source.

    foreign: the parts, such as `test labels`, that are not those of the copy known to be good.
    """

    path: Path
    source: str
    unchanged: bool
    foreign: tuple[str, ...] = ()


def prepare(
    source: Source, data: Path, out: Path | None, given: Path | None, on_progress: Progress, strict: bool = False
) -> PreparedData:
    """Write `out` (default `data/<name>.h5`) from `given`, or from what `locate` finds or downloads.

    A file made from the same unchanged source is only touched. strict: refuse what differs from the copy known to be
    good. Raises DataError; then nothing was written.
    """
    out = out or data / f"{source.name}.h5"
    _verify_target(out)
    raw = locate_raw(source, data, given) or download_raw(source, data, on_progress)
    roots = (raw,) if raw else source.roots
    origin = ", ".join(str(root.resolve()) for root in roots) or f"built into casnet {__version__}"
    stamp = _stamp(roots, source.settings, out)
    content = _recorded(out, "content")
    if content and _recorded(out, "source_stamp") == stamp and _recorded(out, "name") == source.name:
        foreign = differences(json.loads(content), source.content)
        if not (foreign and strict):
            os.utime(out)
            return PreparedData(out, origin, True, foreign)
    with open_raw(raw, data) as root:
        entries = source.entries(root)
        check_complete(source, entries, root)
        digest = " ".join(sha256_of(root, out) for root in roots)
        provenance = {"source": origin, "source_stamp": stamp, "source_sha256": digest}
        progress = partial(on_progress, "preparing")
        return PreparedData(out, origin, False, store.write(out, source, entries, provenance, progress, strict))


def _verify_target(out: Path) -> None:
    """Raises DataError if what lies there is nothing that may be replaced."""
    if out.is_dir():
        raise DataError(f"{out}: is a folder (name the file to write, such as {out / 'own.h5'})")
    if os.path.lexists(out) and not (out.is_file() and _replaceable(out)):
        raise DataError(f"{out}: is there already and no prepared data set (choose another --out)")


def locate_raw(source: Source, data: Path, given: Path | None) -> Path | None:
    """The raw data set: `given`, else the official folder or archive in `data/` or here; None where there is none.

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


def download_raw(source: Source, data: Path, on_progress: Progress) -> Path | None:
    """The raw data set downloaded into `data/`; None for one that is built in.

    Raises DataError with the file to fetch and where to put it.
    """
    if not source.folder:
        return None
    wanted = " or ".join((*source.archives[:1], f"the folder {source.folder}/"))
    if source.url is None:
        raise DataError(
            f"{source.name}: not found in {data}/ or here (put {wanted} there, or name it by --source PATH)"
        )
    target = data / source.archives[0]
    try:
        data.mkdir(parents=True, exist_ok=True)
        download.fetch(source.url, target, lambda done, total: on_progress("downloading", done, total))
    except (CasnetError, OSError) as error:
        raise DataError(
            f"{error} (fetch it by hand, put {wanted} into {data}/ or here, or name it by --source PATH)"
        ) from None
    return target


def check_complete(source: Source, entries: list[Entry], root: Path) -> None:
    """Every image has its label, and there are as many as the authors published. Raises DataError naming what lacks."""
    faults = [entry.fault for entry in entries if entry.fault]
    if faults:
        raise DataError(f"{faults[0]} ({len(faults)} such, expected none; casnet check lists them)")
    for split, expected in source.counts:
        found = sum(entry.split == split for entry in entries)
        if found != expected:
            raise DataError(f"{root}: {found} {split} images (a complete {source.name} has {expected})")
    if not entries:
        raise DataError(f"{root}: no images (see the README for the layout of {source.name})")


@contextmanager
def open_raw(raw: Path | None, scratch: Path) -> Iterator[Path]:
    """The folder of the raw data set, unpacked below `scratch` if it is an archive; any for a built-in one."""
    if raw is None:
        yield Path()
        return
    with open_archive(raw, scratch) as root:
        yield root


def _stamp(roots: tuple[Path, ...], settings: str, out: Path) -> str:
    """Path, size and time of archives, or of every file in folders but `out`: cheap, and changes if the source does."""
    if not roots:
        return f"built-in {__version__}"
    digest = hashlib.sha256(settings.encode())
    for root in roots:
        digest.update(os.fsencode(root.resolve()))
        for file in sorted(every_file(root, out)) if root.is_dir() else [root]:
            status = file.stat()
            digest.update(os.fsencode(file.relative_to(root)) + f" {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _replaceable(path: Path) -> bool:
    """Whether a file is a prepared data set, or such a damaged one that nobody can tell."""
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("format") == store.FORMAT
    except OSError:
        with path.open("rb") as open_archive:
            return open_archive.read(len(SIGNATURE)) == SIGNATURE


def _recorded(path: Path, key: str) -> str | None:
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get(key)
            return None if found is None else str(found)
    except OSError:
        return None
