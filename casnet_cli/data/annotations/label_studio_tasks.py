"""Tasks of Label Studio: the picture of each, and the regions of the annotation that counts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from casnet_cli.data.annotations.addresses import picture_names
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.errors import DataError

LABELS = "labels"
"""How the keys of a region's labels end: `brushlabels`, `polygonlabels`, or `labels` alone."""

GEOMETRY = ("rle", "imageDataURL", "points", "vertices", "radiusX", "x")
"""Keys that a region of a picture has one of; others are choices and texts."""

IMAGE = "image"
"""Usual key of the picture."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture."""

    name: str
    """For messages: `region a1b2 of task 5`."""
    labels: tuple[str, ...]
    """Names of classes."""
    value: JsonTable
    """Its geometry, as it was read."""
    height: object
    """Of the picture in pixels, as it was read; None: not given."""
    width: object
    """Of the picture in pixels, as it was read; None: not given."""
    rotation: object
    """Degrees by which the picture was turned, as it was read."""


@dataclass(frozen=True, slots=True)
class Task:
    """A picture that was to be labelled."""

    name: str
    """For messages: `task 5`."""
    pictures: tuple[str, ...]
    """Names of the picture to look for, the likeliest first."""
    regions: tuple[Region, ...] | None
    """Of the annotation that counts; None: there is none."""
    older: tuple[Region, ...]
    """Of the other annotations."""
    predicted: bool
    """Whether it has predictions."""


def is_task(one: object) -> bool:
    """Whether it looks like a task, or like a record of JSON-MIN."""
    return isinstance(one, dict) and ("data" in one or "annotation_id" in one)


def tasks_of(raw: Sequence[JsonTable], file: Path) -> list[Task]:
    """The tasks of an export of either form. Raises DataError naming the task that cannot be read."""
    full = [one for one in raw if isinstance(one.get("data"), dict)]
    if len(full) < len(raw):
        full = _from_min(raw)
    found = []
    for place, one in enumerate(full, 1):
        name = f"task {one.get('id', place)}"
        try:
            found.append(_task(one, name))
        except DataError as error:
            raise DataError(f"{file}: {name}: {error}") from None
        except MALFORMED:
            raise DataError(f"{file}: {name} is of no form that Label Studio writes (export it again)") from None
    return found


def _from_min(raw: Sequence[JsonTable]) -> list[JsonTable]:
    """Tasks of JSON-MIN, which has a record for each annotation, with the regions of each tag by its name."""
    by_id: dict[str, JsonTable] = {}
    for place, one in enumerate(raw):
        data = {key: value for key, value in one.items() if isinstance(value, str)}
        task = by_id.setdefault(str(one.get("id", f"of place {place}")), {**one, "data": data, "annotations": []})
        if one.get("annotation_id") is None:
            continue
        regions = [region for value in one.values() if isinstance(value, list) for region in value]
        result = [{**region, "value": region} for region in regions if isinstance(region, dict)]
        task["annotations"].append({"created_at": one.get("created_at"), "result": result})
    return list(by_id.values())


def _task(one: JsonTable, name: str) -> Task:
    """Raises DataError without file and task, or one of MALFORMED."""
    given = one.get("annotations", one.get("completions")) or []
    kept = [each for each in given if not (each.get("was_cancelled") or each.get("skipped"))]
    order = sorted(kept, key=lambda each: (bool(each.get("ground_truth")), str(each.get("created_at") or "")))
    results = [_merged(each.get("result") or []) for each in order]
    counts = results[-1] if results else []
    shown = {str(each["to_name"]) for each in counts if each.get("to_name")}
    if len(shown) > 1 or any(each.get("item_index") or each["value"].get("item_index") for each in counts):
        raise DataError("regions on several pictures (casnet takes tasks of one picture each)")
    return Task(
        name,
        _pictures(one, shown),
        tuple(_regions(counts, name)) if results else None,
        tuple(region for result in results[:-1] for region in _regions(result, name)),
        bool(one.get("predictions")),
    )


def _merged(result: Iterable[JsonTable]) -> list[JsonTable]:
    """One table a region: several tags, such as Labels beside Polygon, have a result each, of one id."""
    regions: dict[str, JsonTable] = {}
    for one in result:
        value = one.get("value")
        if not isinstance(value, dict):
            continue  # a relation
        shape = {key: part for key, part in value.items() if not isinstance(part, list) or key in GEOMETRY}
        key = str(one["id"]) if one.get("id") else json.dumps(shape, sort_keys=True)
        known = regions.setdefault(key, {**one, "value": {}})
        known["value"].update(value)
    return [one for one in regions.values() if any(key in one["value"] for key in GEOMETRY) or labels_of(one["value"])]


def labels_of(value: JsonTable) -> tuple[str, ...]:
    """The labels of a region."""
    lists: list[list[Any]] = [part for key, part in value.items() if key.endswith(LABELS) and isinstance(part, list)]
    return tuple(dict.fromkeys(str(label) for part in lists for label in part))


def _regions(result: Iterable[JsonTable], task: str) -> Iterable[Region]:
    for place, one in enumerate(result, 1):
        name = f"region {one['id']}" if one.get("id") else f"region {place}"
        size = one.get("original_height"), one.get("original_width")
        yield Region(f"{name} of {task}", labels_of(one["value"]), one["value"], *size, one.get("image_rotation"))


def _pictures(one: JsonTable, shown: Iterable[str]) -> tuple[str, ...]:
    """Names of the picture of a task. Raises DataError without file and task."""
    data = {str(key): value for key, value in one["data"].items() if isinstance(value, str) and value}
    found = {key: picture_names(value) for key, value in data.items()}
    likely = [key for key, names in found.items() if PurePosixPath(names[0]).suffix.lower() in readable_endings()]
    preferred = [key for key in (*shown, IMAGE) if key in likely] or likely or [key for key in (IMAGE,) if key in data]
    if not preferred:
        raise DataError(f"its data have no picture, but {', '.join(map(str, one['data'])) or 'nothing'}")
    if len(likely) > 1 and preferred == likely:
        raise DataError(f"several pictures in its data: {', '.join(likely)} (name the key of the labelled one image)")
    uploaded = one.get("file_upload")
    further = picture_names(uploaded) if isinstance(uploaded, str) else ()
    return tuple(dict.fromkeys((*found[preferred[0]], *further)))
