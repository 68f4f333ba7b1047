"""JSON files of labelling tools: read, and named by the tool that wrote them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casnet_cli.errors import Unfit, UnfitKind, reason

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What JSON of another shape than expected raises."""


JsonTable = dict[str, Any]
"""A JSON object."""

Json = JsonTable | list[Any] | str | float | None
"""What a JSON file may hold."""


def read_json(file: Path) -> Json:
    """The content of a JSON file. Raises Unfit."""
    try:
        content: Json = json.loads(file.read_text(encoding="utf-8-sig"))
        return content
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise Unfit(f"{file}: not readable JSON: {reason(error)}", UnfitKind.UNREADABLE) from None


def _has(*keys: str) -> Callable[[Json], bool]:
    return lambda raw: isinstance(raw, dict) and all(key in raw for key in keys)


def _list_of(*keys: str) -> Callable[[Json], bool]:
    return lambda raw: isinstance(raw, list) and bool(raw) and _has(*keys)(raw[0])


def _via_export(raw: Json) -> bool:
    entries = list(raw.values())[:1] if isinstance(raw, dict) else []
    return any(_has("filename", "regions")(one) for one in entries)


def _panoptic(raw: Json) -> bool:
    return isinstance(raw, dict) and "images" in raw and _list_of("segments_info")(raw.get("annotations"))


COCO, LABELME, GEOJSON = "a COCO file", "a LabelMe file", "a GeoJSON file"


@dataclass(frozen=True)
class ToolFile:
    """A kind of JSON file that a tool writes."""

    name: str
    """As `a VIA project`."""
    recognizes: Callable[[Json], bool]
    """Whether content is of this kind."""
    remedy: str
    """What to do with such a file."""


TOOLS = (
    ToolFile("COCO's panoptic form", _panoptic, "take its PNG files as masks"),
    ToolFile(COCO, _has("images", "annotations", "categories"), "name it by --annotations"),
    ToolFile(LABELME, _has("shapes", "imagePath"), "name its folder by --masks"),
    ToolFile(LABELME, _has("shapes"), "name its folder by --masks"),
    ToolFile("a VIA project", _has("_via_settings"), "export COCO from VIA"),
    ToolFile("a VIA project", _has("_via_img_metadata"), "export COCO from VIA"),
    ToolFile("a VIA 3 project", _has("project", "view", "metadata"), "export COCO from VIA"),
    ToolFile("a VIA export", _via_export, "export COCO from VIA"),
    ToolFile("a Label Studio export", _list_of("data", "annotations"), "export COCO or brush masks there"),
    ToolFile("a Label Studio export", _list_of("image", "id", "annotator"), "export COCO or brush masks there"),
    ToolFile(
        "a datumaro file, as CVAT exports it",
        _has("items", "categories"),
        "export COCO or masks from CVAT",
    ),
    ToolFile("a Supervisely annotation", _has("objects", "size"), "export masks or COCO from Supervisely"),
    ToolFile("a Darwin file", _has("item", "annotations"), "export masks or COCO from Darwin"),
    ToolFile("a Segments.ai release", _has("dataset", "name"), "export masks or COCO from Segments.ai"),
    ToolFile("a Cityscapes polygon file", _has("imgHeight", "objects"), "take its PNG files as masks"),
    ToolFile("COCO's form of results", _list_of("image_id", "category_id"), "name the COCO file of labels"),
    ToolFile(GEOJSON, _has("type", "features"), "name its folder by --masks, its files ending in .geojson"),
    ToolFile(GEOJSON, _list_of("type", "geometry"), "name its folder by --masks, its files ending in .geojson"),
)
"""The first that recognizes a file counts."""


def tool_of(raw: Json, besides: str = "") -> ToolFile | None:
    """The kind of a JSON file; None: none that is known. besides: the name of a kind that does not count."""
    return next((tool for tool in TOOLS if tool.name != besides and tool.recognizes(raw)), None)


def foreign(file: Path, raw: Json, expected: str) -> Unfit:
    """The fault of a JSON file that is not `expected`: it names what it is, or what there is in it."""
    if tool := tool_of(raw, besides=expected):
        return Unfit(f"{file}: this is {tool.name}, not {expected} ({tool.remedy})", UnfitKind.UNREADABLE)
    if isinstance(raw, dict):
        keys = ", ".join(sorted(map(str, raw))[:6]) or "nothing"
        what = f"it holds {keys}"
    else:
        what = f"it is a JSON {'list' if isinstance(raw, list) else type(raw).__name__}"
    return Unfit(f"{file}: this is not {expected}: {what} (expected {FORMS[expected]})", UnfitKind.UNREADABLE)


FORMS = {
    COCO: "images, annotations and categories",
    LABELME: "shapes, imageHeight and imageWidth",
    GEOJSON: "a list of features",
}
"""What a file of each form holds."""
