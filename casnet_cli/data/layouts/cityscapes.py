"""Cityscapes' layout, with classes of one's own."""

import re
from pathlib import Path

from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree

CITYSCAPES = re.compile(r"(?P<core>.+?)(_gt[a-z]+)?_(?P<kind>labelids|labeltrainids)")


def cityscapes(tree: Tree) -> Layout | None:
    """`leftImg8bit/train/city/X_leftImg8bit.png` with `gtFine/train/city/X_gtFine_labelIds.png`."""
    kinds: dict[str, list[tuple[Path, str]]] = {}
    for file in tree.pictures:
        if match := CITYSCAPES.fullmatch(folded(file.stem)):
            kinds.setdefault(match["kind"], []).append((file, match["core"]))
    if not kinds:
        return None
    kind = "labelids" if "labelids" in kinds else "labeltrainids"
    core_of = dict(kinds[kind])
    cores = set(core_of.values())
    pictures = {
        file: core
        for file in tree.pictures
        if (core := folded(file.stem).removesuffix("_leftimg8bit")) in cores and file not in core_of
    }
    images, labels = tree.listed(list(pictures), list(core_of))
    images = [Listed(one.name, one.file, one.group, pictures[one.file]) for one in images]
    labels = [Listed(one.name, one.file, one.group, core_of[one.file]) for one in labels]
    if not images:
        return None
    found = pair(images, labels, tree.root)
    evidence = (
        f"{len(labels)} masks named …_{'labelIds' if kind == 'labelids' else 'labelTrainIds'}, {len(images)} pictures"
    )
    return Layout("Cityscapes' layout", evidence, tuple(found.pairs), found.spare, tree.root)
