"""The labelling interface of a Label Studio project, where it lies beside an export: classes and their colours."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageColor

from casnet_cli.data.annotations.colors import color_of
from casnet_cli.labels import Color
from casnet_cli.util.parsing import xml_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ROOT, CLASS = "View", "Label"
"""Names of elements."""


def interface_classes(file: Path) -> dict[str, Color | None]:
    """The classes of the interface beside an export: the one of its name, else the only one; else none."""
    beside = {one.stem: root for one in file.parent.glob("*.xml") if (root := _root(one)) is not None}
    found = beside.get(file.stem) if len(beside) != 1 else next(iter(beside.values()))
    if found is None:
        return {}
    given = [(one.get("alias") or one.get("value"), one.get("background")) for one in found.iter(CLASS)]
    return {name: _color(background) for name, background in given if name}


def _root(file: Path) -> "Element | None":
    try:
        root = xml_of(file.read_bytes())
    except (OSError, ValueError):
        return None
    return root if root.tag == ROOT else None


def _color(text: str | None) -> Color | None:
    """Of `#ff8800`, `red` or `rgb(1, 2, 3)`."""
    try:
        return color_of(list(ImageColor.getrgb(text or "")))
    except ValueError:
        return None
