"""nnU-Net's layout, of pictures."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import DataError


def nnunet(tree: Tree) -> Layout | None:
    """`imagesTr`, `labelsTr` and `dataset.json`, with `imagesTs` and `labelsTs` as test."""
    file = tree.root / "dataset.json"
    if file not in tree.json or not (tree.root / "labelsTr").is_dir():
        return None
    inside = {part: [one for one in tree.pictures if tree.relative(one).parts[0] == part] for part in _NNUNET}
    if not inside["imagesTr"]:
        raise DataError(f"{tree.root}: imagesTr holds no picture that casnet reads (nnU-Net's PNG or TIFF, not NIfTI)")
    table = _nnunet_table(file)
    images: list[Listed] = []
    labels: list[Listed] = []
    for part, split in _NNUNET.items():
        if split == "test" and not inside["labelsTs"]:
            continue
        for one in inside[part]:
            stem = one.stem
            if part.startswith("images"):
                stem, _, channel = stem.rpartition("_")
                if not re.fullmatch(r"\d{4}", channel) or channel != "0000":
                    raise DataError(f"{one}: of several channels, or none, a picture (expected one, NAME_0000)")
            target = images if part.startswith("images") else labels
            target.append(Listed(f"{split}/{stem}", one, split, folded(stem)))
    found = pair(images, labels, tree.root / "labelsTr")
    evidence = f"dataset.json with {len(table.labels)} classes, {len(images)} pictures"
    return Layout("nnU-Net's layout", evidence, tuple(found.pairs), found.spare, tree.root, table)


_NNUNET = {"imagesTr": "train", "labelsTr": "train", "imagesTs": "test", "labelsTs": "test"}
"""The split of each folder."""


def _nnunet_table(file: Path) -> ClassTable:
    try:
        content = json.loads(read_bytes(file))
        labels = content["labels"]
        first = next(iter(labels))
        ids = {int(key): str(value) for key, value in labels.items()} if first.isdigit() else _ids(labels)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        raise DataError(f"{file}: no labels of classes (expected nnU-Net's labels: {{name: id}})") from None
    void = [number for number, name in ids.items() if name == "ignore"]
    return table_of({number: name for number, name in ids.items() if name != "ignore"}, void, file)


def _ids(labels: Mapping[str, object]) -> dict[int, str]:
    if any(not isinstance(value, int) for value in labels.values()):
        raise ValueError("regions")
    return {int(value): name for name, value in labels.items()}  # type: ignore[call-overload]
