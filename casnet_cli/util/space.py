"""Whether what is to be written has room on its disk, found out before the work."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from casnet_cli.errors import InputError
from casnet_cli.util.text import size


@dataclass(frozen=True)
class SpaceNeeded:
    """Bytes that are to be written."""

    least: int
    """So many in any case."""
    likely: int
    """So many as far as can be foreseen."""
    basis: str
    """What they were estimated by, in words."""


def check_space(target: Path, needed: SpaceNeeded) -> str:
    """What a file or folder will need and what is free, in a sentence for the user.

    The sentence begins with `warning:` where it may be too little. Raises InputError if it is too little in any case.
    """
    free = _free(target)
    if free is None:
        return f"{target}: about {size(needed.likely)} to write, by {needed.basis}"
    if needed.least > free:
        raise InputError(
            f"{target}: needs {size(needed.least)} at least, by {needed.basis}, and {size(free)} are free there "
            "(make room, or choose another --out)"
        )
    line = f"{target}: about {size(needed.likely)} to write, by {needed.basis}, and {size(free)} are free"
    return f"warning: {line}, which may not be enough" if needed.likely > free else line


def _free(target: Path) -> int | None:
    """Free bytes on the disk of the nearest folder that is there; None where the file system does not say."""
    absolute = target.absolute()
    there = next((folder for folder in (absolute, *absolute.parents) if folder.is_dir()), None)
    try:
        usage = shutil.disk_usage(there) if there else None
    except OSError:
        return None
    return usage.free if usage and usage.total else None
