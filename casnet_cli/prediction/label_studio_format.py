"""All masks of a folder as tasks of Label Studio with predictions, and the labelling interface that they need.

A region is a brush of exactly its pixels, or a polygon if outlines are to be simplified. Label Studio packs a brush as
a stream of bits: the number of values, the size of a value and four sizes of counts, then blocks. Each block here is a
run: a 1, which of the four sizes its count has, the count less one, and the value. A pixel is four values, red, green,
blue and opacity; only the opacity is read, and a brush sets all of them.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from casnet_cli.data.annotations.label_studio_rle import packed
from casnet_cli.labels import LabelSet
from casnet_cli.prediction.outlines import region_runs, regions, without_holes
from casnet_cli.prediction.output_kinds import MARKED
from casnet_cli.util.files import unfinished, write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledFile, LabelledFolder

FROM, TO = "label", "image"
"""Names of the labels and of the picture in the labelling interface."""

SUSPECTS = "suspects"
"""Of a task of given labels: what is suspect, shown above the picture."""

LOCAL_FILES = "/data/local-files/?d="
"""Before the path of a picture below the folder that Label Studio serves files from."""


class RegionResult(TypedDict):
    """A region."""

    id: str
    """Its name in the task."""
    type: str
    """`brushlabels` or `polygonlabels`."""
    from_name: str
    """`FROM`."""
    to_name: str
    """`TO`."""
    original_width: int
    """Of the picture, in pixels."""
    original_height: int
    """Of the picture, in pixels."""
    image_rotation: int
    """0: the picture is not turned."""
    value: dict[str, Any]
    """Its class and pixels; keys are Label Studio's for its kind of regions."""
    meta: NotRequired[dict[str, list[str]]]
    """`text`: the note of a suspect region."""


class Prediction(TypedDict):
    """The regions of a picture that a person goes on from."""

    model_version: str
    """`casnet`, or `labels` for given labels."""
    score: NotRequired[float]
    """Mean confidence, or that in the most suspicious of given labels, 0..1; missing: the network does not give it."""
    result: list[RegionResult]
    """Suspect regions first, by their number; else in the order of their first pixels."""


class Task(TypedDict):
    """A picture to label."""

    data: dict[str, str]
    """`image`: where Label Studio finds the picture; `name`: the picture below the folder that was given; `SUSPECTS`:
    notes of the suspect regions of given labels."""
    predictions: list[Prediction]
    """One."""


def write_label_studio(file: Path, folder: "LabelledFolder") -> None:
    """Tasks, and beside them the labelling interface, `.xml` in place of `.json`. Raises OSError."""
    write_whole(file.with_suffix(".xml"), interface(folder.labels, not folder.simplify, folder.audited))
    with unfinished(file) as path, open(path, "w", encoding="utf-8") as stream:
        before = "["
        for picture in folder.pictures:
            stream.write(before + json.dumps(task(picture, folder)))
            before = ",\n"
        stream.write("]\n" if before != "[" else "[]\n")


def interface(labels: LabelSet, brushes: bool, audited: bool = False) -> str:
    """The labelling interface of a project for these classes. audited: with a line of what is suspect."""
    kind = "BrushLabels" if brushes else "PolygonLabels"
    rows = "".join(
        f'    <Label value={quoteattr(name)} background="#{red:02x}{green:02x}{blue:02x}"/>\n'
        for name, (red, green, blue) in zip(labels.names, labels.palette, strict=True)
    )
    picture = f'  <Image name="{TO}" value="${TO}" zoom="true"/>\n'
    line = f'  <Header value="${SUSPECTS}" size="5"/>\n' if audited else ""
    return f'<View>\n{line}{picture}  <{kind} name="{FROM}" toName="{TO}">\n{rows}  </{kind}>\n</View>\n'


def task(picture: "LabelledFile", folder: "LabelledFolder") -> Task:
    """An image of the folder as a task. Its place is that below the folder that holds the one that was given."""
    parts = Path(os.path.abspath(picture.file)).parts[1:]
    place = "/".join(parts[-len(PurePosixPath(picture.name).parts) - 1 :])
    data = {TO: LOCAL_FILES + quote(os.fsencode(place)), "name": picture.name}
    if folder.audited:
        data[SUSPECTS] = "; ".join(mark.note for mark in picture.marks)
    prediction: Prediction = {
        "model_version": "labels" if folder.audited else "casnet",
        "result": _result(picture, folder),
    }
    if picture.confidence is not None:
        prediction["score"] = picture.confidence
    return {"data": data, "predictions": [prediction]}


def _result(picture: "LabelledFile", folder: "LabelledFolder") -> list[RegionResult]:
    height, width = picture.mask.shape
    kind = "polygonlabels" if folder.simplify else "brushlabels"
    values = _polygons(picture.parts, folder.simplify) if folder.simplify else _brushes(picture.parts)
    result: list[RegionResult] = []
    for number, (part, value) in enumerate(sorted(values, key=lambda one: one[0] // MARKED or MARKED), 1):
        mark, class_id = divmod(part, MARKED)
        region: RegionResult = {
            "id": f"region-{number}",
            "type": kind,
            "from_name": FROM,
            "to_name": TO,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": value | {kind: [folder.labels.names[class_id]]},
        }
        if mark:
            region["meta"] = {"text": [f"suspect {picture.marks[mark - 1].note}"]}
        result.append(region)
    return result


def _brushes(parts: np.ndarray) -> Iterator[tuple[int, dict[str, Any]]]:
    for region in region_runs(parts):
        yield region.class_id, {"format": "rle", "rle": packed(region.starts, region.ends, parts.size)}


def _polygons(parts: np.ndarray, simplify: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """Points are in percent of width and height."""
    percent = 100 / np.array(parts.shape[::-1])
    for region in regions(parts, simplify=simplify):
        points = np.asarray(without_holes(region.rings)) * percent
        yield region.class_id, {"points": points.round(6).tolist(), "closed": True}
