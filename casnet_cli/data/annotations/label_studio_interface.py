"""The labelling interface of a Label Studio project, where it lies beside an export: classes and their colours."""

from pathlib import Path
from xml.etree import ElementTree

from PIL import ImageColor

from casnet_cli.data.annotations.annotated_file import Color

ROOT, CLASS = "View", "Label"
"""Names of elements."""


def interface_classes(file: Path) -> dict[str, Color | None]:
    """The classes of the interface beside an export: the one of its name, else the only one; else none."""
    beside = [one for one in sorted(file.parent.glob("*.xml")) if _root(one) is not None]
    named = [one for one in beside if one.stem == file.stem] or beside
    root = _root(named[0]) if len(named) == 1 else None
    if root is None:
        return {}
    given = [(one.get("alias") or one.get("value"), one.get("background")) for one in root.iter(CLASS)]
    return {name: _color(background) for name, background in given if name}


def _root(file: Path) -> ElementTree.Element | None:
    try:
        root = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError, ValueError, LookupError):
        return None
    return root if root.tag == ROOT else None


def _color(text: str | None) -> Color | None:
    """Of `#ff8800`, `red` or `rgb(1, 2, 3)`."""
    try:
        red, green, blue = ImageColor.getrgb(text or "")[:3]
    except ValueError:
        return None
    return red, green, blue
