"""The memory of this process in bytes, as the operating system counts it."""

import os
import resource
import sys
from pathlib import Path

PROC = Path("/proc/self")


def memory_now() -> int:
    """Resident bytes; the peak so far where the system gives no present number."""
    try:
        return int((PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return memory_peak()


def memory_peak() -> int:
    """Peak of the resident bytes so far."""
    try:
        # Linux hands ru_maxrss on through exec: a small program started by a large one would report the large one.
        lines = (PROC / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, ValueError, IndexError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_available() -> int | None:
    """Bytes that this process may still allocate: free in the system, and within a container's limit. None: unknown."""
    free = [_free_of_machine(), _free_of_container()]
    return min((value for value in free if value is not None), default=None)


def _free_of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        (kilobytes,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return int(kilobytes) * 1024
    except (OSError, ValueError, IndexError):
        return None


def _free_of_container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the container's limit leaves; memory of the file cache counts as free."""
    try:
        limit, used = ((folder / name).read_text() for name in ("memory.max", "memory.current"))
        lines = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        kept = sum(int(number) for name, number in lines if name in ("active_file", "inactive_file"))
        return max(0, int(limit) - int(used) + kept)  # "max" is no number: no limit
    except (OSError, ValueError):
        return None
