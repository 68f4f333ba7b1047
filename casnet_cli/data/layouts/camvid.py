"""CamVid's layout with lists, with classes of one's own, as CVAT and datumaro write it."""

from dataclasses import replace

from casnet_cli.data.classes.class_lists import COLORS
from casnet_cli.data.layouts.class_ids import brought, table_by_look
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.listed import named_in, pairs_of
from casnet_cli.data.layouts.lists import read_rows
from casnet_cli.data.layouts.tree import Tree


def camvid(tree: Tree) -> Layout | None:
    """`label_colors.txt` beside lists of `/train/a.jpg trainannot/a.png`, where a picture without objects has no mask.

    Raises DataError as `pairs_of` does.
    """
    folders = {file.parent for file in tree.lists if file.name.lower() == COLORS}
    rows_of = {}
    for file in tree.lists:
        rows = read_rows(file) if file.parent in folders and file.name.lower() != COLORS else []
        if rows and len(named := named_in(rows)) == len(rows):
            rows_of[file] = named
    if not any(len(names) == 2 for rows in rows_of.values() for _, names in rows):
        return None
    found = pairs_of(tree, rows_of)
    classes, by = brought(tree, found.masks, (COLORS,))
    table = table_by_look(classes, found.masks[0]) if classes else None
    return replace(found, what="CamVid's layout", evidence=found.evidence + by, table=table)
