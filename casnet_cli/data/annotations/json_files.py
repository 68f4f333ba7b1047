"""JSON files of labelling tools: read, and named by the tool that wrote them where they are of another one."""

from pathlib import Path
from typing import Any

from casnet_cli.data.annotations.tool_files import FORMS, tool_of
from casnet_cli.errors import Unfit, UnfitKind, reason
from casnet_cli.util.parsing import json_of

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What JSON of another shape than expected raises."""


JsonTable = dict[str, Any]
"""A JSON object."""

Json = JsonTable | list[Any] | str | float | None
"""What a JSON file may hold."""


def read_json(file: Path) -> Json:
    """The content of a JSON file. Raises Unfit."""
    try:
        data = file.read_bytes()
        if not data.strip():
            raise ValueError("the file is empty")
        content: Json = json_of(data)
        return content
    except OSError as error:
        raise Unfit(f"{file}: cannot be read: {reason(error)}", UnfitKind.UNREADABLE) from None
    except (ValueError, MemoryError) as error:
        raise Unfit(f"{file}: not readable JSON: {reason(error)}", UnfitKind.UNREADABLE) from None


def foreign(file: Path, expected: str, raw: Json) -> Unfit:
    """The fault of a JSON file that is not `expected`: it names what it is, or what there is in it."""
    tool = tool_of(file)
    if tool and tool.name != expected:
        return Unfit(f"{file}: this is {tool.name}, not {expected} ({tool.remedy})", UnfitKind.UNREADABLE)
    return Unfit(f"{file}: this is not {expected}: {held(raw)} (expected {FORMS[expected]})", UnfitKind.UNREADABLE)


def held(raw: Json) -> str:
    """What a JSON file holds, in words: `it holds images, info`."""
    if isinstance(raw, dict):
        return f"it holds {', '.join(sorted(map(str, raw))[:6]) or 'nothing'}"
    if isinstance(raw, list):
        return "it is a JSON list" if raw else "it is an empty JSON list"
    return f"it is a {'text' if isinstance(raw, str) else 'number'} alone" if raw is not None else "it is null"
