"""--max-time: stop before the limit of a cluster, with the state saved."""

import re
import time
from collections.abc import Callable

from casnet_cli.errors import InputError

ENDING = 2.0
"""Seconds that a process takes to end after its last checkpoint."""
_UNITS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?")
_CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)")
_SCALE = (86400, 3600, 60, 1)


def seconds(text: str) -> float:
    """`3h55m`, `90m`, `45s`, `1d`, Slurm's `1-02:30:00` and `02:30:00`, or plain minutes. Raises InputError."""
    text = text.strip()
    found = re.fullmatch(r"\d+(\.\d+)?", text)
    if found and float(text) > 0:
        return 60 * float(text)
    parts = _CLOCK.fullmatch(text) or _UNITS.fullmatch(text)
    total = sum(int(part) * scale for part, scale in zip(parts.groups(), _SCALE, strict=True) if part) if parts else 0
    if not total:
        raise InputError(f"--max-time {text}: no length of time (3h55m, 02:30:00, or minutes)")
    return float(total)


class Deadline:
    """When a call is to be over, counted from its making."""

    def __init__(self, limit: float | None, clock: Callable[[], float] = time.monotonic):
        """limit: seconds that it may take; None: as many as it needs."""
        self.clock, self.began, self.limit = clock, clock(), limit

    def passed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    def near(self, ahead: float) -> bool:
        """Whether work that takes so many seconds, and the end of the process, would end too late."""
        return self.limit is not None and self.passed() + ahead + ENDING >= self.limit
