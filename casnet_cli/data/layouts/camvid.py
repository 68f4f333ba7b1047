"""CamVid's layout with lists, with classes of one's own, as CVAT and datumaro write it."""

from dataclasses import replace

from casnet_cli.data.annotations.class_lists import read_list
from casnet_cli.data.layouts.class_ids import table_by_look, with_ground
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.listed import named_in, pairs_of
from casnet_cli.data.layouts.lists import read_rows
from casnet_cli.data.layouts.tree import Tree

COLORS = "label_colors.txt"
"""The list of classes, in small letters; no copy of CamVid or Cityscapes that casnet knows has one."""


def camvid(tree: Tree) -> Layout | None:
    """`label_colors.txt` beside lists of `/train/a.jpg trainannot/a.png`, where a picture without objects has no mask.

    Raises DataError as `pairs_of` does.
    """
    for file in tree.lists:
        if file.name.lower() != COLORS or not (classes := read_list(file)):
            continue
        rows_of = {}
        for one in tree.lists:
            rows = read_rows(one) if one.parent == file.parent and one != file else []
            if rows and len(named := named_in(rows)) == len(rows):
                rows_of[one] = named
        if any(len(names) == 2 for rows in rows_of.values() for _, names in rows):
            found = pairs_of(tree, rows_of)
            table = table_by_look(with_ground(classes), found.masks[0])
            evidence = f"{found.evidence}, classes by {tree.relative(file)}"
            return replace(found, what="CamVid's layout", evidence=evidence, table=table)
    return None
