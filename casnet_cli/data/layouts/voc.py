"""Pascal VOC's layout, with classes of one's own: CVAT's `Segmentation mask`, datumaro's, and LabelMe's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.class_ids import brought, table_by_look
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.listed import whole_splits
from casnet_cli.data.layouts.lists import read_lines
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.layouts.pairing import Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID
from casnet_cli.util.text import count

PICTURES, MASKS, SETS = "jpegimages", "segmentationclass", ("imagesets", "segmentation")
"""Folders, in small letters."""

BORDER = (224, 224, 192)
"""Pascal VOC's colour of void, which lies around its objects."""

LISTS = ("labelmap.txt", "class_names.txt")
"""Lists of classes, in small letters: of CVAT and datumaro, and of LabelMe."""


def voc(tree: Tree) -> Layout | None:
    """`JPEGImages/a.jpg`, `SegmentationClass/a.png`, and perhaps `ImageSets/Segmentation/train.txt`, `labelmap.txt`.

    Of pictures those count that lists name, if there are lists. Raises DataError if masks lie there without pictures,
    a list names a picture that is not there, or two lists of classes or of pictures contradict each other.
    """
    masks = _below(tree, tree.pictures, MASKS)
    if not masks:
        return None
    pictures = _below(tree, tree.pictures, PICTURES)
    if not pictures:
        if any(tree.role(file) != "mask" for file in tree.pictures):
            return None
        what = f"{count(len(masks), 'mask')} in SegmentationClass/, and no picture"
        raise DataError(f"{tree.root}: {what} (export with images, or put the pictures in JPEGImages/ beside it)")
    images, labels = tree.listed(list(pictures), list(masks))
    images, splits, besides = _chosen(tree, images, pictures)
    found = pair(images, labels, tree.root)
    classes, by = brought(tree, masks, LISTS)
    table = _with_border(table_by_look(classes, next(iter(masks)))) if classes else None
    evidence = f"{count(len(images), 'picture')} in JPEGImages/, {count(len(masks), 'mask')} in SegmentationClass/"
    return Layout(
        "Pascal VOC's layout", evidence + by + besides, tuple(found.pairs), found.spare, tree.root, table, splits=splits
    )


def _with_border(table: ClassTable) -> ClassTable:
    """The table with Pascal VOC's void, 255 or its colour, where no class claims that."""
    ids = {VOID: VOID, **table.ids} if table.ids else {}
    colors = {BORDER: VOID, **table.colors} if table.colors else {}
    return replace(table, ids=ids, colors=colors)


def _below(tree: Tree, files: Sequence[Path], folder: str) -> dict[Path, tuple[PurePosixPath, str]]:
    """The files in folders of that name: where these folders lie, and the path below, folded and without ending."""
    found = {}
    for file in files:
        parts = tree.relative(file).parts
        at = next((place for place, part in enumerate(parts[:-1]) if part.lower() == folder), None)
        if at is not None:
            below = PurePosixPath(*parts[at + 1 :]).with_suffix("")
            found[file] = (PurePosixPath(*parts[:at]), folded(str(below)))
    return found


def _chosen(
    tree: Tree, images: list[Listed], places: Mapping[Path, tuple[PurePosixPath, str]]
) -> tuple[list[Listed], dict[str, str], str]:
    """The pictures that lists name, the split of each, and in words how many are in no list; all if there are none."""
    by_place = {places[one.file]: one for one in images}
    named: dict[str, str | None] = {}
    for file in tree.lists:
        folder = tree.relative(file).parent
        if tuple(part.lower() for part in folder.parts[-2:]) != SETS:
            continue
        top = TOPS.get(file.stem.lower())
        for number, text in read_lines(file):
            one = by_place.get((folder.parent.parent, folded(text)))
            if one is None:
                raise DataError(f"{file}: line {number}: {text} is no picture of JPEGImages/ (names without ending)")
            if top and named.get(one.name) not in (None, top):
                raise DataError(f"{file}: line {number}: {text} is in {named[one.name]} too (one split a picture)")
            named[one.name] = top or named.get(one.name)
    if not named:
        return images, {}, ""
    chosen = [one for one in images if one.name in named]
    others = len(images) - len(chosen)
    besides = f"; {count(others, 'picture')} in no list left out" if others else ""
    return chosen, whole_splits({name: top for name, top in named.items() if top}, list(named)), besides
