"""What the names of folders say: which hold pictures, which hold masks, and which split."""

import re

_PICTURES = (
    "images image imgs img pictures picture pics photos photo photographs rgb inputs input frames jpegimages "
    "originals original orig scans"
)
PICTURE_WORDS = frozenset(_PICTURES.split())
"""Parts of the names of folders that hold pictures, in small letters."""

_MASKS = (
    "masks mask msk msks labels label lbl lbls annotations annotation annots annot anns ann gt gts groundtruth truth "
    "truths seg segs segmentation segmentations targets target"
)
MASK_WORDS = frozenset(_MASKS.split())
"""Parts of the names of folders, and of files, that hold masks."""

_NOISE = "jpeg jpg png tif tiff class classes left right bit ground semantic id ids set raw fine"
NOISE = frozenset(_NOISE.split())
"""Parts of names that say nothing about which pictures belong together."""

TOPS = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "ts": "test",
}
"""The split of each name of a sub-folder, in small letters."""


def words(name: str) -> list[str]:
    """The parts of a name, in small letters: `trainMasks_01` has `train`, `masks` and `01`."""
    found = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)]
    return [piece for part in found for piece in _divided(part)]


def _divided(part: str) -> list[str]:
    """`trainannot`, `leftimg` and `gtfine` are two words each."""
    roles = MASK_WORDS | PICTURE_WORDS
    for at in range(2, len(part) - 1):
        first, second = part[:at], part[at:]
        before = first in ("train", "val", "test") or first in NOISE
        if before and second in roles or first in roles and second in NOISE:
            return [first, second]
    return [part]


def role(name: str) -> str | None:
    """`mask` or `picture`, as the name of a folder says; None if it says neither."""
    parts = set(words(name))
    return "mask" if parts & MASK_WORDS else "picture" if parts & PICTURE_WORDS else None


def remainder(name: str) -> str:
    """What the name of a folder says besides its role: `train` of `train_masks`."""
    return "-".join(part for part in words(name) if part not in MASK_WORDS | PICTURE_WORDS | NOISE and part != "8")


def project(folder: tuple[str, ...]) -> str:
    """The name of the project among the parts of a path: the last that names neither a role nor a split."""
    for part in reversed(folder):
        rest = remainder(part)
        if not role(part) and part.lower() not in TOPS or role(part) and rest and rest not in TOPS:
            return part
    return ""
