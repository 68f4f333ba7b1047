"""Pairs of two folders that the user names: one of pictures, one of masks or outlines."""

from collections.abc import Sequence
from pathlib import Path

from casnet_cli.data.layouts.beside import divide
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.masked import layout_of
from casnet_cli.data.layouts.pairing import Pairing, listed, pair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.sources.base import files_below
from casnet_cli.errors import DataError


def pair_files(images: Path, labels: Path, endings: Sequence[str], left_out: LeftOut | None = None) -> Pairing:
    """Every image of a folder with its label file in another one, or in the same.

    endings: of label files. left_out: collects pictures of both folders that casnet does not read. Raises DataError if
    there is no image, or as `pair` does.
    """
    pictures, left_out = readable_endings(), LeftOut() if left_out is None else left_out
    if images.resolve() == labels.resolve() and set(endings) & set(pictures):
        tree = Tree.of(images, left_out)
        if both := divide(tree.pictures, images):
            pictures_of, masks_of = tree.listed(both.pictures, both.masks, told_by_role=False)
            return pair(pictures_of, masks_of, labels)
    image_files = files_below(images, pictures, left_out=left_out)
    label_files = files_below(labels, tuple(endings), left_out=left_out)
    if not image_files:
        raise DataError("; ".join([f"{images}: holds no image ({', '.join(pictures)})", *left_out.sentences()]))
    return pair(listed(image_files), listed(label_files), labels)


def layout(images: Path, masks: Path, left_out: LeftOut) -> Layout:
    """The images of a folder with their masks in another one. Raises DataError as `pair_files` does."""
    endings = readable_endings()
    image_files = files_below(images, endings, left_out=left_out)
    mask_files = files_below(masks, endings, left_out=left_out)
    if not image_files:
        raise DataError("; ".join([f"{images}: holds no image ({', '.join(endings)})", *left_out.sentences()]))
    return layout_of("", "", (listed(image_files), listed(mask_files)), masks)
