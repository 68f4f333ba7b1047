"""Recognizes what a folder of one's own data is: a table of layouts, tried in order."""

from collections.abc import Callable

from casnet_cli.data.layouts import (
    annotated,
    brush,
    camvid,
    cityscapes,
    listed,
    masked,
    nnunet,
    roboflow,
    supervisely_masks,
    tabled,
    ultralytics,
    voc,
)
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.layouts.unknown_files import unknown_files
from casnet_cli.errors import DataError
from casnet_cli.util.text import count

LAYOUTS: dict[str, Callable[[Tree], Layout | None]] = {
    "table": tabled.tabled,
    "brush": brush.brush,
    "camvid": camvid.camvid,
    "list": listed.listed_pairs,
    "ultralytics": ultralytics.ultralytics,
    "cityscapes": cityscapes.cityscapes,
    "voc": voc.voc,
    "roboflow": roboflow.roboflow,
    "supervisely masks": supervisely_masks.supervisely_masks,
    "nnunet": nnunet.nnunet,
    "annotations": annotated.annotations,
    "sisters": masked.sisters,
    "beside": masked.beside,
    "twins": masked.twins,
}
"""Each gives None for a folder of another layout; the first that does not is taken."""

OPTIONS = "name them by --images and --masks, or by --pair '{stem}.jpg:{stem}_mask.png'"


def recognize(tree: Tree) -> Layout:
    """What a folder is. Raises DataError saying what there is, if no layout fits."""
    if not tree.pictures:
        foreign = annotated.foreign(tree) or unknown_files(tree)
        usual = "JPEG, PNG, TIFF, and others that the guide of own data lists"
        what = [f"{tree.root}: holds no picture that casnet reads ({usual})", *tree.left_out.sentences()]
        raise DataError("; ".join([*what, *([foreign] if foreign else [])]))
    for recognizer in LAYOUTS.values():
        layout = recognizer(tree)
        if layout is not None:
            return layout
    if foreign := annotated.foreign(tree):
        raise DataError(foreign)
    there = f"{count(len(tree.pictures), 'picture')} in {tree.folders(tree.pictures)}"
    unknown = f"; {found}" if (found := unknown_files(tree)) else ""
    raise DataError(f"{tree.root}: {there}, and nothing tells which of them are masks{unknown} ({OPTIONS})")
