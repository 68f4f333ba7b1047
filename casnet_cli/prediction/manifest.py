"""manifest.jsonl: what became of every input. A line is written when its files are whole; the last one counts."""

import contextlib
import fcntl
import hashlib
import json
import os
from io import FileIO
from pathlib import Path
from typing import Any, Self

from casnet_cli.errors import InputError, reason
from casnet_cli.files import sweep_below
from casnet_cli.prediction.inputs import STDIN, Job
from casnet_cli.prediction.outputs import Outputs

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
)


class Manifest:
    """What was done in earlier calls, and lines for this one. share: I and N of `--shard I/N`, which has a file of its
    own, so that processes on several machines may write at the same time; what the others did counts as done.

    Opening it clears what a killed call left behind. Raises InputError if the folder cannot be written, or if another
    process writes to this manifest.
    """

    def __init__(self, outputs: Outputs, share: tuple[int, int] | None = None):
        self.outputs = outputs
        own = f"manifest-{share[0]}-of-{share[1]}.jsonl" if share else "manifest.jsonl"
        self.path = outputs.folder / own
        self.done: dict[str, dict[str, Any]] = {}
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
            self._held = self._lock()
            sweep_below(outputs.folder)
            _mend(self.path)
            for file in sorted(outputs.folder.glob("manifest*.jsonl"), key=lambda file: file.stat().st_mtime_ns):
                self._read(file)
        except OSError as error:
            raise InputError(f"{outputs.folder}: cannot be written: {reason(error)}") from None

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

    def _read(self, file: Path) -> None:
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a foreign line says nothing of what is done
                record = json.loads(line)
                self.done[record["file"]] = record

    def pending(self, jobs: list[Job]) -> list[Job]:
        """What is missing, failed or changed; all of it unless resuming."""
        return [job for job in jobs if not (self.outputs.resume and self._holds(job))]

    def _holds(self, job: Job) -> bool:
        record = self.done.get(str(job.file))
        if (
            job.file == STDIN
            or not record
            or record.get("status") != "ok"
            or record.get("made_with") != self.outputs.identity
        ):
            return False
        folder = self.outputs.folder
        mask = job.output(folder, "") if job.video else job.output(folder, ".png")
        same_place = record.get("mask") == mask.relative_to(folder).as_posix()
        there = same_place and mask.exists() and all(file.exists() for file in self.outputs.files(job))
        return there and record.get("input") == fingerprint(job.file)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        """One more line, whole in the file before this returns."""
        record = dict.fromkeys(KEYS) | record
        # A name that is no UTF-8 becomes the JSON escapes of its bytes.
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._held.write(line)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {reason(error)}") from None
        self.done[record["file"]] = record
        return record

    def failed(self, job: Job, error: str) -> dict[str, Any]:
        return self.add({"file": str(job.file), "status": "failed", "error": error})


def _mend(path: Path) -> None:
    """Cut off a last line that a kill left unfinished."""
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        os.truncate(path, whole)


def fingerprint(file: Path) -> str | None:
    """Size and time of an input: cheap, and changes when the file does."""
    if file == STDIN:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
