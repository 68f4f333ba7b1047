"""Cityscapes' layout, with classes of one's own."""

import re
from pathlib import Path

from casnet_cli.data.classes.class_lists import COLORS
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.class_ids import brought, table_of_list
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.util.text import count

LEFT = "_leftimg8bit"
"""What the names of pictures end with, in small letters."""

CITYSCAPES = re.compile(r"(?P<core>.+?)(_gt[a-z]+)?_(?P<kind>labelids|labeltrainids)")


def cityscapes(tree: Tree) -> Layout | None:
    """`leftImg8bit/train/city/X_leftImg8bit.png` with `gtFine/train/city/X_gtFine_labelIds.png`.

    CVAT and datumaro add `label_colors.txt`, and write no mask of a picture without objects. Raises DataError if two
    such lists contradict each other.
    """
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
        if ((core := (stem := folded(file.stem)).removesuffix(LEFT)) in cores or stem != core) and file not in core_of
    }
    images, labels = tree.listed(list(pictures), list(core_of))
    images = [Listed(one.name, one.file, one.group, pictures[one.file]) for one in images]
    labels = [Listed(one.name, one.file, one.group, core_of[one.file]) for one in labels]
    if not images:
        return None
    found = pair(images, labels, tree.root)
    evidence = (
        f"{count(len(labels), 'mask')} named …_{'labelIds' if kind == 'labelids' else 'labelTrainIds'}, "
        f"{count(len(images), 'picture')}"
    )
    classes, by = brought(tree, core_of, (COLORS,)) if kind == "labelids" else (None, "")
    table = table_of_list(classes, False) if classes else None
    return Layout("Cityscapes' layout", evidence + by, tuple(found.pairs), found.spare, tree.root, table)
