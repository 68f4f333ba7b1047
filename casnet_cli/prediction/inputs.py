"""The inputs to label: images below folders, single images, videos, and one image from standard input."""

import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from casnet_cli.data.pixels.formats import FORMATS, readable_endings
from casnet_cli.data.pixels.left_out import LeftOut, reason_of
from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.output_kinds import output_endings
from casnet_cli.prediction.video_io import VIDEO_ENDINGS

STDIN = Path("-")
STALE = ".stale"
"""Behind the stems of files that belong to an input which can no longer be read; no stem may end so."""

DIGITS = 6
"""Digits of a frame's number in file names."""

RESERVED = re.compile(
    r"(manifest.*\.jsonl|summary.*\.csv|annotations.*\.(coco|label-studio|cvat|yolo)(\.(json|xml|zip))?)(/|$)"
)
"""Files of the output folder itself; no stem may begin like one."""


@dataclass(frozen=True)
class Job:
    """An input and the names of its outputs."""

    file: Path
    """The input."""
    stem: Path
    """Of its outputs, relative to the output folder; they add an ending."""
    fault: str | None = None
    """Why the input cannot be read; None: it may be read."""

    @property
    def video(self) -> bool:
        """Whether the input is a video, by its ending."""
        return self.file.suffix.lower() in VIDEO_ENDINGS

    @property
    def maybe_georeferenced(self) -> bool:
        """Whether the input is of a kind that can say where on the earth it lies, by its ending."""
        return self.file.suffix.lower() in (*FORMATS["TIFF"].endings, *FORMATS["JPEG 2000"].endings)

    def output(self, folder: Path, ending: str) -> Path:
        """The output of that ending; the masks of a video lie in a folder of the stem's name."""
        stem = folder / self.stem
        return stem.with_name(stem.name + ending)

    def frame(self, number: int) -> "Job":
        """A frame of a video, as an image of its own."""
        return replace(self, stem=self.stem / frame_name(number))


def frame_name(number: int) -> str:
    """Stem of a frame's outputs, in the video's folder."""
    return f"{number:0{DIGITS}d}"


def find_images(paths: Iterable[Path], out: Path, left_out: LeftOut | None = None) -> list[Job]:
    """All images and videos below the given folders, and each given file, sorted; stems keep their sub-folders.

    Inputs whose outputs would share a name keep their extension in the stem, and if need be more of their path. Files
    in `out` and hidden files below a given folder, such as a Mac's `._a.jpg`, are left out; an input given twice counts
    once; links to folders are not followed. A folder below a given one that cannot be read becomes a job with a fault.
    Pictures in folders that casnet does not read are counted in `left_out`.

    Raises InputError for a path that does not exist, a file that is neither image nor video by its ending, an output
    that would be written over an input, and if there is no input at all.
    """
    given = list(paths)
    listing = _Listing(left_out if left_out is not None else LeftOut())
    found: dict[Path, Path] = {}
    faults = listing.faults
    own = os.path.realpath(out)
    for path in given:
        if path == STDIN:
            found[path] = Path("stdin")
        elif os.path.isdir(path):
            for file, place in _below(path, own, listing).items():
                found.setdefault(file, place)
        else:
            found.setdefault(path, _single(path))
    if not found and not faults:
        named = ", ".join(str(path) for path in given)
        expected = f"one of {', '.join(sorted(readable_endings()))}"
        raise InputError("; ".join([f"{named}: no image in it ({expected})", *listing.left_out.sentences()]))
    jobs = _distinct(_once(found))
    _spare_inputs(jobs, own)
    return jobs + faults


def _single(path: Path) -> Path:
    known = {*readable_endings(), *VIDEO_ENDINGS}
    expected = f"(a folder, or one of {', '.join(sorted(known))})"
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file or folder {expected}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from None
    if path.suffix.lower() not in known:
        if why := reason_of(path):
            raise InputError(f"{path}: {why}")
        raise InputError(f"{path}: neither image nor video by its ending {expected}")
    return Path(path.name)


@dataclass(frozen=True)
class _Listing:
    """What is looked for, and what is met on the way beside it."""

    left_out: LeftOut
    """Pictures that are not read."""
    faults: list[Job] = field(default_factory=list)
    """Folders that cannot be read."""
    endings: frozenset[str] = field(default_factory=lambda: frozenset({*readable_endings(), *VIDEO_ENDINGS}))
    """Of inputs."""


