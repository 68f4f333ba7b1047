"""Supervisely's export as masks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from casnet_cli.data.classes.class_lists import MACHINE_COLORS, ClassList
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.class_ids import brought, table_of_list
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.util.text import count

PICTURES, MASKS = "img", "masks_machine"


def supervisely_masks(tree: Tree) -> Layout | None:
    """`img/a.jpg` and `masks_machine/a.png` of each data set, below `obj_class_to_machine_color.json`.

    Raises DataError as `pair` does, or if two such lists contradict each other.
    """
    masks = [file for file in tree.pictures if file.parent.name.lower() == MASKS]
    pictures = [file for file in tree.pictures if file.parent.name.lower() == PICTURES]
    classes, by = brought(tree, masks, (MACHINE_COLORS,))
    if not classes or not pictures:
        return None
    found = pair(_listed(tree, pictures), _listed(tree, masks), tree.root)
    plain = tuple(replace(one, color=None) for one in classes.classes)  # greys of 1, 2, … are all black to look at
    table = table_of_list(ClassList(classes.file, plain, True), False)
    evidence = f"{count(len(pictures), 'picture')} in {PICTURES}/, {count(len(masks), 'mask')} in {MASKS}/{by}"
    return Layout("Supervisely's masks", evidence, tuple(found.pairs), found.spare, tree.root, table)


def _listed(tree: Tree, files: Sequence[Path]) -> list[Listed]:
    """Files by their data sets and names."""
    places = [(PurePosixPath(*tree.relative(file).parts[:-2]), file) for file in files]
    return [Listed((at / file.stem).as_posix(), file, folded(str(at)), folded(file.stem)) for at, file in places]
