"""One mask file for each class, or for each object, of a picture."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.classes.class_table import ClassTable, background_id
from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.names import MASK_WORDS, words
from casnet_cli.data.layouts.pairing import Listed
from casnet_cli.data.masks import mask_file
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import Unfit, UnfitKind
from casnet_cli.labels import MAX_CLASSES, VOID

OBJECT = "object"
"""The class of masks whose names only number the objects."""

Parts = dict[Path, list[tuple[str, Path]]]
"""Class and file of the masks of each picture."""


def class_parts(images: Sequence[Listed], labels: Sequence[Listed]) -> Parts | None:
    """The masks of each picture, by class; None unless a picture has several, and most masks are of that form.

    A mask is named after its picture with the class behind it (`street_road.png`), or like it in a folder of the class,
    or lies with others in the folder of one picture alone. Numbers behind the class tell objects apart.
    """
    by_place = {(one.group, one.stem): one for one in images}
    by_stem: dict[str, list[Listed]] = defaultdict(list)
    in_group: dict[str, list[Listed]] = defaultdict(list)
    for one in images:
        by_stem[one.stem].append(one)
        in_group[one.group].append(one)
    parts: Parts = defaultdict(list)
    for label in labels:
        if (label.group, label.stem) in by_place:  # the mask of that picture alone
            continue
        found = _by_name(label, by_place, by_stem) or _by_folder(label, by_place, by_stem) or _alone(label, in_group)
        if found:
            parts[found[0].file].append((found[1], label.file))
    assigned = sum(map(len, parts.values()))
    classes = Counter(name for members in parts.values() for name, _ in members)
    if 5 * assigned < 4 * len(labels) or not any(len(members) > 1 for members in parts.values()):
        return None
    if len(classes) >= MAX_CLASSES or any(set(words(name)) & MASK_WORDS for name in classes):
        return None
    return dict(parts)


def _by_name(
    label: Listed, by_place: dict[tuple[str, str], Listed], by_stem: dict[str, list[Listed]]
) -> tuple[Listed, str] | None:
    for match in reversed(list(re.finditer(r"[_\-. ]+", label.stem))):
        stem = label.stem[: match.start()]
        near = by_place.get((label.group, stem))
        owners = [near] if near else by_stem.get(stem, [])
        if len(owners) == 1 and match.end() < len(label.stem):
            name = PurePosixPath(label.name).name
            return owners[0], _class(name[match.end() :] if len(name) == len(label.stem) else label.stem[match.end() :])
    return None


def _by_folder(
    label: Listed, by_place: dict[tuple[str, str], Listed], by_stem: dict[str, list[Listed]]
) -> tuple[Listed, str] | None:
    folders = PurePosixPath(label.name).parts[:-1]
    if not folders:
        return None
    near = by_place.get((folded("/".join(folders[:-1])), label.stem))
    owners = [near] if near else by_stem.get(label.stem, [])
    if len(owners) == 1 and owners[0].group != label.group:
        return owners[0], _class(folders[-1])
    return None


def _alone(label: Listed, in_group: dict[str, list[Listed]]) -> tuple[Listed, str] | None:
    """Masks in the folder of one picture are of its objects, or of the classes that they are named by."""
    owners = in_group.get(label.group, [])
    if not label.group or len(owners) != 1 or owners[0].stem == label.stem:
        return None
    return owners[0], OBJECT


def _class(text: str) -> str:
    return re.sub(r"[_\-. ]*\d+$", "", text).strip("_-. ") or OBJECT


def label_of_parts(
    parts: Sequence[tuple[str, Path]], table: ClassTable, threshold: float | None, remarks: Remarks
) -> np.ndarray:
    """(H, W) uint8 class ids of masks of one class each; outside of all is `background`, or void without such a class.

    table: the classes; later ones lie on top, and void above them. threshold: from which value on a pixel belongs to
    the class; None: masks hold 0 and one other value. remarks: gets what is void as no class claims it. Raises Unfit
    if a mask is of another size than the others, of more values, or of a name that nothing claims.
    """
    label: np.ndarray | None = None
    classed = [(table.class_of_name(name), name, file) for name, file in parts]
    for class_id, name, file in sorted(classed, key=lambda one: VOID if one[0] is None else one[0]):
        if class_id is None and not table.rest:
            known = ", ".join(table.labels.names)
            raise Unfit(f"{file}: {name!r} is no class of the table ({known})", UnfitKind.VALUE, name)
        covered = _covered(file, threshold)
        if class_id is None:
            class_id = VOID
            remarks.add(f"of {name!r}, which no class claims, taken for void", file, int(covered.sum()), covered.size)
        ground = background_id(table.labels.names)
        label = np.full(covered.shape, ground, np.uint8) if label is None else label
        if label.shape != covered.shape:
            size, other = (f"{shape[1]}x{shape[0]}" for shape in (covered.shape, label.shape))
            raise Unfit(f"{file}: is {size} pixels, and {parts[0][1]} {other} (masks of one picture)", UnfitKind.SIZES)
        label[covered] = class_id
    assert label is not None
    return label


def _covered(file: Path, threshold: float | None) -> np.ndarray:
    """(H, W) bool: the pixels of the class."""
    mask = mask_file.read(file)
    if mask.one_color and mask.opacity is not None:
        return mask.opacity > 0
    values = mask.channels.max(axis=-1) if mask.ids is None else mask.ids
    if mask.palette is not None and len(mask.palette) and mask.palette[0] != 0:
        values = mask.colors(slice(None))
    if threshold is not None:
        return values >= threshold
    held = np.unique(values)
    if len(held[held != 0]) > 1:
        shown = ", ".join(str(value) for value in held[:4])
        raise Unfit(
            f"{file}: holds {len(held)} values ({shown}, …), and a mask of one class has 0 and another one "
            "(--threshold T divides them)",
            UnfitKind.VALUE,
            "masks of one class with several values",
        )
    return values != 0
