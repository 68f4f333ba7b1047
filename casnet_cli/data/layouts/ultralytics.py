"""Ultralytics' layout of semantic masks, or of polygons, with its YAML file."""

import os
from pathlib import Path

from casnet_cli.data.annotations.yolo import YoloDataset, read_dataset
from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.labels import VOID
from casnet_cli.util.text import count


def ultralytics(tree: Tree) -> Layout | None:
    """A YAML with `train`, `names` and perhaps `path`, `val`, `test`, `masks_dir`; beside `images` lies the folder of
    masks, or `labels` with polygons."""
    for file in tree.yaml:
        dataset = read_dataset(file, tree.root)
        if dataset is not None:
            return _masks(tree, file, dataset) or _polygons(tree, file, dataset)
    return None


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
