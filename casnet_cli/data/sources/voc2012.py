"""Pascal VOC 2012, segmentation: 20 kinds of objects and background, palette masks, its own lists of images."""

from functools import partial
from pathlib import Path

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks import masks
from casnet_cli.data.sources.base import Entry, Source, locate_folder, missing_partner, read_bytes
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, LabelSet

LAYOUT = "VOCdevkit/VOC2012/ with JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/"

NAMES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor"),
)

LABELLED_SPLITS = ("train", "val")
"""Splits whose labels are published."""


def color(class_id: int) -> tuple[int, int, int]:
    """RGB of a class in the set's own palette: the id's bits go to red, green and blue in turn, highest bits first."""
    channels = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            channels[channel] |= (class_id >> (3 * place + channel) & 1) << (7 - place)
    return channels[0], channels[1], channels[2]


LABELS = LabelSet(NAMES, tuple(color(class_id) for class_id in range(len(NAMES))))
TABLE = ClassTable(LABELS, {**{class_id: class_id for class_id in range(len(NAMES))}, 255: VOID})


def entries(root: Path) -> list[Entry]:
    """The images that the lists of train and val name. Raises DataError if one is not there."""
    required = ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation")
    folder = locate_folder(root, ("VOCdevkit/VOC2012", "VOC2012"), required, LAYOUT)
    listed, read = [], masks.reader(TABLE)
    for split in LABELLED_SPLITS:
        for name in read_bytes(folder / f"ImageSets/Segmentation/{split}.txt").decode("utf-8", "replace").split():
            image, mask = folder / f"JPEGImages/{name}.jpg", folder / f"SegmentationClass/{name}.png"
            if "/" in name or not image.is_file():
                raise DataError(f"{image}: not there, though {split}.txt names it (expected {LAYOUT})")
            fault = None if mask.is_file() else missing_partner(image, None, mask.parent)
            listed.append(Entry(split, name, partial(read, image, mask), image, mask, fault))
    return listed


SOURCE = Source(
    name="voc2012",
    labels=LABELS,
    entries=entries,
    folder="VOCdevkit",
    archives=("VOCtrainval_11-May-2012.tar",),
    url="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
    counts=(("train", 1464), ("val", 1449)),
)
