"""TOML files that a model of pydantic describes: values as text, and faults in sentences."""

import difflib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from casnet_cli.util.visible import quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "too few values",
    "too_short": "too few values",
    "too_long": "too many values",
    "tuple_type": "should be a list",
    "model_type": "should be a section of keys and values",
    "string_pattern_mismatch": "should be a plain name of letters, digits, '.', '_' and '-'",
}
"""In place of pydantic's words for a type of fault."""


def toml(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    return repr(value)


def tuples(value: object) -> object:
    """The value with tuples for lists: strict models take no list for a tuple, and TOML has no tuples."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def nearest(word: str, candidates: list[str]) -> str:
    """`did you mean NAME?`, or `one of …` where none is near. A key of another section is near to its own name."""
    misplaced = [key for key in candidates if "." in word and key.endswith("." + word.rpartition(".")[2])]
    close = misplaced or difflib.get_close_matches(word, candidates, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(candidates)}"


def in_words(fault: "ErrorDetails") -> str:
    """What is wrong with a value, and the value: `should be a valid number (received 'a')`."""
    message = _WORDS.get(fault["type"]) or fault["msg"][0].lower() + fault["msg"][1:]
    return f"{message.removeprefix('input ')} (received {quoted(fault['input'])})"
