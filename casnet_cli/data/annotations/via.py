"""Files of VIA, the VGG Image Annotator: projects and exports of versions 1 and 2, and projects of version 3."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.tool_files import VIA, VIA_3
from casnet_cli.data.annotations.via_regions import Attribute, Picture, Region, annotated
from casnet_cli.errors import DataError, reason
from casnet_cli.util.parsing import json_of

RADIO, SELECT, CHECKBOX = 3, 4, 2
"""Types of attributes of version 3."""

IMAGE = 2
"""Type of files of version 3."""

SHAPES = {
    1: "point",
    2: "rect",
    3: "circle",
    4: "ellipse",
    5: "line",
    6: "polyline",
    7: "polygon",
    8: "rect around points",
    9: "circle through points",
}
"""Numbers of shapes of version 3."""


def read_via(file: Path) -> AnnotatedFile:
    """Read a project or an export of VIA 1 or 2. Raises DataError: of another tool's file it says which."""
    raw = _of_table(file) if file.suffix.lower() == ".csv" else read_json(file)
    entries = raw.get("_via_img_metadata", raw) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise foreign(file, VIA, raw)
    try:
        pictures = [_picture(one) for one in entries.values()]
        given = raw.get("_via_attributes", {}).get("region", {}) if entries is not raw else {}
        declared = {str(name): _attribute(one) for name, one in given.items()}
    except MALFORMED:
        raise DataError(f"{file}: an attribute or a region is of no form that VIA writes (export it again)") from None
    return annotated(file, pictures, declared)


def _of_table(file: Path) -> JsonTable:
    """The content of an export to CSV, which has a row for each region, as of one to JSON. Raises DataError."""
    found: JsonTable = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            rows.fieldnames = [name.removeprefix("#") for name in rows.fieldnames or ()]
            for row in rows:
                entry = found.setdefault(row["filename"], {"filename": row["filename"], "regions": []})
                shape, values = json_of(row["region_shape_attributes"]), json_of(row["region_attributes"])
                if shape:  # a picture without a region has an empty one
                    entry["regions"].append({"shape_attributes": shape, "region_attributes": values})
    except (OSError, csv.Error, *MALFORMED) as error:
        raise DataError(f"{file}: not a readable export of VIA: {reason(error)} (export it again)") from None
    return found


def _is_entry(one: object) -> bool:
    return isinstance(one, dict) and bool(one.get("filename")) and isinstance(one.get("regions"), dict | list)


def _picture(one: JsonTable) -> Picture:
    given = one["regions"]
    regions = given if isinstance(given, list) else given.values()
    return Picture(
        (str(one["filename"]),),
        [
            Region(f"region {number}", dict(each["shape_attributes"]), dict(each.get("region_attributes") or {}))
            for number, each in enumerate(regions, 1)
        ],
    )


def _attribute(one: JsonTable) -> Attribute:
    options = {str(key): str(text or "") for key, text in (one.get("options") or {}).items()}
    return Attribute(one.get("type") in ("dropdown", "radio"), options)


def read_via_3(file: Path) -> AnnotatedFile:
    """Read a project of VIA 3. Raises DataError: of another tool's file it says which."""
    raw = read_json(file)
    tables = ("file", "view", "metadata", "attribute")
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), dict) for key in tables):
        raise foreign(file, VIA_3, raw)
    try:
        pictures = _pictures_of_views(raw)
        declared = {
            str(one["aname"]): Attribute(one.get("type") in (RADIO, SELECT), _texts(one))
            for one in raw["attribute"].values()
        }
        _add_regions(raw, pictures)
    except MALFORMED:
        raise DataError(f"{file}: a file, a view or a region is of no form that VIA writes (save it again)") from None
    if None in pictures.values():
        raise DataError(f"{file}: a project of films, sounds or several files a view (casnet takes pictures)")
    return annotated(file, [one for one in pictures.values() if one], declared)


def _texts(attribute: JsonTable) -> dict[str, str]:
    return {str(key): str(text or "") for key, text in (attribute.get("options") or {}).items()}


def _pictures_of_views(raw: JsonTable) -> dict[str, Picture | None]:
    """The picture of each view; None: it shows something else, or several files. Raises one of MALFORMED."""
    found: dict[str, Picture | None] = {}
    for key, view in raw["view"].items():
        shown = [raw["file"][str(one)] for one in view["fid_list"]]
        names = [str(one[part]) for one in shown for part in ("fname", "src") if one.get(part)]
        found[str(key)] = Picture(tuple(names)) if len(shown) == 1 and shown[0]["type"] == IMAGE else None
    return found


def _add_regions(raw: JsonTable, pictures: Mapping[str, Picture | None]) -> None:
    """Put regions to their pictures. Raises one of MALFORMED."""
    for key, one in raw["metadata"].items():
        picture = pictures[str(one["vid"])]
        if picture is None or not one["xy"]:
            continue  # of a film, or of the picture as a whole
        values = {}
        for number, value in one["av"].items():
            attribute = raw["attribute"][str(number)]
            several = attribute.get("type") == CHECKBOX and isinstance(value, str)
            texts = _texts(attribute)
            chosen = [texts.get(part) or part for part in value.split(",") if part] if several else value
            values[str(attribute["aname"])] = dict.fromkeys(chosen, True) if several else value
        picture.regions.append(Region(f"region {key}", _shape(one["xy"]), values))


def _shape(xy: list[Any]) -> JsonTable:
    """A shape of version 3 as version 2 has it. Raises one of MALFORMED."""
    word, numbers = SHAPES[xy[0]], np.array(xy[1:], np.float64)
    if word == "rect around points":
        (left, top), (right, bottom) = numbers.reshape(-1, 2).min(0), numbers.reshape(-1, 2).max(0)
        word, numbers = "rect", np.array([left, top, right - left, bottom - top])
    elif word == "circle through points":
        points = numbers.reshape(3, 2)
        centre = np.linalg.solve(2 * (points[1:] - points[0]), (points[1:] ** 2 - points[0] ** 2).sum(1))
        word, numbers = "circle", np.array([*centre, np.hypot(*(points[0] - centre))])
    if word in ("polygon", "polyline", "line"):
        return {"name": word, "all_points_x": numbers[::2].tolist(), "all_points_y": numbers[1::2].tolist()}
    keys = {
        "point": ("cx", "cy"),
        "rect": ("x", "y", "width", "height"),
        "circle": ("cx", "cy", "r"),
        "ellipse": ("cx", "cy", "rx", "ry"),
    }[word]
    return {"name": word} | dict(zip(keys, numbers.tolist(), strict=True))
