"""Masks as COCO annotations: the run lengths of every class."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from casnet_cli.data.annotations.coco_rle import encode
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledPicture


class CocoImageRecord(TypedDict):
    """The labelled image."""

    id: int
    """Number of the image in the file."""
    file_name: str
    """The input, as it was named or found."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


class RunLengths(TypedDict):
    """The pixels of a class as COCO compresses them."""

    size: list[int]
    """Height and width of the mask."""
    counts: str
    """Compressed lengths of the runs down the columns, outside and inside in turn, outside first."""


class CocoAnnotation(TypedDict):
    """All pixels of one class."""

    id: int
    """Number of the annotation in the file."""
    image_id: int
    """Number of its image."""
    category_id: int
    """Class id."""
    category: str
    """Name of the class."""
    segmentation: RunLengths
    """Its pixels."""
    area: int
    """Number of its pixels."""
    bbox: list[int]
    """The box around them: x, y, width, height."""
    iscrowd: int
    """0: the area of an object, not of a crowd."""


class CocoCategory(TypedDict):
    """A class."""

    id: int
    """Class id."""
    name: str
    """Its name."""


class CocoImageAnnotations(TypedDict):
    """An image, its annotations and all categories."""

    image: CocoImageRecord
    """The labelled image."""
    annotations: list[CocoAnnotation]
    """One for each class in the mask."""
    categories: list[CocoCategory]
    """All classes of the network."""


def write_coco(file: Path, picture: "LabelledPicture") -> None:
    """The classes of a mask as COCO's run lengths. Raises OSError."""
    write_whole(file, json.dumps(coco(picture.result.mask, picture.labels, picture.name)))


def coco(
    mask: np.ndarray, labels: LabelSet, file_name: str, image_id: int = 1, first_id: int = 1
) -> CocoImageAnnotations:
    """(H, W) uint8 class ids and VOID → one annotation for each class in the mask, as COCO names its keys.

    Category ids are class ids. Areas are disjoint. Several images together make one COCO file:
    `{"images": [..], "annotations": [..], "categories": [..]}`.
    """
    height, width = mask.shape
    down = mask.ravel("F")
    starts = np.flatnonzero(np.diff(down, prepend=~down[:1]))
    ends = np.append(starts[1:], mask.size)
    class_ids = down[starts]
    order = np.argsort(class_ids, kind="stable")
    present, places = np.unique(class_ids[order], return_index=True)
    annotations: list[CocoAnnotation] = []
    for class_id, runs in zip(present.tolist(), np.split(order, places[1:]), strict=True):
        if class_id == VOID:
            continue
        annotation: CocoAnnotation = {
            "id": first_id + len(annotations),
            "image_id": image_id,
            "category_id": class_id,
            "category": labels.names[class_id],
            "segmentation": {"size": [height, width], "counts": encode(starts[runs], ends[runs], mask.size)},
            "area": int((ends[runs] - starts[runs]).sum()),
            "bbox": _box(starts[runs], ends[runs] - 1, height),
            "iscrowd": 0,
        }
        annotations.append(annotation)
    return {
        "image": {"id": image_id, "file_name": file_name, "width": width, "height": height},
        "annotations": annotations,
        "categories": [{"id": index, "name": name} for index, name in enumerate(labels.names)],
    }


def _box(starts: np.ndarray, lasts: np.ndarray, height: int) -> list[int]:
    """x, y, width, height of runs down the columns, given by their first and last pixels."""
    left, right = int(starts[0]) // height, int(lasts[-1]) // height
    # A run that goes on in the next column passes the lowest and the highest pixel.
    if (starts // height != lasts // height).any():
        return [left, 0, right - left + 1, height]
    top, bottom = int((starts % height).min()), int((lasts % height).max())
    return [left, top, right - left + 1, bottom - top + 1]
