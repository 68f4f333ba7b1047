"""Unpack an archive of unknown origin into a temporary folder, safely."""

import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from casnet_cli.errors import DataError
from casnet_cli.util.files import remove_stale, unfinished_name
from casnet_cli.util.space import SpaceNeeded, check_space

MAX_BYTES = 40_000_000_000
"""Limit of the unpacked bytes: more than any known data set of segmentation has."""

MAX_RATIO = 200
RATIO_ALLOWANCE = 1_000_000_000
"""Label files of few values shrink a hundredfold; an archive that grows by more than both is taken for a bomb."""

ARCHIVE_CHUNK = 1 << 20
"""Bytes of a member that are read at a time."""

MAX_READ = 16 * ARCHIVE_CHUNK
"""Members are copied in chunks, so a longer single read comes from a tar header that claims gigabytes of memory."""

KINDS = (".zip", ".tar.gz", ".tgz", ".tar")

BROKEN = (
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What the standard library raises on damaged, foreign or encrypted archives, besides other kinds of OSError."""


@contextmanager
def open_archive(path: Path, scratch: Path, only: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """The folder with the files of `path`: itself if it is a folder, else a temporary one inside `scratch`.

    only: gets each member's path with '/' between folders, and returns whether to unpack it; all are examined.
    The temporary folder is removed after the block, also after an error or an interrupt. Empty folders are not made.
    Raises DataError if `path` is missing, damaged or no archive, or has members that point outside, are links or
    devices, or have more bytes than MAX_BYTES or MAX_RATIO times the archive plus RATIO_ALLOWANCE.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder (expected a folder or an archive {', '.join(KINDS)})")
    if not path.name.lower().endswith(KINDS):
        raise DataError(f"{path}: of unknown kind (expected a folder or an archive {', '.join(KINDS)})")
    with unpacked_folder(path, scratch, "unpacked") as folder:
        _unpack(path, folder, only)
        yield folder


@contextmanager
def unpacked_folder(path: Path, scratch: Path, name: str) -> Iterator[Path]:
    """A new folder inside `scratch` for what is unpacked of `path`; removed after the block, whatever happens.

    name: begins the folder's; what ended processes left under it is removed. Raises DataError if it cannot be made.
    """
    folder = unfinished_name(scratch / name)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        remove_stale(scratch / name)
        folder.mkdir()
    except OSError as error:
        raise DataError(f"{scratch}: cannot be written: {error.strerror} (expected room to unpack {path})") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path, folder: Path, only: Callable[[str], bool] | None) -> None:
    output = Unpacking(path, folder, only, limit_of(path.stat().st_size))
    with unpacking(path, folder, "archive", " or ".join(KINDS)):
        if path.name.lower().endswith(".zip"):
            _unpack_zip(path, output)
        else:
            _unpack_tar(path, output)


@contextmanager
def unpacking(
    path: Path, folder: Path, what: str, kinds: str, broken: tuple[type[Exception], ...] = BROKEN
) -> Iterator[None]:
    """Make faults of a file that is unpacked a DataError that names it.

    folder: what it is unpacked into. what, kinds: in words, `archive` and its endings. broken: what a damaged file
    raises besides OSError.
    """
    try:
        yield
    except (OSError, *broken) as error:  # type: ignore[misc]  # mypy takes the tuple for one of anything
        if not isinstance(error, OSError) or error.errno is None:
            fault = f"{path}: damaged or no such {what}: {_line(error)} (expected a complete {kinds})"
            raise DataError(fault) from error
        advice = f"free some space in {folder.parent}" if error.errno == errno.ENOSPC else f"expected a {kinds}"
        raise DataError(f"{path}: cannot be unpacked: {error.strerror} ({advice})") from error


def limit_of(size: int) -> int:
    """Bytes that so many packed ones may become."""
    return min(MAX_BYTES, MAX_RATIO * size + RATIO_ALLOWANCE)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@dataclass
