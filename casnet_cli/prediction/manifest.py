"""manifest.jsonl: what became of every input. A line is written once its files are; an input's later line counts.

Clocks decide nothing: every call has a number, one above the largest in the folder. Between manifests of several shares
the larger number holds.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack
from io import FileIO
from operator import itemgetter
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar, cast

import numpy as np

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.errors import InputError, reason
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.prediction import output_files
from casnet_cli.prediction.inputs import STDIN, Job
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.manifest_lines import ForeignLines, KnownLines, mend, read_lines
from casnet_cli.prediction.output_files import check_place, digest_of, files_of, is_own, present, written
from casnet_cli.prediction.output_kinds import FOLDER_KINDS, FOLDER_STEM, VIDEO_OVERLAY
from casnet_cli.prediction.writers import Unsaved
from casnet_cli.runs.json_record import Record
from casnet_cli.runs.manifest_record import LAST_CALL, ManifestLine
from casnet_cli.util import locks
from casnet_cli.util.files import remove_stale_below

KEYS = tuple(name for name, field in ManifestLine.model_fields.items() if field.is_required())
"""Keys of every line, in order; null where they do not apply."""


class OutputPlan(Protocol):
    """Which files belong to an input: those of `outputs.Outputs`, or none but the manifest."""

    @property
    def folder(self) -> Path:
        """Output folder."""
        ...

    @property
    def identity(self) -> str:
        """Digest of all that decides a result; results of another identity are out of date."""
        ...

    @property
    def resume(self) -> bool:
        """Whether results of earlier calls count."""
        ...

    @property
    def line_model(self) -> type[Record]:
        """What a line of the manifest must fit."""
        ...

    def mask_name(self, job: Job) -> str | None:
        """The mask, relative to the folder; None: no mask is written."""
        ...

    def endings(self, job: Job, georeferenced: bool = False) -> list[str]:
        """Endings of the job's files. georeferenced: its input lies somewhere on the earth."""
        ...


class PartialResult(Protocol):
    """The prediction for an image while its blocks come in."""

    def add(self, rows: slice, columns: slice, outputs: PixelOutputs) -> None:
        """Put in the outputs of a block."""
        ...


Result = TypeVar("Result", bound=PartialResult)


class ResultWriter(OutputPlan, Protocol[Result]):
    """Collects the prediction for an image and writes its files."""

    def new_result(self, size: tuple[int, ...], on_disk: bool = False) -> Result:
        """An empty result for an image of that height and width. on_disk: it is too large for memory."""
        ...

    def save(
        self, job: Job, image: np.ndarray, result: Result, georeference: Georeference | None = None
    ) -> ManifestEntry:
        """Write all files of an image (H, W, 3) uint8; returns its line. Raises InputError."""
        ...


Plan = TypeVar("Plan", bound=OutputPlan, covariant=True)


