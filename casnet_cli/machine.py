"""The memory of this process, as the system counts it."""

import os
import resource
import sys
from pathlib import Path

PROC = Path("/proc/self")


def memory_now() -> int:
    """Resident bytes; the largest so far where the system does not tell the present number."""
    try:
        return int((PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return memory_peak()


def memory_peak() -> int:
    """The largest number of resident bytes so far."""
    try:
        # Linux hands ru_maxrss on through exec: a small program started by a large one would report the large one.
        lines = (PROC / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, ValueError, IndexError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
