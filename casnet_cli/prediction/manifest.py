"""manifest.jsonl: what became of every input. A line is written when its files are whole; the last one counts."""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.inputs import STDIN, Job, frame_name
from casnet_cli.prediction.outputs import FILM, MASK, Outputs
from casnet_cli.util.files import sweep_below

KEYS = (
    "file",
    "status",
    "error",
    "width",
    "height",
    "mask",
    "classes",
    "difficulty_mean",
    "confidence_mean",
    "seconds",
    "made_with",
    "input",
    "outputs",
    "time",
)


class Keeping(Protocol):
    """What is kept of an input: `outputs.Outputs`, or lines of the manifest alone, whose `mask` is None."""

    @property
    def folder(self) -> Path: ...
    @property
    def identity(self) -> str: ...
    @property
    def resume(self) -> bool: ...
    def mask(self, job: Job) -> str | None: ...
    def endings(self, job: Job) -> list[str]: ...
    def answer(self, size: tuple[int, ...]) -> Any: ...
    def save(self, job: Job, image: Any, answer: Any) -> dict[str, Any]: ...


Kept = TypeVar("Kept", bound=Keeping)


class Manifest(Generic[Kept]):
    """What was done in earlier calls, and lines for this one. share: I and N of `--shard I/N`, which has a file of its
    own, so that processes on several machines may write at the same time; what the others did counts as done.

    Opening it clears what a killed call left behind. Raises InputError if the folder cannot be written, or if another
    process writes to this manifest.
    """

    def __init__(self, outputs: Kept, share: tuple[int, int] | None = None):
        self.outputs = outputs
        own = f"-{share[0]}-of-{share[1]}" if share else ""
        self.path, self.summary = outputs.folder / f"manifest{own}.jsonl", outputs.folder / f"summary{own}.csv"
        self.done: dict[str, dict[str, Any]] = {}
        """Input → its last line."""
        self._owners: dict[str, dict[str, Any]] = {}
        """Mask → the line of its making, the last one."""
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
            self._held = self._lock()
            sweep_below(outputs.folder)
            _mend(self.path)
            records = [record for file in outputs.folder.glob("manifest*.jsonl") for record in _read(file)]
        except OSError as error:
            raise InputError(f"{error.filename or self.path}: cannot be written: {reason(error)}") from None
        for record in sorted(records, key=lambda record: record["time"]):
            self._note(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Let other processes write to it."""
        self._held.close()

    def _lock(self) -> FileIO:
        held = FileIO(self.path, "a")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise InputError(
                f"{self.path}: another process writes to it (wait for it, divide the work by --shard, or --out)"
            ) from None
        return held

    def _note(self, record: dict[str, Any]) -> None:
        self.done[record["file"]] = record
        if record["mask"] is not None:
            self._owners[record["mask"]] = record

    def pending(self, jobs: list[Job]) -> list[Job]:
        """What is missing, failed or changed; all of it unless resuming."""
        return [job for job in jobs if not (self.outputs.resume and self._holds(job))]

    def _holds(self, job: Job) -> bool:
        record, outputs = self.done.get(str(job.file)), self.outputs
        if job.file == STDIN or not record or record["status"] != "ok" or record["made_with"] != outputs.identity:
            return False
        mask, wanted = outputs.mask(job), outputs.endings(job)
        if record["mask"] != mask or not set(wanted) <= set(record["outputs"]):
            return False
        if mask is not None and self._owners[mask]["file"] != str(job.file):
            return False
        there = all((outputs.folder / name).exists() for name in written(record | {"outputs": wanted}))
        return there and record["input"] == fingerprint(job.file)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        """One more line, whole in the file before this returns. Raises InputError."""
        record = dict.fromkeys(KEYS) | record | {"time": round(time.time(), 3)}
        # A name that is no UTF-8 becomes the JSON escapes of its bytes.
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._clear(record)
            end = self._held.seek(0, os.SEEK_END)
            try:
                while line:  # a disk that runs full takes a part of it first
                    line = line[self._held.write(line) :]
            except BaseException:
                self._held.truncate(end)
                raise
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {reason(error)}") from None
        self._note(record)
        return record

    def failed(self, job: Job, error: str) -> dict[str, Any]:
        return self.add({"file": str(job.file), "status": "failed", "error": error})

    def _clear(self, record: dict[str, Any]) -> None:
        """Remove what lies beside this mask from an earlier call and was not written with it: of another answer."""
        if before := self._owners.get(record["mask"]):
            for name in set(written(before)) - set(written(record)):
                (self.outputs.folder / name).unlink(missing_ok=True)


def check_unclaimed(outputs: Outputs, jobs: list[Job]) -> None:
    """Raises InputError if a file would be written over in a folder that has no manifest yet."""
    folder = outputs.folder
    if not folder.is_dir() or any(folder.glob("manifest*.jsonl")):
        return
    own = (job.output(folder, ending) for job in jobs for ending in ((FILM,) if job.video else outputs.endings(job)))
    for file in (*folder.glob("summary*.csv"), *own):
        if os.path.lexists(file):
            raise InputError(f"{file}: is there, and no manifest tells of it (choose another --out, or remove it)")


def written(record: dict[str, Any]) -> Iterator[str]:
    """The files of a line, relative to the output folder. Those of a video, but for the overlay, lie in a folder."""
    for ending in record["outputs"]:
        stem = record["mask"].removesuffix(MASK)
        if "frames" in record and ending != FILM:
            yield from (f"{stem}/{frame_name(frame)}{ending}" for frame in range(record["frames"]))
        else:
            yield f"{stem}{ending}"


def _read(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a manifest; a foreign one says nothing of what is done."""
    if not file.is_file():
        return
    for line in file.read_bytes().splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line, object_hook=_once)
            if isinstance(record, dict) and record.keys() >= set(KEYS) and isinstance(record["time"], int | float):
                yield record


def _once(record: dict[str, Any]) -> dict[str, Any]:
    """With the memory of keys, and of the run, shared by all lines: they are most of a line."""
    shared = {sys.intern(key): value for key, value in record.items()}
    if isinstance(shared.get("made_with"), str):
        shared["made_with"] = sys.intern(shared["made_with"])
    return shared


def _mend(path: Path) -> None:
    """Cut off a last line that a kill left unfinished; one that lacks only its end gets it."""
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole == len(text):
        return
    try:
        json.loads(text[whole:])
    except ValueError:
        os.truncate(path, whole)
        return
    with open(path, "ab") as file:
        file.write(b"\n")


def fingerprint(file: Path) -> str | None:
    """Size and time of an input: cheap, and changes when the file does."""
    if file == STDIN:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
