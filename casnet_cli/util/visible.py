"""Texts of unknown origin for people: in one line, without characters that act on a terminal, and not too long."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

Fault = TypeVar("Fault")

LONGEST = 80
"""Characters of a value that is quoted."""

MOST_FAULTS = 10
"""Faults of one file that are shown."""

_ACTING = re.compile("[\0-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of lines, changes of the direction of writing, and bytes of names that are no UTF-8."""


def visible(text: str) -> str:
    """The text in one line, with what acts on a terminal as escapes: `\\n`, `\\x1b`, `\\u202e`."""
    if text.isprintable():
        return text
    return _ACTING.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def visible_json(text: str) -> str:
    """A JSON text with what acts on a terminal as JSON's own escapes: it says the same."""
    return _ACTING.sub(lambda found: "\n" if found.group() == "\n" else f"\\u{ord(found.group()):04x}", text)


def quoted(value: object) -> str:
    """The value as Python writes it, shortened."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of so many digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def few(faults: Sequence[Fault], sentence: Callable[[Fault], str], where: str) -> list[str]:
    """The sentences of the first faults of the file `where`, and how many more there are."""
    shown = [sentence(fault) for fault in faults[:MOST_FAULTS]]
    return [*shown, f"{where}: … and {len(faults) - MOST_FAULTS:,} more"] if len(faults) > MOST_FAULTS else shown