class Unpacking:
    """The folder that members are written to, within a limit of bytes."""

    archive: Path
    """Named in messages."""
    folder: Path
    """Where members are written."""
    only: Callable[[str], bool] | None
    """Whether a member is to be written; None: all are."""
    limit: int
    """Largest number of bytes in all."""
    claimed: int = 0
    """Bytes that the headers so far claim."""
    written: int = 0
    """Bytes written so far."""

    def examined(self, member: str, kind: int, size: int) -> str:
        """The member's path with '/'. Raises DataError if it must not be unpacked.

        kind: one of stat.S_IF..., 0 if unknown. size: bytes that its header claims.
        """
        name = member.replace("\\", "/")
        if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
            raise self.refusal(member, "points outside the archive")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise self.refusal(member, "is a link or a device")
        if size < 0:
            raise self.refusal(member, "has a negative size")
        self.claimed += size
        if self.claimed > self.limit:
            raise self.too_large(member)
        return str(PurePosixPath(name))

    def write(self, name: str, content: IO[bytes]) -> None:
        """Copy an examined member. Raises DataError if all together exceed the limit."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            while chunk := content.read(ARCHIVE_CHUNK):
                self.written += len(chunk)
                # The sizes in the headers were checked, but the archive's author chose them.
                if self.written > self.limit:
                    raise self.too_large(name)
                stream.write(chunk)

    def includes(self, name: str) -> bool:
        """Whether a member is to be written."""
        return self.only is None or self.only(name)

    def refusal(self, member: str, why: str) -> DataError:
        return DataError(f"{self.archive}: member {member!r} {why} (expected only files and folders inside)")

    def too_large(self, member: str) -> DataError:
        return DataError(
            f"{self.archive}: unpacks to more than {self.limit / 1e9:.1f} GB at member {member!r} "
            f"(expected at most {MAX_BYTES // 10**9} GB, and {MAX_RATIO} times the archive plus 1 GB)"
        )


def _unpack_zip(path: Path, output: Unpacking) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [
            output.examined(item.filename, stat.S_IFMT(item.external_attr >> 16), item.file_size) for item in members
        ]
        chosen = [item.file_size for item, name in zip(members, names, strict=True) if output.includes(name)]
        check_space(output.folder, SpaceNeeded(sum(chosen), sum(chosen), f"the files in {path.name}"))
        for member, name in zip(members, names, strict=True):
            if not member.is_dir() and output.includes(name):
                with archive.open(member) as content:
                    output.write(name, content)


def _unpack_tar(path: Path, output: Unpacking) -> None:
    """Examine and write each member as it comes: a compressed archive would have to be inflated twice otherwise."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        inflated: IO[bytes] = gzip.GzipFile(fileobj=file) if zipped else file  # type: ignore[assignment]
        tape = _Tape(inflated, output)
        with closing(inflated), tarfile.open(fileobj=tape, mode="r:") as archive:  # type: ignore[call-overload]
            for member in archive:
                kind = stat.S_IFREG if member.isreg() else stat.S_IFDIR if member.isdir() else stat.S_IFLNK
                name = output.examined(member.name, kind, member.size)
                content = archive.extractfile(member) if member.isreg() and output.includes(name) else None
                if content:
                    output.write(name, content)
            # tarfile takes a damaged header, or none, for the end of the archive; the true end is a block of zeros.
            if tape.last.count(0) != tarfile.BLOCKSIZE:
                raise EOFError("ends before its end mark")
            tape.finish()


class _Tape:
    """A file for tarfile that only moves forward, and no further than the output's limit."""

    last: bytes
    """What the latest `read` returned."""

    def __init__(self, stream: IO[bytes], output: Unpacking):
        self.stream, self.output, self.last = stream, output, b""
        # Room for headers and padding, which no member claims.
        self.limit = output.limit + output.limit // 2

    def tell(self) -> int:
        return self.stream.tell()

    def seek(self, position: int) -> None:
        if position < self.tell():
            raise ValueError("a header points backwards")
        if position > self.limit:
            raise self.output.too_large("(header)")
        self.stream.seek(position)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_READ or self.tell() + size > self.limit:
            raise self.output.too_large("(header)")
        self.last = self.stream.read(size)
        return self.last

    def finish(self) -> None:
        """Read to the end, where gzip compares its checksum of the whole."""
        while self.read(ARCHIVE_CHUNK):
            pass
