"""CamVid in its common form of 11 classes: street scenes of 480x360 pixels, labels as PNG files of class ids."""

from pathlib import Path

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks import masks
from casnet_cli.data.sources.base import SOURCE_IMAGE_ENDINGS, Entry, Source, locate_folder, match_files
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, LabelSet

LAYOUT = "camvid/ with train/ and trainannot/, val/ and valannot/, test/ and testannot/, or some of these pairs"

COLORS: dict[str, tuple[int, int, int]] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (0, 0, 192),
    "tree": (128, 128, 0),
    "sign symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}

LABELS = LabelSet(tuple(COLORS), tuple(COLORS.values()))

TABLE = ClassTable(LABELS, {len(LABELS): VOID} | {class_id: class_id for class_id in range(len(LABELS))})


def entries(root: Path) -> list[Entry]:
    """The images of the splits that exist, by name. Raises DataError if a split has only one of its two folders."""
    folder = locate_folder(root, ("camvid", "CamVid"), (*SPLITS, *map(_annotations, SPLITS)), LAYOUT, enough=any)
    listed = []
    for split in SPLITS:
        images, labels = folder / split, folder / _annotations(split)
        if not images.is_dir() and not labels.is_dir():
            continue
        for required in (images, labels):
            if not required.is_dir():
                raise DataError(f"{required}: no such folder (expected {LAYOUT})")
        listed += match_files(split, images, labels, (SOURCE_IMAGE_ENDINGS, (".png",)), masks.reader(TABLE))
    return listed


def _annotations(split: str) -> str:
    return f"{split}annot"


SOURCE = Source(
    name="camvid",
    labels=LABELS,
    entries=entries,
    folder="camvid",
    archives=("camvid.zip", "CamVid.zip"),
)
