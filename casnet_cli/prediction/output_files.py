"""The files of an input in the output folder: which ones a line of the manifest may name, and what is there of them."""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from casnet_cli.prediction.inputs import STALE, frame_name
from casnet_cli.prediction.output_kinds import OUTPUT_KINDS, VIDEO_OVERLAY, output_endings
from casnet_cli.prediction.writers import Unsaved, refused

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest_entry import ManifestEntry

MASK = OUTPUT_KINDS["mask"].ending
FRAME_FILE = re.compile(r"([0-9]+)(\..+)", re.DOTALL)
"""A frame's file: its number and its ending."""


def wrong_names(line: "ManifestEntry") -> str | None:
    """Why a line names files that no call writes, or such as may lie outside of the folder; None: it does not."""
    mask, stale = line["mask"], line.get("stale")
    video = "frames" in line
    if unknown := set(line["outputs"] or ()) - set(output_endings()):
        return f"outputs {min(unknown)!r} is no ending of casnet's files"
    if mask is None and line["outputs"]:
        return "outputs without a mask"
    for key, name, ending in (("mask", mask, "" if video else MASK), ("stale", stale, "")):
        if name is not None and not (_below(name) and name.endswith(ending)):
            return f"{key} {name!r} is no name of a file below the folder"
    if stale is not None and not stale.removesuffix(MASK).endswith(STALE):
        return f"stale {stale!r} is no name of a file that was moved away"
    return None


def _below(name: str) -> bool:
    try:
        os.fsencode(name)
    except ValueError:
        return False
    return "\0" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def written(line: "ManifestEntry") -> Iterator[str]:
    """The files of a line, relative to the output folder."""
    return files_of(line, line["outputs"])


def files_of(line: "ManifestEntry", endings: Iterable[str]) -> Iterator[str]:
    """The files of these endings, of which there are none without a mask. Those of a video, but for the overlay, lie in
    a folder."""
    stem = (line["mask"] or "").removesuffix(MASK)
    for ending in endings:
        if "frames" in line and ending != VIDEO_OVERLAY:
            yield from (f"{stem}/{frame_name(frame)}{ending}" for frame in range(line["frames"]))
        else:
            yield f"{stem}{ending}"


def present(folder: Path, line: "ManifestEntry") -> Iterator[str]:
    """Those files of a line that are there. However many frames it claims, only what the folder holds is looked at."""
    stem, video = cast(str, line["mask"]).removesuffix(MASK), "frames" in line
    single = [ending for ending in line["outputs"] if not video or ending == VIDEO_OVERLAY]
    names = [f"{stem}{ending}" for ending in single]
    if video and os.path.isdir(folder / stem):
        found = ((name, FRAME_FILE.fullmatch(name)) for name in sorted(os.listdir(folder / stem)))
        names += [
            f"{stem}/{name}"
            for name, parts in found
            if parts and parts[2] in line["outputs"] and name == frame_name(int(parts[1])) + parts[2]
        ]
    return (name for name in names if is_own(folder, name))


def is_own(folder: Path, name: str) -> bool:
    """Whether a regular file is there, and no link on the way to it from the folder."""
    try:
        return stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode) and not _link_above(folder, name)
    except (OSError, ValueError):
        return False


def _link_above(folder: Path, name: str) -> str | None:
    """The first link among the folders that lead to a file, relative to the folder."""
    parts = name.split("/")
    above = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return next((place for place in above if os.path.islink(os.path.join(folder, place))), None)


def check_place(folder: Path, file: Path) -> None:
    """Raises Unsaved where a link leads to the file's place, or something lies there that is no regular file."""
    if link := _link_above(folder, file.relative_to(folder).as_posix()):
        raise Unsaved(f"{folder / link}: cannot be written: a link in the output folder (remove it)")
    try:
        mode = os.lstat(file).st_mode
    except OSError:  # missing, or a fault that writing shows
        return
    if stat.S_ISLNK(mode):
        raise Unsaved(f"{file}: cannot be written: a link in the output folder (remove it)")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a folder is a fault that writing shows
        raise Unsaved(f"{file}: cannot be written: not a regular file (remove it)")


def digest_of(file: Path) -> str | None:
    """The first 16 digits of a file's sha256; None: it cannot be read."""
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError:
        return None


def set_aside(folder: Path, line: "ManifestEntry", kept: Container[str] = ()) -> str | None:
    """Move the files of a line, but for those `kept`, from `NAME.png` to `NAME.stale.png`; returns the mask's new name.

    None: no file was there. Raises InputError, of class Unsaved where only these files are concerned.
    """
    stem = cast(str, line["mask"]).removesuffix(MASK)
    moved = None
    for name in [name for name in present(folder, line) if name not in kept]:
        new = folder / (stem + STALE + name.removeprefix(stem))
        check_place(folder, new)
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / name, new)
        except OSError as error:
            raise refused(new, error) from None
        moved = stem + STALE + cast(str, line["mask"]).removeprefix(stem)
    if "frames" in line:
        _remove_empty(folder / stem)
    return moved


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files below the folder. Raises OSError."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def remove_all(folder: Path, line: "ManifestEntry") -> None:
    """Remove the files of a line that are there, and the folder of a video's if nothing else lies in it. Raises
    OSError."""
    remove(folder, list(present(folder, line)))
    if "frames" in line:
        _remove_empty(folder / cast(str, line["mask"]))


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # missing, or it holds other files
        folder.rmdir()
