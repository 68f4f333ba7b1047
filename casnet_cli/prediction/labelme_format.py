"""A mask as LabelMe's file beside it: a polygon for each region of one class.

LabelMe draws the pixels that an outline passes through, cuts fractions off, and knows no holes: what is drawn later
lies on top. Outlines therefore run through the centres of the outermost pixels, and larger ones come first; drawn by
LabelMe they are the mask, pixel for pixel.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from casnet_cli.labels import VOID
from casnet_cli.prediction.outlines import EVERYWHERE, regions
from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledPicture

VERSION = "6.3.1"
"""Of LabelMe, whose form this is."""

IGNORED = "__ignore__"
"""LabelMe's label of void pixels."""

FEWEST = 3
"""Points that LabelMe wants of a polygon."""


class LabelMeShape(TypedDict):
    """An outline."""

    label: str
    """Name of its class, or `IGNORED`."""
    points: list[list[float]]
    """x and y of its points; the first is not repeated at the end."""
    group_id: None
    """No other shape belongs to it."""
    description: str
    """Empty."""
    shape_type: str
    """`polygon`."""
    flags: dict[str, bool]
    """None."""
    mask: None
    """Of other kinds of shapes."""


class LabelMeFile(TypedDict):
    """The outlines of an image."""

    version: str
    """Of LabelMe."""
    flags: dict[str, bool]
    """None."""
    shapes: list[LabelMeShape]
    """In the order in which they are drawn."""
    imagePath: str
    """The image, from the file's folder."""
    imageData: None
    """The image is no part of the file."""
    imageHeight: int
    """In pixels."""
    imageWidth: int
    """In pixels."""


def write_labelme(file: Path, picture: "LabelledPicture") -> None:
    """The regions of a mask as LabelMe's shapes, void ones as `__ignore__`. Raises OSError."""
    mask = picture.result.mask
    found = regions(mask, simplify=picture.simplify, outside=EVERYWHERE, through_centres=True)
    shapes: list[LabelMeShape] = []
    for region in sorted(found, key=lambda region: -region.filled):
        points = region.rings[0][:-1] or region.rings[0]
        shapes.append(
            {
                "label": IGNORED if region.class_id == VOID else picture.labels.names[region.class_id],
                "points": points + points[:1] * (FEWEST - len(points)),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
        )
    height, width = mask.shape
    content: LabelMeFile = {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": os.path.relpath(picture.source, file.parent) if picture.source else picture.name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    write_whole(file, json.dumps(content))
