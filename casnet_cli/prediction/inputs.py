"""What there is to label: images below folders, single images, videos, and one image from standard input."""

import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.video import VIDEO_ENDINGS

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".jfif"}
STDIN = Path("-")
OUTPUT_ENDINGS = (
    ".png",
    ".difficulty.png",
    ".overlay.jpg",
    ".overlay.mp4",
    ".confidence.png",
    ".probabilities.npz",
    ".geojson",
    ".coco.json",
)


@dataclass(frozen=True)
class Job:
    """An input file and the stem of its outputs, relative to the output folder. fault: why it cannot be looked at."""

    file: Path
    stem: Path
    fault: str | None = None

    @property
    def video(self) -> bool:
        return self.file.suffix.lower() in VIDEO_ENDINGS

    def output(self, folder: Path, ending: str) -> Path:
        """One of the files it leaves; of a video the masks lie in a folder of the stem's name."""
        stem = folder / self.stem
        return stem.with_name(stem.name + ending)


def find_images(paths: Iterable[Path], out: Path) -> list[Job]:
    """Every image and video under the given folders, and each given file, sorted; sub-folders are kept in the stem.

    Inputs whose outputs would share a name keep their extension in the stem; what lies in `out` is no input. A folder
    below a given one that cannot be read is a job with a fault. Raises InputError for a path that does not exist, a
    file that is neither by its ending, an output that would be written over an input, and if there is nothing at all.
    """
    found: dict[Path, Path] = {}
    faults: list[Job] = []
    own = out.resolve()
    for path in paths:
        if path == STDIN:
            found[path] = Path("stdin")
        elif path.is_dir():
            found |= _below(path, own, faults)
        else:
            found[path] = _single(path)
    if not found and not faults:
        named = ", ".join(str(path) for path in paths)
        raise InputError(f"{named}: no image in it (one of {', '.join(sorted(IMAGE_ENDINGS))})")
    return _distinct(found, own) + faults


def _single(path: Path) -> Path:
    known = IMAGE_ENDINGS | VIDEO_ENDINGS
    if path.suffix.lower() not in known:
        wrong = "no such file or folder" if not path.exists() else "neither image nor video by its ending"
        raise InputError(f"{path}: {wrong} (a folder, or one of {', '.join(sorted(known))})")
    if not path.exists() and not path.is_symlink():
        raise InputError(f"{path}: no such file")
    return Path(path.name)


def _below(path: Path, own: Path, faults: list[Job]) -> dict[Path, Path]:
    """File → place below the folder, of all images and videos in it, in sorted order."""
    if path.resolve() == own:
        raise InputError(f"{path}: is also the output folder (inputs are never written to: choose another --out)")

    def refused(error: OSError) -> None:
        folder = Path(os.fsdecode(error.filename or str(path)))
        if folder == path:
            raise InputError(f"{path}: cannot be read: {reason(error)}")
        faults.append(Job(folder, folder.relative_to(path), f"folder cannot be read: {reason(error)}"))

    found = {}
    for where, folders, names in os.walk(path, onerror=refused):
        here = Path(where)
        folders[:] = [name for name in folders if (here / name).resolve() != own]
        for name in names + [name for name in folders if (here / name).is_symlink()]:
            file = here / name
            if file.suffix.lower() in IMAGE_ENDINGS | VIDEO_ENDINGS and not file.is_dir():
                found[file] = file.relative_to(path)
    return dict(sorted(found.items()))


def _distinct(found: dict[Path, Path], own: Path) -> list[Job]:
    """Jobs no two of which leave a file of the same name, and none over an input. Raises InputError."""
    inputs = {Path(os.path.realpath(file.parent)) / file.name for file in found}
    short = [Job(file, relative.with_suffix("")) for file, relative in found.items()]
    claims = Counter(job.output(own, ending) for job in short for ending in OUTPUT_ENDINGS)
    jobs = []
    for job, relative in zip(short, found.values(), strict=True):
        shared = any(claims[job.output(own, ending)] > 1 for ending in OUTPUT_ENDINGS)
        jobs.append(replace(job, stem=relative) if shared else job)
        if any(jobs[-1].output(own, ending) in inputs for ending in OUTPUT_ENDINGS):
            raise InputError(f"{job.file}: would be written over (inputs are never written to: choose another --out)")
    return jobs


def shard(jobs: Iterable[Job], number: int, of: int) -> Iterator[Job]:
    """The jobs of share `number`, from 1: by their names, so that a new file moves no other to another share."""
    return (job for job in jobs if zlib.crc32(os.fsencode(job.stem)) % of == number - 1)