class Manifest(Generic[Plan]):
    """What earlier calls have done, and the lines of this one. `engine`, once it is set, is noted in these.

    Opening it removes the unfinished files of killed processes. Raises InputError if the folder cannot be written, or
    if another process writes to this manifest.
    """

    def __init__(
        self,
        outputs: Plan,
        share: tuple[int, int] | None = None,
        warn: Callable[[str], object] = lambda text: None,
    ):
        """share: I and N of `--shard I/N`, which has a file of its own, so that processes on several machines may write
        at the same time; what the others have done counts as done. warn: gets a line where nothing can keep other
        processes from writing, and for each manifest with lines that are not casnet's."""
        self.outputs = outputs
        own = share_name(share)
        self.path, self.summary = outputs.folder / f"manifest{own}.jsonl", outputs.folder / f"summary{own}.csv"
        self._known, self._doubtful = KnownLines(), False
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
            for file in (self.path, self.summary):
                check_place(outputs.folder, file)
            self._locked = self._lock(warn)
            with ExitStack() as stack:
                stack.callback(self._locked.close)
                remove_stale_below(outputs.folder)
                mend(self.path)
                for file in sorted(outputs.folder.glob("manifest*.jsonl")):
                    self._read(file, warn)
                if self._known.call + 1 == LAST_CALL:
                    raise InputError(f"{outputs.folder}: its calls have no numbers any more (choose another --out)")
                stack.pop_all()
        except OSError as error:
            raise InputError(f"{error.filename or self.path}: cannot be written: {reason(error)}") from None
        self._call = self._known.call + 1
        self.engine: str | None = None

    @property
    def done(self) -> dict[str, ManifestEntry]:
        """Input → its last line."""
        return self._known.done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Release the lock, so that other processes may write."""
        self._locked.close()

    def _lock(self, warn: Callable[[str], object]) -> FileIO:
        held = FileIO(self.path, "a")
        try:
            locks.lock(held, warn)
        except BlockingIOError:
            raise InputError(
                f"{self.path}: another process writes to it (wait for it, divide the work by --shard, or --out)"
            ) from None
        return held

    def _read(self, file: Path, warn: Callable[[str], object]) -> None:
        """Take in the lines of a manifest. Raises OSError, InputError."""
        if not is_own(self.outputs.folder, file.name):
            warn(f"{file}: left out: not a regular file")
            return
        found, foreign = KnownLines(), ForeignLines(file)
        for line in read_lines(file, self.outputs.line_model, foreign):
            found.note(line)
        self._known.merge(found, self._fits)
        if foreign.found:
            self._doubtful = True
            warn(foreign.sentence)

    def _fits(self, line: ManifestEntry) -> bool:
        """Whether the mask is there as the line says, as far as it says it."""
        if line["status"] != "ok" or line["mask"] is None:
            return line["status"] == "ok"
        digest = line.get("mask_digest")
        return digest is None or digest == digest_of(self.outputs.folder / line["mask"])

    def _holds(self, line: ManifestEntry) -> bool:
        """Whether the mask is of that line where others may have been written since: after lines of another manifest,
        or of somebody else."""
        doubtful = self._doubtful or line["mask"] in self._known.contested
        return line["mask"] not in self._known.undecided and (not doubtful or self._fits(line))

    def pending(self, jobs: list[Job]) -> list[Job]:
        """Jobs whose outputs are missing, failed or out of date; all jobs unless resuming."""
        return [job for job in jobs if not (self.outputs.resume and self._is_done(job))]

    def _is_done(self, job: Job) -> bool:
        record, outputs = self.done.get(str(job.file)), self.outputs
        if job.file == STDIN or not record or record["status"] != "ok" or record["made_with"] != outputs.identity:
            return False
        mask, endings = outputs.mask_name(job), outputs.endings(job, record.get("georeferenced", False))
        if record["mask"] != mask or not set(endings) <= set(record["outputs"]):
            return False
        if mask is not None and self._known.owners[mask]["file"] != str(job.file):
            return False
        complete = all(is_own(outputs.folder, name) for name in files_of(record, endings))
        return complete and record["input"] == fingerprint(job.file) and self._holds(record)

    def usable(self) -> Iterator[ManifestEntry]:
        """Lines of inputs whose masks are theirs and were made as this call makes them, in the order of the masks'
        names."""
        for _, record in sorted(self._known.owners.items(), key=itemgetter(0)):
            current = self.done[record["file"]] is record and record["made_with"] == self.outputs.identity
            if current and self._holds(record):
                yield record

    def foreign(self) -> int:
        """Number of inputs whose masks were made by another run or with other options."""
        done = [record for record in self.done.values() if record["mask"] is not None]
        return sum(record["made_with"] != self.outputs.identity for record in done)

    def add(self, entry: ManifestEntry, kept: Container[str] = ()) -> ManifestEntry:
        """Write a line, with its time and null for keys that are missing, and return it. Raises InputError.

        Files of earlier calls that are out of date are removed before; those of an input that failed are moved to
        `NAME.stale.png` and the like, as nobody knows how it looks now. kept: files that this call wrote all the same.
        """
        ours: ManifestEntry = {"time": round(time.time(), 3), "call": self._call}
        if self.engine and entry["status"] == "ok":
            ours["engine"] = self.engine
        record = cast(ManifestEntry, dict.fromkeys(KEYS) | entry | ours)
        try:
            if record["status"] == "ok":
                self._clear(record)
            else:
                self._set_aside(record, kept)
            # A name that is no UTF-8 becomes the JSON escapes of its bytes.
            self._write(json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {reason(error)}") from None
        self._known.note(record)
        return record

    def _write(self, line: bytes) -> None:
        """All of it or nothing. Raises OSError."""
        end = self._locked.seek(0, os.SEEK_END)
        try:
            while line:  # a disk that is nearly full takes a part of it first
                line = line[self._locked.write(line) :]
        except BaseException:
            self._locked.truncate(end)
            raise

    def failed(self, job: Job, error: str, frames: int = 0) -> ManifestEntry:
        """Write the line of an input that could not be labelled. frames: of a video, those at its beginning that could.
        Raises InputError."""
        labelled = cast(ManifestEntry, {"mask": self.outputs.mask_name(job), "frames": frames})
        kept = files_of(labelled, (ending for ending in self.outputs.endings(job) if ending != VIDEO_OVERLAY))
        return self.add({"file": str(job.file), "status": "failed", "error": error}, frozenset(kept if frames else ()))

    def _clear(self, record: ManifestEntry) -> None:
        """Remove files beside this mask that an earlier call wrote and this one did not, and those set aside."""
        folder = self.outputs.folder
        if before := self._known.owners.get(cast(str, record["mask"])):
            output_files.remove(folder, set(present(folder, before)) - set(written(record)))
        failed, made = self.done.get(record["file"], {}), self._known.made.get(record["file"])
        if made and (stale := failed.get("stale")):
            output_files.remove_all(folder, cast(ManifestEntry, made | {"mask": stale}))

    def _set_aside(self, record: ManifestEntry, kept: Container[str]) -> None:
        """Move the files of an input that failed now, and note where its mask lies since then, or an earlier call."""
        before = self.done.get(record["file"])
        made = before if before and before["status"] == "ok" else self._known.made.get(record["file"])
        if not made or not made["mask"] or self._known.owners[made["mask"]]["file"] != record["file"]:
            return
        try:
            if stale := output_files.set_aside(self.outputs.folder, made, kept) or (before or {}).get("stale"):
                record["stale"] = stale
        except Unsaved as fault:
            record["error"] = f"{record['error']}; and its files of an earlier call could not be moved away: {fault}"


def share_name(share: tuple[int, int] | None) -> str:
    """What I and N of `--shard I/N` add to the names of files of the output folder."""
    return f"-{share[0]}-of-{share[1]}" if share else ""


def check_unclaimed(outputs: OutputPlan, jobs: list[Job]) -> None:
    """Raises InputError if a file would be written over in a folder that has no manifest yet."""
    folder = outputs.folder
    if not folder.is_dir() or any(folder.glob("manifest*.jsonl")):
        return
    videos = (VIDEO_OVERLAY,)
    own = (
        job.output(folder, ending)
        for job in jobs
        for ending in (videos if job.video else outputs.endings(job, job.maybe_georeferenced))
    )
    together = (file for kind in FOLDER_KINDS.values() for file in folder.glob(f"{FOLDER_STEM}*{kind.ending}"))
    for file in (*folder.glob("summary*.csv"), *together, *own):
        if os.path.lexists(file):
            raise InputError(f"{file}: exists, and no manifest lists it (choose another --out, or remove it)")


def fingerprint(file: Path) -> str | None:
    """Digest of an input's size and time: cheap, and changes with the file. None: standard input, or no such file."""
    if file == STDIN:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
