"""--max-time: stop before the limit of a cluster, with the state saved."""

import re
import time
from collections.abc import Callable

from casnet_cli.errors import InputError

MARGIN = 1.25
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
    """Whether the next piece of work would end too late if it takes as long as the longest one so far."""

    def __init__(self, limit: float | None, clock: Callable[[], float] = time.monotonic):
        self.clock, self.began, self.limit = clock, clock(), limit
        self.begin()

    def begin(self) -> None:
        """Call before the first piece of work, if anything came before it that will not come again."""
        self.before, self.longest = self.clock(), 0.0

    def lap(self) -> None:
        """Call after each piece of work: a step with its saving, or a validation."""
        now = self.clock()
        self.longest, self.before = max(self.longest, now - self.before), now

    def near(self, ahead: float = 0.0) -> bool:
        """Whether to stop now. ahead: seconds that the next piece is known to take."""
        if self.limit is None:
            return False
        return self.clock() - self.began + MARGIN * max(self.longest, ahead) >= self.limit
