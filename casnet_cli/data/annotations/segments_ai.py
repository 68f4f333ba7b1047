"""Segments.ai's releases: a JSON file of samples, and a PNG file beside for each, with the numbers of its objects."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape
from casnet_cli.data.annotations.tool_files import SEGMENTS
from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.util.text import count

LABELS = "ground-truth"
"""The set of labels that is taken; of files without it the first."""


def read_segments(file: Path) -> AnnotatedFile:
    """A release of segmentation bitmaps. Raises DataError, naming bitmaps that do not lie beside it."""
    raw = read_json(file)
    dataset = raw.get("dataset") if isinstance(raw, dict) else None
    if not isinstance(dataset, dict) or not isinstance(dataset.get("samples"), list):
        raise foreign(file, SEGMENTS, raw)
    beside = {one.name: one for one in sorted(file.parent.rglob("*.png"), reverse=True)}
    try:
        categories = {int(one["id"]): str(one["name"]) for one in dataset["task_attributes"]["categories"]}
        colors = {str(one["name"]): color_of(one.get("color")) for one in dataset["task_attributes"]["categories"]}
        samples = [_sample(one, beside, categories, file) for one in dataset["samples"]]
    except MALFORMED:
        raise DataError(f"{file}: its samples or categories are of no form that Segments.ai writes") from None
    missing = [bitmap for _, bitmap in samples if isinstance(bitmap, str)]
    if missing:
        raise DataError(
            f"{file}: missing beside it: {count(len(missing), 'bitmap')} of {count(len(samples), 'sample')}, such as "
            f"{missing[0]} (save them there, as SegmentsDataset of segments-ai does)"
        )
    masks = tuple(bitmap for _, bitmap in samples if isinstance(bitmap, Path))
    ids = {name: number for number, name in categories.items()}
    return AnnotatedFile(file, tuple(picture for picture, _ in samples), colors, ids, masks=masks)


def _sample(
    raw: JsonTable, beside: Mapping[str, Path], categories: dict[int, str], file: Path
) -> tuple[AnnotatedPicture, Path | str | None]:
    """A picture, and its bitmap; a text: the name of one that is not there; None: it has no labels."""
    name, labels = str(raw["name"]), {key: one for key, one in raw["labels"].items() if one}
    chosen = LABELS if LABELS in labels else next(iter(labels), "")
    attributes = labels[chosen]["attributes"] if chosen else {}
    url = (attributes.get("segmentation_bitmap") or {}).get("url")
    if not url:
        return AnnotatedPicture(name, _nothing, absent=file), None
    wanted = f"{PurePosixPath(name).stem}_label_{chosen}.png"
    bitmap = beside.get(wanted) or beside.get(PurePosixPath(str(url).partition("?")[0]).name)
    if bitmap is None:
        return AnnotatedPicture(name, _nothing), wanted
    owners = {int(one["id"]): categories[int(one["category_id"])] for one in attributes["annotations"]}
    return AnnotatedPicture(name, partial(_read, bitmap, owners)), bitmap


def _nothing() -> PictureShapes:
    return PictureShapes(())


def _read(file: Path, owners: dict[int, str]) -> PictureShapes:
    """The objects of a picture. owners: class of each number. Raises Unfit naming a number without an object."""
    try:
        with by_pillow(file, ("PNG",)) as picture:
            pixels = np.array(picture)
    except UNREADABLE as error:
        raise Unfit(f"{file}: not a readable bitmap: {reason(error)}", UnfitKind.UNREADABLE) from None
    if pixels.ndim == 3:  # 24 bits, the lowest first, and transparency that says nothing
        pixels = pixels[..., :3].astype(np.int64) @ (1, 1 << 8, 1 << 16)
    if unknown := set(np.unique(pixels).tolist()) - owners.keys() - {0}:
        raise Unfit(f"{file}: pixels of the number {min(unknown)}, which no annotation has", UnfitKind.VALUE)
    origin = np.zeros((1, 2))
    return PictureShapes(
        tuple(
            Shape(Kind.BITMAP, label, f"annotation {number}", file, origin, bitmap=pixels == number)
            for number, label in owners.items()
        ),
        (pixels.shape[0], pixels.shape[1]),
    )
