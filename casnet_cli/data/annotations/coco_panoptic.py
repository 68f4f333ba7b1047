"""COCO's panoptic files: segments of each picture, and for it a PNG file whose colours are the numbers of segments."""

import contextlib
import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.coco import CocoImage, Id, categories_of, images_of, plain_id
from casnet_cli.data.annotations.colors import color_of
from casnet_cli.data.annotations.json_files import MALFORMED, JsonTable, foreign, read_json
from casnet_cli.data.annotations.labelme import GROUND, IGNORED
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape
from casnet_cli.data.annotations.tool_files import PANOPTIC
from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.picture import COLORS
from casnet_cli.data.pixels.read import read
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.labels import Color
from casnet_cli.util.files import stays_below
from casnet_cli.util.text import count

UNLISTED = "of PNG files without an entry in segments_info, taken for void"
WITHOUT_PIXEL = "without a pixel in the PNG file, left out"
"""In words of `Remark.text`."""

MOST_UNLISTED = 1000
"""Numbers without an entry that a PNG file may hold; more have no segments, but the colours of a photograph."""

EMPTY = 0
"""The number of pixels without a segment."""


@dataclass(frozen=True)
class _Segments:
    """The segments of a picture."""

    file: Path
    """The annotation file."""
    image: str
    """The picture's name."""
    png: Path
    """The file of their pixels."""
    listed: JsonTable
    """Their entry as it was read."""
    categories: dict[Id, str]
    """Names of the categories."""


def read_panoptic(file: Path) -> AnnotatedFile:
    """Read a COCO file of the panoptic form. Raises DataError if it is of another form, or its PNG files are missing.

    Pixels without a segment are `_background_`, number 0, so that a table of classes can claim them.
    """
    raw = read_json(file)
    lists = [raw.get(key) for key in ("images", "annotations", "categories")] if isinstance(raw, dict) else [None]
    if not isinstance(raw, dict) or not all(isinstance(one, list) for one in lists):
        raise foreign(file, PANOPTIC, raw)
    categories, by_image = categories_of(raw["categories"], file), images_of(raw["images"], file)
    if not categories:
        raise DataError(f"{file}: has no categories (expected id and name of each)")
    for place, one in enumerate(raw["annotations"], 1):
        _sort_in(one, place, by_image, file)
    entries = [image.annotations[0] for image in by_image.values() if image.annotations]
    folder = _folder(file, entries)
    pictures: list[AnnotatedPicture] = []
    masks: list[Path] = []
    for image in by_image.values():
        found = None
        if image.annotations:
            masks.append(folder / image.annotations[0]["file_name"])
            found = _Segments(file, image.name, masks[-1], image.annotations[0], categories)
        pictures.append(AnnotatedPicture(image.name, partial(_read, found)))
    ordered = sorted(categories, key=lambda key: (isinstance(key, str), key))
    numbers = {categories[key]: key for key in ordered if isinstance(key, int)}
    return AnnotatedFile(
        file,
        tuple(pictures),
        _colors(raw["categories"], [categories[key] for key in ordered]),
        numbers if EMPTY in categories else {GROUND: EMPTY} | numbers,
        annotations=len(entries),
        masks=tuple(masks),
        notes=_notes(file, [image.name for image in by_image.values() if not image.annotations]),
        whole=True,
    )


def _sort_in(one: Any, place: int, by_image: dict[Id, CocoImage], file: Path) -> None:
    """Put an entry to its image. Raises DataError naming it."""
    try:
        image, name, segments = plain_id(one["image_id"]), one["file_name"], one["segments_info"]
    except MALFORMED:
        name = segments = None
    if not isinstance(name, str) or not isinstance(segments, list) or "\0" in name:
        raise DataError(f"{file}: annotation {place} of the file lacks image_id, file_name or segments_info")
    if not stays_below(name):
        raise DataError(
            f"{file}: annotation {place} of the file: file_name {name} leads out of the folder of PNG files"
        )
    if image not in by_image:
        raise DataError(f"{file}: annotation {place} of the file is of image {image}, which is not there")
    if by_image[image].annotations:
        raise DataError(f"{file}: two annotations are of image {image}, {by_image[image].name} (one an image)")
    by_image[image].annotations.append(one)


def _colors(given: list[JsonTable], names: Sequence[str]) -> dict[str, Color | None]:
    """The names of the classes in their order, with the colours that categories have."""
    found: dict[str, Color | None] = dict.fromkeys(names)
    for one in given:
        if color := color_of(one.get("color")):
            found[str(one["name"])] = color
    return found


