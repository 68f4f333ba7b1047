"""Label folders of images: a transaction per image, and a manifest that says what became of each."""

import contextlib
import hashlib
import json
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.images import UNREADABLE, decode_rgb
from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.prediction import writers

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".jfif"}
AHEAD = 4


@dataclass(frozen=True)
class Job:
    """An input file and the stem of its outputs, relative to the output folder."""

    file: Path
    stem: Path


def find_images(paths: Iterable[Path], out: Path) -> list[Job]:
    """Every image under the given folders, and each given file, in sorted order; sub-folders are kept in the stem.

    Inputs whose outputs would share a name keep their extension in the stem; what lies in `out` is no input. Raises
    InputError for a path that does not exist, a file that is no image by its ending, an output that would be written
    over an input, and if there is nothing at all.
    """
    found: dict[Path, Path] = {}
    own = out.resolve()
    for path in paths:
        if path.is_dir():
            if path.resolve() == own:
                raise InputError(
                    f"{path}: is also the output folder (inputs are never written to: choose another --out)"
                )
            below = (file for file in sorted(path.rglob("*")) if file.suffix.lower() in IMAGE_ENDINGS)
            below = (file for file in below if own not in file.parent.resolve().joinpath("x").parents)
            found |= {file: file.relative_to(path) for file in below if not file.is_dir()}
        elif path.suffix.lower() not in IMAGE_ENDINGS:
            wrong = "no such file or folder" if not path.exists() else "not an image by its ending"
            raise InputError(f"{path}: {wrong} (a folder, or one of {', '.join(sorted(IMAGE_ENDINGS))})")
        elif not path.exists() and not path.is_symlink():
            raise InputError(f"{path}: no such file")
        else:
            found[path] = Path(path.name)
    if not found:
        named = ", ".join(str(path) for path in paths)
        raise InputError(f"{named}: no image in it (one of {', '.join(sorted(IMAGE_ENDINGS))})")
    inputs = {file.resolve() if not file.is_symlink() else file.absolute() for file in found}
    short = [Job(file, relative.with_suffix("")) for file, relative in found.items()]
    claims = Counter(output for job in short for output in _files(own, job))
    jobs = []
    for job, relative in zip(short, found.values(), strict=True):
        shared = any(claims[output] > 1 for output in _files(own, job))
        jobs.append(Job(job.file, relative) if shared else job)
        if any(output in inputs for output in _files(own, jobs[-1])):
            raise InputError(f"{job.file}: would be written over (inputs are never written to: choose another --out)")
    return jobs


@dataclass(frozen=True)
class Outputs:
    """Where results go and how. identity: of the run and options; a result made with another one is made anew."""

    folder: Path
    labels: LabelSet
    identity: str
    overlay: bool = True
    resume: bool = True


def predict_folder(
    answer: Callable[[np.ndarray], dict[str, np.ndarray]], jobs: list[Job], manifest: "Manifest"
) -> Iterator[dict[str, Any]]:
    """Label every job, and yield its line of the manifest once its files are written.

    Decoding runs ahead and writing behind in threads. Raises InputError if the output folder cannot be written.
    """
    outputs = manifest.outputs
    with ThreadPoolExecutor(2) as pool:
        writing: deque[Future[dict[str, Any]]] = deque()
        for job, decoded in _ahead(pool, jobs):
            began = time.perf_counter()
            try:
                image = decoded.result()
                said = answer(image)
            except (*UNREADABLE, MemoryError) as error:
                yield manifest.add({"file": str(job.file), "status": "failed", "error": reason(error)})
                continue
            writing.append(pool.submit(save, job, image, said, outputs, began))
            while len(writing) > AHEAD:
                yield manifest.add(writing.popleft().result())
        for future in writing:
            yield manifest.add(future.result())


def _ahead(pool: ThreadPoolExecutor, jobs: Iterable[Job]) -> Iterator[tuple[Job, "Future[np.ndarray]"]]:
    waiting: deque[tuple[Job, Future[np.ndarray]]] = deque()
    for job in jobs:
        waiting.append((job, pool.submit(read_image, job.file)))
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting


def read_image(file: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned as its EXIF tag says. Raises one of UNREADABLE."""
    with open(file, "rb") as opened:
        return np.asarray(decode_rgb(opened, oriented=True))


def save(job: Job, image: np.ndarray, said: dict[str, np.ndarray], outputs: Outputs, began: float) -> dict[str, Any]:
    """Write all files of one image; returns its line of the manifest. Raises InputError."""
    mask, difficulty = said["mask"], said["difficulty"]
    mask_file, difficulty_file, overlay_file = _files(outputs.folder, job)
    try:
        mask_file.parent.mkdir(parents=True, exist_ok=True)
        writers.write_difficulty(difficulty_file, difficulty)
        if outputs.overlay:
            writers.write_overlay(overlay_file, image, mask, outputs.labels)
        writers.write_mask(mask_file, mask, outputs.labels)
    except OSError as error:
        raise InputError(f"{mask_file}: cannot be written: {reason(error)}") from None
    counts = np.bincount(mask.ravel(), minlength=len(outputs.labels))
    shares = zip(outputs.labels.names, counts / mask.size, strict=True)
    return {
        "file": str(job.file),
        "status": "ok",
        "error": None,
        "width": image.shape[1],
        "height": image.shape[0],
        "mask": mask_file.relative_to(outputs.folder).as_posix(),
        "classes": {name: round(float(share), 6) for name, share in shares if share},
        "difficulty_mean": round(float(difficulty.mean()), 6),
        "confidence_mean": round(float(said["confidence"].mean()), 6),
        "seconds": round(time.perf_counter() - began, 4),
        "input": _fingerprint(job.file),
        "made_with": outputs.identity,
    }


def _files(folder: Path, job: Job) -> tuple[Path, Path, Path]:
    stem = folder / job.stem
    return tuple(stem.with_name(stem.name + ending) for ending in (".png", ".difficulty.png", ".overlay.jpg"))  # type: ignore[return-value]


class Manifest:
    """manifest.jsonl: what was done in earlier calls, and lines for this one. The last line of a file counts.

    Opening it clears what a killed call left behind. Raises InputError if the folder cannot be written.
    """

    def __init__(self, outputs: Outputs):
        self.outputs, self.path = outputs, outputs.folder / "manifest.jsonl"
        self.done: dict[str, dict[str, Any]] = {}
        try:
            outputs.folder.mkdir(parents=True, exist_ok=True)
            for left in outputs.folder.rglob(".*.part"):
                left.unlink()
            self._read()
            self.path.touch()
        except OSError as error:
            raise InputError(f"{outputs.folder}: cannot be written: {reason(error)}") from None

    def _read(self) -> None:
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):  # the last line was cut by a kill
            os.truncate(self.path, len(whole))
        for line in whole.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a foreign line says nothing of what is done
                record = json.loads(line)
                self.done[record["file"]] = record

    def pending(self, jobs: list[Job]) -> list[Job]:
        """What is missing, failed or changed; all of it unless resuming."""
        return [job for job in jobs if not (self.outputs.resume and self._holds(job))]

    def _holds(self, job: Job) -> bool:
        record = self.done.get(str(job.file))
        if not record or record.get("status") != "ok" or record.get("made_with") != self.outputs.identity:
            return False
        mask, difficulty, overlay = _files(self.outputs.folder, job)
        wanted = [mask, difficulty, *([overlay] if self.outputs.overlay else [])]
        same_place = record.get("mask") == mask.relative_to(self.outputs.folder).as_posix()
        return same_place and all(file.exists() for file in wanted) and record.get("input") == _fingerprint(job.file)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        keys = (
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
        record = dict.fromkeys(keys) | record
        # A name that is no UTF-8 becomes the JSON escapes of its bytes.
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace")
        with open(self.path, "ab") as file:
            file.write(line + b"\n")
        return record


def _fingerprint(file: Path) -> str | None:
    """Size and time of an input: cheap, and changes when the file does."""
    try:
        status = file.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
