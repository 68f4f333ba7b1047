"""What the forms of annotations share: classes by name, sizes of pictures, and shapes that become a label."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from casnet_cli.data.annotations.drawing import Rule, ShapeFault, draw
from casnet_cli.data.annotations.geojson import IGNORE
from casnet_cli.data.annotations.labelme import GROUND, IGNORED
from casnet_cli.data.annotations.shapes import Kind, Shape
from casnet_cli.data.classes.class_table import BACKGROUND, ClassTable, background_id
from casnet_cli.data.images import SIDEWAYS, UNREADABLE
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.labels import MAX_CLASSES, VOID, Color, LabelSet, with_colors

VOIDS = (IGNORED, IGNORE)
"""Names that are void, unless a table claims them."""

WITHOUT_PIXEL = "without a pixel inside, left out"
OUTSIDE = "outside of the picture, left out"
WITHOUT_LABEL = "without a class, left out"
THIN = "of points and lines, drawn as wide as LabelMe draws them"
"""What is done with shapes, in words of `Remark.text`."""

ClassOf = Callable[[str], int | None]
"""Class id, or VOID, of a name in annotations; None: nothing claims it."""


@dataclass(frozen=True)
class Names:
    """The classes of a data set of outlines, and what the names in its files mean."""

    labels: LabelSet
    """The classes."""
    class_of: ClassOf
    """Class id of each name."""
    spare: int | None = None
    """Class id of names that nothing claims: VOID if the table says `void = "rest"`; None: they are an error."""

    @property
    def rest(self) -> int:
        """Class id outside all shapes: that of `background`, or VOID if there is no such class."""
        return background_id(self.labels.names)


def names_of(
    table: ClassTable | None, occurring: Mapping[str, Color | None], where: Path, ground: bool = True
) -> Names:
    """Classes of a table, else `background` and the names that occur, in their order and in their colours.

    ground: whether there is `background` though the name does not occur; else what lies outside all shapes is void.
    `__ignore__` and `Ignore*` are void, `_background_` is what lies outside all shapes, unless the table claims them.
    Raises DataError if there are too many.
    """
    if table is None:
        found = [name for name in occurring if name not in (BACKGROUND, *VOIDS, GROUND, "")]
        first = (BACKGROUND,) if ground or BACKGROUND in occurring else ()
        table = ClassTable(named((*first, *found), where, occurring))
    reserved = {**dict.fromkeys(VOIDS, VOID), GROUND: background_id(table.labels.names)}

    def class_of(name: str) -> int | None:
        claimed = table.class_of_name(name)
        return reserved.get(name) if claimed is None else claimed

    return Names(table.labels, class_of, VOID if table.rest else None)


def named(names: tuple[str, ...], where: Path, colors: Mapping[str, Color | None] = MappingProxyType({})) -> LabelSet:
    """Classes of these names, in their colours, else generated ones. Raises DataError if there are too many."""
    if len(names) > MAX_CLASSES:
        raise DataError(f"{where}: {len(names)} classes (at most {MAX_CLASSES}; merge some by --classes)")
    generated = with_colors(names)
    given = zip(names, generated.palette, strict=True)
    return LabelSet(names, tuple(colors.get(name) or color for name, color in given))


def size_of(image: Path) -> tuple[int, int]:
    """Height and width of a picture as it is shown. Raises Unfit if it cannot be read."""
    try:
        info = info_of(read_bytes(image))
    except (*UNREADABLE, MemoryError) as error:
        raise Unfit(f"{image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    width, height = info.size[::-1] if info.orientation in SIDEWAYS else info.size
    return height, width


def label_of_shapes(
    shapes: Sequence[Shape],
    image: Path,
    names: Names,
    size: tuple[int, int] | None,
    rule: Rule,
    remarks: Remarks,
) -> np.ndarray:
    """(H, W) uint8 class ids of the shapes of a picture, later ones on top.

    size: height and width; None: the picture's. What has no pixel or no class is left out and noted in `remarks`.
    Raises Unfit naming a shape that cannot be drawn, or a label that is no class.
    """
    classed: list[tuple[Shape, int]] = []
    nameless: list[Shape] = []
    spare: dict[str, list[Shape]] = {}
    for shape in shapes:
        class_id = names.class_of(shape.label) if shape.label else None
        if class_id is not None:
            classed.append((shape, class_id))
        elif shape.label and names.spare is not None:
            classed.append((shape, names.spare))
            spare.setdefault(shape.label, []).append(shape)
        elif shape.label:
            known = ", ".join(names.labels.names)
            fault = (
                f"{shape.file}: {shape.name}: label {shape.label!r} is no class ({known}; ids or labels in --classes)"
            )
            raise Unfit(fault, UnfitKind.VALUE, f"label {shape.label!r}")
        else:
            nameless.append(shape)
    height, width = size or size_of(image)
    try:
        drawn = draw(classed, height, width, names.rest, rule)
    except ShapeFault as fault:
        file = classed[0][0].file
        raise Unfit(f"{file}: {image.name}: {fault} (mend or remove it)", UnfitKind.UNREADABLE) from None
    for label, found in spare.items():
        note(remarks, f"of label {label!r}, which no class claims, taken for void", image, found)
    note(remarks, WITHOUT_LABEL, image, nameless)
    note(remarks, WITHOUT_PIXEL, image, drawn.without_pixel)
    note(remarks, OUTSIDE, image, drawn.outside)
    note(remarks, THIN, image, [shape for shape, _ in classed if shape.kind in (Kind.POINT, Kind.LINE)])
    return drawn.label


def note(remarks: Remarks, text: str, image: Path, shapes: Sequence[Shape]) -> None:
    """Count shapes of a picture and name them by their ids and files."""
    remarks.add_shapes(text, image, [f"{shape.name} of {image.name} in {shape.file.name}" for shape in shapes])
