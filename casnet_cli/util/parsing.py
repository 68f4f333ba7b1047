"""JSON, TOML, YAML and XML of unknown origin, within limits: whatever is wrong with a text is a ValueError.

The message is one line for the user, as `casnet_cli.errors.reason` gives it.
"""

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LARGEST, LARGEST_YAML = 1 << 19, 1 << 18
"""Bytes of a TOML and of a YAML text. The longest that is of use is a table of classes that lists 65,536 values."""

DEEPEST = 12
"""Tables and lists inside one another in a TOML or YAML text. Those of Hugging Face have about eight."""

LONGEST = 1 << 14
"""Characters of a value of a YAML text."""

_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}""")
"""A dotted key whose time is its length squared."""


def json_of(text: str | bytes) -> Any:
    """The value of a JSON text."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def toml_of(data: bytes) -> dict[str, Any]:
    """The tables of a TOML text in UTF-8, with or without a mark at its beginning."""
    import tomllib

    text = _short(data, LARGEST).decode("utf-8-sig").replace("\r\n", "\n")
    try:
        if _LONG_KEY.search(text):
            raise RecursionError
        found = tomllib.loads(text)
        _check_depth(found, DEEPEST)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def yaml_of(data: bytes) -> Any:
    """The value of a YAML text that has no aliases: what repeats itself may grow without bound."""
    import yaml  # type: ignore[import-untyped]

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(_short(data, LARGEST_YAML), loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(f"line {event.start_mark.line + 1}: it has an alias (write out what it stands for)")
            if depth > DEEPEST or len(getattr(event, "value", None) or "") > LONGEST:
                raise ValueError(f"line {event.start_mark.line + 1}: nested too deeply, or a text too long")
        return yaml.load(data, loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(place + str(getattr(error, "problem", None) or error)) from None
    except (LookupError, TypeError, AttributeError, OverflowError) as error:  # of a value that is not of its tag
        raise ValueError(f"a value that is none: {error}") from None


def xml_of(data: str | bytes) -> "Element":
    """The root of an XML text that declares no entities: they may grow without bound."""
    from xml.etree.ElementTree import TreeBuilder
    from xml.parsers import expat

    parser, tree = expat.ParserCreate(), TreeBuilder()
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.data
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(data, True)
        return tree.close()
    except (expat.ExpatError, LookupError) as error:  # LookupError: an encoding of an unknown name
        raise ValueError(str(error)) from None


def _short(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise ValueError(f"{len(data):,} bytes (at most {most:,})")
    return data


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise RecursionError
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(one, left - 1)


def _refuse_entity(name: str, *_: object) -> None:
    raise ValueError("it declares an entity (remove its DOCTYPE)")
