"""Roboflow's layout of semantic masks."""

from casnet_cli.data.annotations.class_lists import agreed, read_list
from casnet_cli.data.layouts.class_ids import table_of_list
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.util.text import count

CLASSES, MASK = "_classes.csv", "_mask"


def roboflow(tree: Tree) -> Layout | None:
    """`train/a.jpg`, `train/a_mask.png` and `train/_classes.csv`, with `valid` and `test`.

    Raises DataError if two of the lists contradict each other.
    """
    files = [file for file in tree.lists if file.name.lower() == CLASSES]
    lists = {file.parent: one for file in files if (one := read_list(file))}
    inside = [file for file in tree.pictures if file.parent in lists]
    masks = [file for file in inside if file.stem.lower().endswith(MASK)]
    classes = agreed(list(lists.values()))
    if not classes or not masks or len(masks) == len(inside):
        return None
    images, labels = tree.listed([file for file in inside if file not in set(masks)], masks, told_by_role=False)
    found = pair(images, labels, tree.root)
    table = table_of_list(classes, False)
    evidence = f"{count(len(images), 'picture')} in {tree.folders(inside)}, classes by {tree.relative(classes.file)}"
    return Layout("Roboflow's semantic masks", evidence, tuple(found.pairs), found.spare, tree.root, table)
