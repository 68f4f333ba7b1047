"""Pictures with mask files: in sister folders, side by side, in two folders of any names, or one for each class."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from casnet_cli.data.layouts.beside import UNKNOWN_VALUES, divide
from casnet_cli.data.layouts.class_files import class_parts
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import FilePair, Listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.masks.mask_census import census
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.errors import CasnetError
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count

LOOKS = 3
"""Masks that are looked at."""


def layout_of(what: str, evidence: str, files: tuple[list[Listed], list[Listed]], searched: Path) -> Layout:
    """Pictures with their masks, one each or one for each class. Raises DataError as `pair` does."""
    images, labels = files
    parts = class_parts(images, labels)
    if parts and _two_valued([file for members in parts.values() for _, file in members]):
        pairs = []
        for one in images:
            own = tuple(parts.get(one.file, ()))
            fault = None if own else missing_partner(one.file, None, searched)
            pairs.append(FilePair(one.name, one.file, own[0][1] if own else None, fault, own))
        used = {file for members in parts.values() for _, file in members}
        spare = tuple(one.file for one in labels if one.file not in used)
        classes = sorted({name for members in parts.values() for name, _ in members})
        several = f"one mask a class: {', '.join(classes)}"
        evidence = "; ".join(filter(None, (evidence, several)))
        return Layout(what, evidence, tuple(pairs), spare, searched)
    found = pair(images, labels, searched)
    ruled = f"names go by --pair {typed(found.rule.pattern)}" if found.rule else ""
    evidence = "; ".join(filter(None, (evidence, ruled)))
    return Layout(what, evidence, tuple(found.pairs), found.spare, searched)


def _two_valued(files: Sequence[Path]) -> bool:
    """Whether the first masks hold two values at most, or are blurred by compression."""
    return all(_values(file) <= 2 or file.suffix.lower() in (".jpg", ".jpeg") for file in files[:LOOKS])


def _values(file: Path) -> int:
    try:
        return census(file).different
    except CasnetError:
        return UNKNOWN_VALUES


def sisters(tree: Tree) -> Layout | None:
    """`train/images` and `train/masks`, `images/train` and `masks/train`, `imgs` and `labels`, in any depth."""
    pictures = [file for file in tree.pictures if tree.role(file) == "picture"]
    masks = [file for file in tree.pictures if tree.role(file) == "mask"]
    if not masks or len(pictures) + len(masks) < len(tree.pictures) / 2:
        return None
    if not pictures:
        pictures = [file for file in tree.pictures if tree.role(file) is None]
        if not pictures:
            return None
    evidence = (
        f"{count(len(pictures), 'picture')} in {tree.folders(pictures)}, "
        f"{count(len(masks), 'mask')} in {tree.folders(masks)}"
    )
    return layout_of("pictures and masks in folders of their own", evidence, tree.listed(pictures, masks), tree.root)


def beside(tree: Tree) -> Layout | None:
    """`1.jpg` and `1.png`, `1.jpg` and `1_mask.png`, or `1.jpg`, `1_road.png` and `1_car.png`, in one folder."""
    what = "pictures and masks side by side"
    images, labels = _owners_and_parts(tree)
    if images and (parts := class_parts(images, labels)) and _two_valued([one.file for one in labels]):
        numbers = f"{count(len(parts), 'picture')} and {count(len(labels), 'mask')}"
        evidence = f"{numbers} in {tree.folders([one.file for one in images])}"
        return layout_of(what, evidence, (images, labels), tree.root)
    both = divide(tree.pictures, tree.root)
    if both is None:
        return None
    numbers = f"{count(len(both.pictures), 'picture')} and {count(len(both.masks), 'mask')}"
    evidence = f"{numbers} in {tree.folders(both.masks)}; {both.evidence}"
    return layout_of(what, evidence, tree.listed(both.pictures, both.masks, told_by_role=False), tree.root)


def _owners_and_parts(tree: Tree) -> tuple[list[Listed], list[Listed]]:
    """Files by whose name that of others begins, and these others."""
    by_group: dict[Path, dict[str, Path]] = defaultdict(dict)
    for file in tree.pictures:
        by_group[file.parent][file.stem] = file
    owners: set[Path] = set()
    parts: set[Path] = set()
    for members in by_group.values():
        for stem, file in members.items():
            places = [index for index, character in enumerate(stem) if character in "_-. "]
            if owner := next((members[stem[:at]] for at in reversed(places) if stem[:at] in members), None):
                owners.add(owner)
                parts.add(file)
    rest = [file for file in tree.pictures if file in owners and file not in parts]
    images, labels = tree.listed(rest, sorted(parts), told_by_role=False)
    return images, labels


def twins(tree: Tree) -> Layout | None:
    """Two folders, of any names, whose files have the same names."""
    folders: dict[Path, dict[str, Path]] = defaultdict(dict)
    for file in tree.pictures:
        folders[file.parent][file.stem.lower()] = file
    if len(folders) != 2:
        return None
    one, other = folders.values()
    together = sorted(one.keys() & other.keys())
    if 2 * len(together) < min(len(one), len(other)):
        return None
    first = [sum(_values(members[stem]) for stem in together[:LOOKS]) for members in (one, other)]
    pictures, masks = (one, other) if first[0] > first[1] else (other, one)
    files = list(pictures.values()), list(masks.values())
    evidence = (
        f"{count(len(files[0]), 'picture')} in {tree.folders(files[0])}, and in {tree.folders(files[1])} "
        "files of fewer values"
    )
    listed = [
        [Listed(one.name.rpartition("/")[2], one.file, "", one.stem) for one in kind] for kind in tree.listed(*files)
    ]
    return layout_of("pictures and masks in two folders", evidence, (listed[0], listed[1]), tree.root)
