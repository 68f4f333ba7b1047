"""nnU-Net's layout, of pictures."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from casnet_cli.data.classes.class_lists import nnunet_names
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import DataError
from casnet_cli.util.parsing import json_of
from casnet_cli.util.text import count


def nnunet(tree: Tree) -> Layout | None:
    """`imagesTr`, `labelsTr` and `dataset.json`, with `imagesTs` and `labelsTs` as test."""
    file = tree.root / "dataset.json"
    if file not in tree.json or not (tree.root / "labelsTr").is_dir():
        return None
    inside = {part: [one for one in tree.pictures if tree.relative(one).parts[0] == part] for part in _NNUNET}
    if not inside["imagesTr"]:
        raise DataError(f"{tree.root}: imagesTr holds no picture that casnet reads (nnU-Net's PNG or TIFF, not NIfTI)")
    table = _nnunet_table(file)
    _refuse_channels(inside)
    images: list[Listed] = []
    labels: list[Listed] = []
    for part, split in _NNUNET.items():
        if split == "test" and not inside["labelsTs"]:
            continue
        for one in inside[part]:
            stem = one.stem
            if part.startswith("images"):
                stem = stem.removesuffix(FIRST)
            target = images if part.startswith("images") else labels
            target.append(Listed(f"{split}/{stem}", one, split, folded(stem)))
    found = pair(images, labels, tree.root / "labelsTr")
    evidence = f"dataset.json with {count(len(table.labels), 'class')}, {count(len(images), 'picture')}"
    return Layout("nnU-Net's layout", evidence, tuple(found.pairs), found.spare, tree.root, table)


FIRST = "_0000"
"""What the names of pictures, without ending, end with: the first channel."""

_NNUNET = {"imagesTr": "train", "labelsTr": "train", "imagesTs": "test", "labelsTs": "test"}
"""The split of each folder."""


def _refuse_channels(inside: Mapping[str, Sequence[Path]]) -> None:
    """Raise DataError if a picture lies in several files, one a channel, or has no number of its channel."""
    pictures = [one for part, files in inside.items() if part.startswith("images") for one in files]
    if bare := next((one for one in pictures if not re.search(r"_\d{4}$", one.stem)), None):
        raise DataError(f"{bare}: names no channel (expected {bare.stem}{FIRST}{bare.suffix})")
    if other := next((one for one in pictures if not one.stem.endswith(FIRST)), None):
        raise DataError(
            f"{other}: pictures are of several channels, a file each, and casnet takes a picture from one file "
            f"(stack the channels of each into one TIFF, NAME{FIRST}.tif, and choose by --bands)"
        )


def _nnunet_table(file: Path) -> ClassTable:
    try:
        ids = nnunet_names(json_of(read_bytes(file)))
    except ValueError:
        raise DataError(f"{file}: no labels of classes (expected nnU-Net's labels: {{name: id}})") from None
    void = [number for number, name in ids.items() if name == "ignore"]
    return table_of({number: name for number, name in ids.items() if name != "ignore"}, void, file)
