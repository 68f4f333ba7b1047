"""Ultralytics' layout of semantic masks, or of polygons, with its YAML file."""

import os
import re
from pathlib import Path

from casnet_cli.data.annotations.yolo import YoloDataset, YoloPicture, read_dataset, read_listed
from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.lists import read_lines
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID
from casnet_cli.util.text import count

CLASSES = "classes.txt"
"""A list of classes in place of the YAML file, as Label Studio writes it, in small letters."""

OUTLINE = re.compile(r"\d+(\s+-?[\d.e+-]+){4,}\s*$")
"""A line of a polygon or of a box."""


def ultralytics(tree: Tree) -> Layout | None:
    """A YAML with `train`, `names` and perhaps `path`, `val`, `test`, `masks_dir`; beside `images` lies the folder of
    masks, or `labels` with polygons. Of polygons a list of classes does, too.

    Raises DataError if there is neither, and most pictures have polygons.
    """
    for file in tree.yaml:
        dataset = read_dataset(file, tree.root)
        if dataset is not None:
            return _masks(tree, file, dataset) or _polygons(tree, file, dataset)
    for file in tree.lists:
        if (
            file.name.lower() == CLASSES
            and (dataset := read_listed(file))
            and (layout := _polygons(tree, file, dataset))
        ):
            return layout
    _refuse_nameless(tree)
    return None


def _refuse_nameless(tree: Tree) -> None:
    lists = set(tree.lists)
    labels = [YoloPicture(one, None, one.stem).partner("labels", ".txt") for one in tree.pictures]
    there = [one for one in labels if one in lists]
    if there and 2 * len(there) >= len(tree.pictures):
        file = there[0]
        if any(OUTLINE.match(line) for _, line in read_lines(file)[:1]):
            fault = "these are outlines of YOLO, and no data.yaml or classes.txt names their classes"
            raise DataError(f"{file}: {fault} (write a name a line into {tree.root / CLASSES})")


def _masks(tree: Tree, file: Path, dataset: YoloDataset) -> Layout | None:
    pairs, used = [], set()
    for one in dataset.pictures:
        label = one.partner(dataset.masks_dir, ".png")
        label = label if label and label.is_file() else None
        fault = None if label else missing_partner(one.file, None, tree.root / dataset.masks_dir)
        pairs.append(FilePair(f"{one.split}/{one.name}", one.file, label, fault))
        used.add(label)
    if not any(one.label for one in pairs):
        return None
    spare = [one for one in tree.pictures if dataset.masks_dir in tree.relative(one).parts and one not in used]
    table = table_of(dataset.names, [VOID], file)
    searched = tree.root / dataset.masks_dir
    return Layout("Ultralytics' layout", _evidence(tree, file, dataset), tuple(pairs), tuple(spare), searched, table)


def _polygons(tree: Tree, file: Path, dataset: YoloDataset) -> Layout | None:
    labels = [label for one in dataset.pictures if (label := one.partner("labels", ".txt")) and label.is_file()]
    if not labels:
        return None
    evidence = f"{_evidence(tree, file, dataset)}, {count(len(labels), 'file')} of polygons in labels/"
    images = Path(os.path.commonpath([one.file.parent for one in dataset.pictures]))
    return Layout("Ultralytics' layout", evidence, annotations=(file,), images=images)


def _evidence(tree: Tree, file: Path, dataset: YoloDataset) -> str:
    classes = count(len(set(dataset.names.values())), "class")
    return f"{tree.relative(file)} with {classes}, {count(len(dataset.pictures), 'picture')}"
