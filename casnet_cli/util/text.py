"""Numbers in words for messages and tables."""

from collections.abc import Sequence


def count(number: int, noun: str) -> str:
    """1 image, 2 images, 3 classes."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """sky, sky and tree, sky, tree and road; of more than `most` the first and the count of the others."""
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most:,} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def percent(fraction: float | None, digits: int = 1) -> str:
    """93.1 for 0.931; a dash for None or NaN. Never -0.0. digits: after the point."""
    return "–" if fraction is None or fraction != fraction else f"{100 * fraction:z.{digits}f}"


def points(fraction: float | None) -> str:
    """+0.8 for a difference of 0.008, in percentage points; a dash for what is not known. Never -0.0."""
    return "–" if fraction is None or fraction != fraction else f"{100 * fraction:+z.1f}"


def duration(seconds: float) -> str:
    """43 s, 12 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: float) -> str:
    """4 KiB, 35 MiB, 1.2 GiB for so many bytes."""
    if number < 2**20:
        return f"{number / 2**10:.0f} KiB"
    return f"{number / 2**20:.0f} MiB" if number < 2**30 else f"{number / 2**30:.1f} GiB"