def _below(path: Path, own: str, listing: _Listing) -> dict[Path, Path]:
    """File → place below the folder, of all images and videos in it, in sorted order."""
    if os.path.realpath(path) == own:
        raise InputError(f"{path}: is also the output folder (inputs are never written to: choose another --out)")

    def refused(error: OSError) -> None:
        folder = Path(os.fsdecode(error.filename or str(path)))
        if folder == path:
            raise InputError(f"{path}: cannot be read: {reason(error)}")
        listing.faults.append(Job(folder, folder.relative_to(path), f"folder cannot be read: {reason(error)}"))

    found = {}
    for where, folders, names in os.walk(path, onerror=refused):
        here = Path(where)
        folders[:] = [name for name in folders if name[0] != "." and os.path.realpath(here / name) != own]
        for name in names:
            file = here / name
            if name[0] == ".":
                continue
            if file.suffix.lower() in listing.endings:
                found[file] = file.relative_to(path)
            else:
                listing.left_out.add(file)
    return dict(sorted(found.items()))


def _once(found: dict[Path, Path]) -> dict[Path, Path]:
    """Each file once, though its path may be spelled in two ways."""
    places = {os.path.abspath(file): file for file in reversed(found)}
    return {file: found[file] for file in found if places[os.path.abspath(file)] is file}


# Names of outputs


def _distinct(found: dict[Path, Path]) -> list[Job]:
    """Jobs no two of which write a file of the same name."""
    stems = {file: place.with_suffix("") for file, place in found.items()}
    steps: Counter[Path] = Counter()
    while clashing := _clashing(stems):
        for file in clashing:
            steps[file] += 1
            stems[file] = _longer(file, found[file], steps[file])
    return [Job(file, stem) for file, stem in stems.items()]


def _clashing(stems: dict[Path, Path]) -> set[Path]:
    """Inputs whose outputs would replace each other, or a folder, or a file of the output folder itself."""
    endings = output_endings()
    owners: dict[str, list[Path]] = {}
    for file, stem in stems.items():
        owners.setdefault(stem.as_posix(), []).append(file)
    places = {stem.parent for stem in stems.values()}
    parents = {parent.as_posix() for place in places for parent in (place, *place.parents)}
    videos = {stem: file for stem, (file, *_) in owners.items() if Job(file, stems[file]).video}
    found = {file for sharing in owners.values() if len(sharing) > 1 for file in sharing}
    found |= {file for stem, file in videos.items() if stem in parents}
    reserved = (stem for stem in owners if RESERVED.match(stem) or stem.endswith(STALE))
    found |= {file for stem in reserved for file in owners[stem]}
    rests = _rests(endings)
    for name, sharing in owners.items():
        found |= {file for rest in rests if name + rest in owners for file in (*owners[name + rest], *sharing)}
    for folder in parents | videos.keys():
        names = {folder.removesuffix(ending) for ending in endings} - {folder}
        found |= {file for name in names for file in owners.get(name, ())}
    return found


def _rests(endings: list[str]) -> set[str]:
    """Two stems lead to one file name if they differ in one of these at their end, such as `.difficulty`."""
    return {
        longer.removesuffix(shorter)
        for longer in endings
        for shorter in endings
        if longer.endswith(shorter) and longer != shorter
    }


def _longer(file: Path, place: Path, step: int) -> Path:
    """The place with its extension, then with more and more of the folders above it."""
    parts = Path(os.path.abspath(file)).parts[1:]
    if step == 1:
        return place
    more = len(place.parts) + step - 1
    return Path(*parts[-more:]) if more <= len(parts) else Path("_" * (more - len(parts)), *parts)


def _spare_inputs(jobs: list[Job], own: str) -> None:
    """Raises InputError if an output would be written over an input."""
    real = lru_cache(maxsize=1 << 10)(os.path.realpath)
    inputs = {os.path.join(real(job.file.parent), job.file.name) for job in jobs}
    inputs |= {os.path.realpath(job.file) for job in jobs if os.path.islink(job.file)}
    endings = output_endings()
    for job in jobs:
        stem = os.path.join(real(os.path.join(own, job.stem.parent)), job.stem.name)
        if lost := [stem + ending for ending in endings if stem + ending in inputs]:
            raise InputError(f"{lost[0]}: would be written over (inputs are never written to: choose another --out)")


def shard(jobs: Iterable[Job], number: int, of: int) -> Iterator[Job]:
    """The jobs of share `number`, from 1, by their names: a new file moves no other one to another share."""
    return (job for job in jobs if zlib.crc32(os.fsencode(job.stem)) % of == number - 1)


def check_regular(file: Path) -> None:
    """Raises ValueError for a pipe, a device or a socket, where reading may never begin or never end; OSError."""
    if file != STDIN and not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("not a regular file")
