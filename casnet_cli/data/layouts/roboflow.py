"""Roboflow's layout of semantic masks."""

from casnet_cli.data.layouts.class_ids import brought, table_of_list
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.util.text import count

CLASSES, MASK = "_classes.csv", "_mask"


def roboflow(tree: Tree) -> Layout | None:
    """`train/a.jpg`, `train/a_mask.png` and `train/_classes.csv`, with `valid` and `test`.

    Raises DataError if two of the lists contradict each other.
    """
    folders = {file.parent for file in tree.lists if file.name.lower() == CLASSES}
    inside = [file for file in tree.pictures if file.parent in folders]
    masks = [file for file in inside if file.stem.lower().endswith(MASK)]
    if not masks or len(masks) == len(inside):
        return None
    classes, by = brought(tree, masks, (CLASSES,))
    images, labels = tree.listed([file for file in inside if file not in set(masks)], masks, told_by_role=False)
    found = pair(images, labels, tree.root)
    table = table_of_list(classes, False) if classes else None
    evidence = f"{count(len(images), 'picture')} in {tree.folders(inside)}{by}"
    return Layout("Roboflow's semantic masks", evidence, tuple(found.pairs), found.spare, tree.root, table)
