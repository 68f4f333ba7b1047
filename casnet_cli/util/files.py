"""Files and folders that appear whole or not at all, and removal of what killed processes left unfinished."""

import contextlib
import glob
import hashlib
import os
import platform
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from zipfile import BadZipFile

from casnet_cli.errors import DataError, InputError, reason

LONGEST_NAME = 150
"""Bytes of a file's name that leave room for the name of the machine, up to 64; file systems allow 255 in all."""

BROKEN_NPZ = (OSError, ValueError, LookupError, TypeError, EOFError, NotImplementedError, BadZipFile, zlib.error)
"""What reading a damaged or foreign .npz file raises."""


def every_file(folder: Path, without: Path | None = None) -> Iterator[Path]:
    """Every file below a folder except `without`; links to folders are followed, each folder is entered once."""
    left_out = without and os.path.join(os.path.realpath(without.parent), without.name)
    entered: set[str] = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders.sort()
        files = (Path(where, name) for name in names if os.path.join(real, name) != left_out)
        yield from (file for file in files if file.is_file())


def write_whole(target: Path, content: bytes | str) -> None:
    """Write a file that appears whole or not at all. Raises OSError; what was there is then as it was."""
    with unfinished(target) as path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A path beside the target to write to. It takes the target's place after the block, or is removed if that fails.

    Raises OSError; what was there is then as it was.
    """
    path = unfinished_name(target)
    try:
        yield path
        os.replace(path, target)
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def check_replaceable(target: Path, known: Callable[[bytes], bool], kind: str, option: str = "--out") -> None:
    """Raises InputError if `target` exists and cannot be read, or is no file of the `kind` (a word for the message).

    known: gets the first 4096 bytes; whether they are of that kind. option: by which the target is named.
    """
    try:
        with open(target, "rb") as file:
            content = file.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    if not known(content):
        raise InputError(f"{target}: is there, and is no {kind} (choose another {option}, or remove it)")


def titled(title: str) -> Callable[[bytes], bool]:
    """For `check_replaceable`: whether a file is a page whose title begins with `title`."""
    return lambda head: f"<title>{title}".encode() in head


def check_writable(folder: Path) -> None:
    """Raises InputError if no file can be written into a folder, which is made for the trial if it is not there."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    trial = unfinished_name(folder / "trial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"\0")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
        for one in new:
            with contextlib.suppress(OSError):  # refused where another process has written into it meanwhile
                one.rmdir()


def stays_below(name: str) -> bool:
    """Whether a path from outside, joined to a folder, leads to a place in it: it has no root and no `..`."""
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts


def no_file(path: Path) -> str:
    """Why a path is no file that can be read, in words."""
    return "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "no such file"


def unfinished_name(target: Path) -> Path:
    """A hidden path beside the target for this process alone, by a name that `remove_stale` recognizes."""
    return target.with_name(f".{_short(target.name)}.{_process(os.getpid())}.part")


@contextlib.contextmanager
def removed_if_empty(*folders: Path) -> Iterator[None]:
    """Remove each folder after the block if it is empty then."""
    try:
        yield
    finally:
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()  # refused while anything lies in it


def remove_stale(target: Path) -> None:
    """Remove unfinished files of `target` that ended processes of this machine left."""
    _remove_stale(target.parent.glob(f".{glob.escape(_short(target.name))}.{_process('*')}.part"))


def remove_stale_below(folder: Path) -> None:
    """Remove unfinished files below a folder that ended processes of this machine left."""
    _remove_stale(folder.rglob(f".*.{_process('*')}.part"))


def _remove_stale(files: Iterable[Path]) -> None:
    for file in files:
        number = file.name.removesuffix(".part").rpartition("-")[2]
        if number.isdigit() and not _alive(int(number)):
            with contextlib.suppress(OSError):
                shutil.rmtree(file) if file.is_dir() else file.unlink()


def _short(name: str) -> str:
    """The name itself; 32 digits of its sha256 if it is too long for an addition."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_NAME else hashlib.sha256(encoded).hexdigest()[:32]


def _process(number: int | str) -> str:
    return f"{platform.node().replace('/', '_')}-{number}"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's process
        return True
    return True


def sha256_of(path: Path, without: Path | None = None) -> str:
    """Hexadecimal sha256 of a file; of a folder, over each file's relative name, a NUL and its own sha256, by name.

    without: a file below the folder that is left out. Raises DataError if something cannot be read.
    """
    try:
        if not path.is_dir():
            return _digest(path).hex()
        files = {file.relative_to(path).as_posix(): file for file in every_file(path, without)}
        whole = hashlib.sha256()
        for name in sorted(files):
            whole.update(os.fsencode(name) + b"\0" + _digest(files[name]))
        return whole.hexdigest()
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror} (expected a file)") from error


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
