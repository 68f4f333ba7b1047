"""All masks of a folder as one COCO file: the run lengths of every class."""

import hashlib
import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from casnet_cli.data.annotations.coco_rle import encode
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.util.files import unfinished

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledFolder


ID_BITS = 44
"""Of an image's number: with eight more an annotation's stays a whole number where numbers are floating-point ones."""

FIRST_CATEGORY = 1
"""Number of the first class: some programs take category 0 for no class."""


class CocoImageRecord(TypedDict):
    """The labelled image."""

    id: int
    """Number of the image in the file."""
    file_name: str
    """The input below the folder that was given."""
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
    """Number of its category."""
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
    """Class id and 1."""
    name: str
    """Its name."""
    supercategory: str
    """Empty: classes belong to no groups."""


def write_coco(file: Path, folder: "LabelledFolder") -> None:
    """The classes of all masks as one COCO file, an annotation for each class of an image. Raises OSError.

    Ids hang on an image's name alone: they stay when other images come and go, and are the same in the file of a share.
    """
    images: list[CocoImageRecord] = []
    used: set[int] = set()
    with unfinished(file) as path, open(path, "w", encoding="utf-8") as stream:
        stream.write(f'{{"categories": {json.dumps(categories(folder.labels))},\n"annotations": [')
        comma = "\n"
        for picture in folder.pictures:
            height, width = picture.mask.shape
            image_id = image_id_of(picture.name, used)
            used.add(image_id)
            images.append({"id": image_id, "file_name": picture.name, "width": width, "height": height})
            for annotation in annotations(picture.mask, image_id):
                stream.write(comma + json.dumps(annotation))
                comma = ",\n"
        stream.write(f'\n],\n"images": {json.dumps(images)}}}\n')


def image_id_of(name: str, used: Container[int] = ()) -> int:
    """A number of `ID_BITS` bits for an image's name, above 0; the next one that is not in `used`."""
    found = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> (64 - ID_BITS)
    while found in used or not found:
        found = (found + 1) % (1 << ID_BITS)
    return found


def categories(labels: LabelSet) -> list[CocoCategory]:
    """The classes in the order of their ids."""
    return [{"id": index, "name": name, "supercategory": ""} for index, name in enumerate(labels.names, FIRST_CATEGORY)]


def annotations(mask: np.ndarray, image_id: int) -> Iterator[CocoAnnotation]:
    """(H, W) uint8 class ids and VOID → one annotation for each class in the mask. Their areas are disjoint.

    An annotation's id is 256 times the image's and its category's.
    """
    height, width = mask.shape
    down = mask.ravel("F")
    starts = np.flatnonzero(np.diff(down, prepend=~down[:1]))
    ends = np.append(starts[1:], mask.size)
    class_ids = down[starts]
    order = np.argsort(class_ids, kind="stable")
    present, places = np.unique(class_ids[order], return_index=True)
    for class_id, runs in zip(present.tolist(), np.split(order, places[1:]), strict=True):
        if class_id == VOID:
            continue
        yield {
            "id": image_id * 256 + class_id + FIRST_CATEGORY,
            "image_id": image_id,
            "category_id": class_id + FIRST_CATEGORY,
            "segmentation": {"size": [height, width], "counts": encode(starts[runs], ends[runs], mask.size)},
            "area": int((ends[runs] - starts[runs]).sum()),
            "bbox": _box(starts[runs], ends[runs] - 1, height),
            "iscrowd": 0,
        }


def _box(starts: np.ndarray, lasts: np.ndarray, height: int) -> list[int]:
    """x, y, width, height of runs down the columns, given by their first and last pixels."""
    left, right = int(starts[0]) // height, int(lasts[-1]) // height
    # A run that goes on in the next column passes the lowest and the highest pixel.
    if (starts // height != lasts // height).any():
        return [left, 0, right - left + 1, height]
    top, bottom = int((starts % height).min()), int((lasts % height).max())
    return [left, top, right - left + 1, bottom - top + 1]