def _notes(file: Path, without: Sequence[str]) -> tuple[str, ...]:
    if not without:
        return ()
    return (f"{file}: {count(len(without), 'picture')} without an entry in annotations, such as {without[0]}: empty",)


def _folder(file: Path, entries: Sequence[JsonTable]) -> Path:
    """The folder of the PNG files: named as the annotation file, beside it or one folder up; else any below its own.

    It is known by its content: of the first file with segments at least half have a pixel. Raises DataError if there is
    none.
    """
    first = next((one for one in entries if one["segments_info"]), None)
    if first is None:
        return file.parent / file.stem
    name = PurePosixPath(first["file_name"])
    numbers = {one.get("id") for one in first["segments_info"] if isinstance(one, dict) and type(one.get("id")) is int}
    for folder in _candidates(file, name):
        try:
            if 2 * len(numbers & set(np.unique(_numbers(folder / name)).tolist())) >= len(numbers):
                return folder
        except (*UNREADABLE, MemoryError):
            continue
    expected = f"expected a folder {file.stem}/ beside it, with the numbers of segments as colours"
    raise DataError(f"{file}: its PNG files, such as {name}, are not there ({expected})")


def _candidates(file: Path, name: PurePosixPath) -> Iterator[Path]:
    yield file.parent / file.stem
    yield file.parent.parent / file.stem
    with contextlib.suppress(OSError):  # of a name that is longer than any file's
        for found in sorted(file.parent.rglob(glob.escape(name.name))):
            if found.parts[-len(name.parts) :] == name.parts:
                yield found.parents[len(name.parts) - 1]


def _numbers(png: Path) -> np.ndarray:
    """(H, W) uint32 of a PNG: red + 256 green + 65536 blue. Raises one of `UNREADABLE`."""
    picture = read(png)
    if picture.info.bands[:3] != COLORS or picture.values.dtype != np.uint8:
        raise ValueError("it is no picture of 8-bit colours")
    red, green, blue = (picture.values[..., band].astype(np.uint32) for band in range(3))
    return red | green << 8 | blue << 16


def _read(given: _Segments | None) -> PictureShapes:
    """The segments of a picture as bitmaps, in the order of the file; none if the file has no entry for it.

    Raises Unfit naming what cannot be read.
    """
    from scipy import ndimage

    if given is None:
        return PictureShapes(())
    try:
        numbers = _numbers(given.png)
    except (*UNREADABLE, MemoryError) as error:
        fault = f"{given.png}: not a readable PNG of segments: {reason(error)} (of {given.image} in {given.file})"
        raise Unfit(fault, UnfitKind.UNREADABLE) from None
    labels = _labels(given)
    held, places = np.unique(numbers, return_inverse=True)
    if len(held) > len(labels) + MOST_UNLISTED:
        fault = (
            f"{given.png}: holds {len(held):,} numbers, and segments_info {len(labels):,} (is it a PNG of segments?)"
        )
        raise Unfit(f"{fault}: of {given.image} in {given.file}", UnfitKind.VALUE)
    windows = ndimage.find_objects(places.reshape(numbers.shape).astype(np.int32) + 1)
    shapes, unlisted = [], []
    for number, window in zip(held.tolist(), windows, strict=True):
        label = labels.get(number, GROUND if number == EMPTY else IGNORED)
        corner = np.array([(window[1].start, window[0].start)], np.float64)
        bitmap = numbers[window] == number
        shapes.append(Shape(Kind.BITMAP, label, f"segment {number}", given.file, corner, bitmap=bitmap))
        if number not in labels and number != EMPTY:
            unlisted.append(shapes[-1])
    lacking = [number for number in labels if number not in set(held.tolist())]
    missing = [Shape(Kind.BITMAP, labels[number], f"segment {number}", given.file) for number in lacking]
    return PictureShapes(tuple(shapes), numbers.shape, {UNLISTED: unlisted, WITHOUT_PIXEL: missing})


def _labels(given: _Segments) -> dict[int, str]:
    """The category of each segment by its number. Raises Unfit naming the one that has none."""
    found: dict[int, str] = {}
    for place, one in enumerate(given.listed["segments_info"], 1):
        try:
            number, label = plain_id(one["id"]), given.categories[plain_id(one["category_id"])]
        except MALFORMED:
            fault = f"{given.file}: {given.image}: segment {place} has no id, or no category that is there"
            raise Unfit(f"{fault} (mend or remove it)", UnfitKind.UNREADABLE) from None
        if number in found:
            raise Unfit(f"{given.file}: {given.image}: two segments have id {number}", UnfitKind.UNREADABLE)
        found[number] = label  # type: ignore[index]
    return found
