"""manifest.jsonl: what became of every input. A line is written once its files are; an input's last line counts."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypedDict, TypeVar, cast

import numpy as np

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.errors import InputError, reason
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.prediction.inputs import STDIN, Job, frame_name
from casnet_cli.prediction.output_kinds import FOLDER_KINDS, FOLDER_STEM, OUTPUT_KINDS, VIDEO_OVERLAY
from casnet_cli.runs.records import ManifestLine
from casnet_cli.util import locks
from casnet_cli.util.files import remove_stale_below

KEYS = tuple(name for name, field in ManifestLine.model_fields.items() if field.is_required())
"""Keys of every line, in order; null where they do not apply."""


class ManifestEntry(TypedDict, total=False):
    """A line in memory; `ManifestLine` describes its keys. A plain dictionary, as there may be a million of them."""

    file: str
    """The input, as it was named or found."""
    status: str
    """`ok`, or `failed`, with None from width to outputs."""
    error: str | None
    """Why it failed."""
    width: int
    """In pixels, turned by its EXIF tag."""
    height: int
    """In pixels."""
    mask: str | None
    """The mask, or a video's folder of masks, relative to the output folder; None: none was written."""
    classes: dict[str, float]
    """Share of each class in the pixels, 0..1."""
    difficulty_mean: float
    """Mean over the pixels, 0..1."""
    confidence_mean: float | None
    """Mean of the largest probability, 0..1; None: the network does not give it."""
    seconds: float
    """Time that labelling and writing took."""
    made_with: str
    """Digest of the checkpoint and of the options that decide a result."""
    input: str | None
    """Digest of the input's size and time."""
    outputs: list[str]
    """Endings of the files written."""
    time: float
    """When the line was written, in seconds since 1970."""
    frames: int
    """Of a video."""
    rejected: float
    """Share of pixels made void by `--reject-below`."""
    georeferenced: bool
    """True: the input lies somewhere on the earth."""
    overlay_step: int
    """The overlay shows one pixel of so many, across and down."""


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
    """What earlier calls have done, and the lines of this one.

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
        processes from writing."""
        self.outputs = outputs
        own = share_name(share)
        self.path, self.summary = outputs.folder / f"manifest{own}.jsonl", outputs.folder / f"summary{own}.csv"
        self.done: dict[str, ManifestEntry] = {}
        """Input → its last line."""
        self._owners: dict[str, ManifestEntry] = {}
        """Mask → the last line that names it."""
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
            self._locked = self._lock(warn)
            remove_stale_below(outputs.folder)
            _mend(self.path)
            records = [record for file in outputs.folder.glob("manifest*.jsonl") for record in _read(file)]
        except OSError as error:
            raise InputError(f"{error.filename or self.path}: cannot be written: {reason(error)}") from None
        for record in sorted(records, key=lambda record: record["time"]):
            self._note(record)

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
            held.close()
            raise InputError(
                f"{self.path}: another process writes to it (wait for it, divide the work by --shard, or --out)"
            ) from None
        return held

    def _note(self, record: ManifestEntry) -> None:
        self.done[record["file"]] = record
        if record["mask"] is not None:
            self._owners[record["mask"]] = record

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
        if mask is not None and self._owners[mask]["file"] != str(job.file):
            return False
        complete = all((outputs.folder / name).exists() for name in _files(record, endings))
        return complete and record["input"] == fingerprint(job.file)

    def usable(self) -> Iterator[ManifestEntry]:
        """Lines of inputs whose masks are theirs and were made as this call makes them, in the order of the masks'
        names."""
        for _, record in sorted(self._owners.items()):
            if self.done[record["file"]] is record and record["made_with"] == self.outputs.identity:
                yield record

    def foreign(self) -> int:
        """Number of inputs whose masks were made by another run or with other options."""
        done = [record for record in self.done.values() if record["mask"] is not None]
        return sum(record["made_with"] != self.outputs.identity for record in done)

    def add(self, entry: ManifestEntry) -> ManifestEntry:
        """Write a line, with its time and null for keys that are missing, and return it. Raises InputError."""
        record = cast(ManifestEntry, dict.fromkeys(KEYS) | entry | {"time": round(time.time(), 3)})
        # A name that is no UTF-8 becomes the JSON escapes of its bytes.
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._clear(record)
            end = self._locked.seek(0, os.SEEK_END)
            try:
                while line:  # a disk that is nearly full takes a part of it first
                    line = line[self._locked.write(line) :]
            except BaseException:
                self._locked.truncate(end)
                raise
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {reason(error)}") from None
        self._note(record)
        return record

    def failed(self, job: Job, error: str) -> ManifestEntry:
        """Write the line of an input that could not be labelled. Raises InputError."""
        return self.add({"file": str(job.file), "status": "failed", "error": error})

    def _clear(self, record: ManifestEntry) -> None:
        """Remove files beside this mask that an earlier call wrote and this one did not: they are out of date."""
        if before := self._owners.get(cast(str, record["mask"])):
            for name in set(written(before)) - set(written(record)):
                (self.outputs.folder / name).unlink(missing_ok=True)


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


def written(record: ManifestEntry) -> Iterator[str]:
    """The files of a line, relative to the output folder."""
    return _files(record, record["outputs"])


def _files(record: ManifestEntry, endings: Iterable[str]) -> Iterator[str]:
    """The files of these endings. Those of a video, but for the overlay, lie in a folder."""
    mask = OUTPUT_KINDS["mask"].ending
    for ending in endings:
        stem = cast(str, record["mask"]).removesuffix(mask)
        if "frames" in record and ending != VIDEO_OVERLAY:
            yield from (f"{stem}/{frame_name(frame)}{ending}" for frame in range(record["frames"]))
        else:
            yield f"{stem}{ending}"


def _read(file: Path) -> Iterator[ManifestEntry]:
    """The lines of a manifest; lines of another program are left out."""
    if not file.is_file():
        return
    for line in file.read_bytes().splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line, object_hook=_interned)
            if isinstance(record, dict) and record.keys() >= set(KEYS) and _usable(record):
                yield cast(ManifestEntry, record)


def _usable(record: dict[str, Any]) -> bool:
    """Whether the values that decide what is done are of the types of a `ManifestEntry`."""
    mask, endings = record["mask"], record["outputs"]
    named = isinstance(record["file"], str) and isinstance(record["time"], int | float)
    if record["status"] != "ok":
        return named and mask is None
    listed = isinstance(endings, list) and all(isinstance(ending, str) for ending in endings)
    return named and listed and isinstance(mask, str | None) and isinstance(record.get("frames", 0), int)


def _interned(record: dict[str, Any]) -> dict[str, Any]:
    """With keys and the run's digest in memory once for all lines: they are most of a line."""
    shared = {sys.intern(key): value for key, value in record.items()}
    if isinstance(shared.get("made_with"), str):
        shared["made_with"] = sys.intern(shared["made_with"])
    return shared


def _mend(path: Path) -> None:
    """Cut off a last line that a killed process left unfinished; one that lacks only its newline gets it."""
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole == len(text):
        return
    try:
        json.loads(text[whole:])
    except (ValueError, RecursionError):
        os.truncate(path, whole)
        return
    with open(path, "ab") as file:
        file.write(b"\n")


def fingerprint(file: Path) -> str | None:
    """Digest of an input's size and time: cheap, and changes with the file. None: standard input, or no such file."""
    if file == STDIN:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
