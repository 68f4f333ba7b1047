"""Numbers in words for messages and tables."""


def count(number: int, noun: str) -> str:
    """1 image, 2 images, 3 classes."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def percent(fraction: float | None) -> str:
    """93.1 for 0.931; a dash for None or NaN. Never -0.0."""
    return "–" if fraction is None or fraction != fraction else f"{100 * fraction:z.1f}"


def points(fraction: float | None) -> str:
    """+0.8 for a difference of 0.008, in percentage points; a dash for what is not known. Never -0.0."""
    return "–" if fraction is None or fraction != fraction else f"{100 * fraction:+z.1f}"


def duration(seconds: float) -> str:
    """43 s, 12 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
