"""Cityscapes: street scenes of 2048x1024 pixels, the 19 classes of its benchmark out of its label ids."""

from pathlib import Path

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.masks import masks
from casnet_cli.data.sources.base import Entry, Source, locate_folder, match_files
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, LabelSet

LAYOUT = "leftImg8bit/ and gtFine/, each with train/ and val/, images *_leftImg8bit.png, labels *_gtFine_labelIds.png"
IMAGE, LABEL = "_leftimg8bit.png", "_gtfine_labelids.png"

CLASSES: dict[str, tuple[int, tuple[int, int, int]]] = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
"""Label id and colour of each class that the benchmark evaluates; all other ids are void."""

LABELS = LabelSet(tuple(CLASSES), tuple(color for _, color in CLASSES.values()))
TABLE = ClassTable(
    LABELS,
    dict.fromkeys((*range(34), 255), VOID) | {label_id: index for index, (label_id, _) in enumerate(CLASSES.values())},
)


def entries(root: Path) -> list[Entry]:
    """Train and val by city and name; test has no public labels. Raises DataError if a file lacks its partner."""
    folder = locate_folder(root, ("cityscapes", "Cityscapes"), ("leftImg8bit", "gtFine"), LAYOUT)
    listed = []
    for split in ("train", "val"):
        images, labels = folder / "leftImg8bit" / split, folder / "gtFine" / split
        if not images.is_dir():
            raise DataError(f"{images}: no such folder (expected {LAYOUT})")
        listed += match_files(split, images, labels, ((IMAGE,), (LABEL,)), masks.reader(TABLE))
    return listed


SOURCE = Source(
    name="cityscapes",
    labels=LABELS,
    entries=entries,
    folder="cityscapes",
    archives=("cityscapes.zip",),
    counts=(("train", 2975), ("val", 500)),
)
