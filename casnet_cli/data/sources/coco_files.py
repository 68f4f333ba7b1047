"""One's own pictures with COCO files: one, or one a split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.coco import DRAW, SKIP, CocoFile, CocoImage, read_coco, shapes_of
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.data.layouts.names import TOPS, words
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.sources.base import Source
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.named_pictures import NamedPictures
from casnet_cli.data.sources.outlines import Names, label_of_shapes, names_of, note
from casnet_cli.errors import DataError, InputError, Unfit

SKIPPED = "of boxes without an outline, left out (--boxes skip)"
NO_OUTLINE = "without outline and box, left out"


@dataclass(frozen=True)
class AnnotationFile:
    """A COCO file, and the split of its pictures."""

    file: Path
    """The file."""
    split: str | None = None
    """train, val or test; None: the pictures are divided in another way."""
    stated: bool = False
    """Whether the option names the split; else it is that of the folder or the name."""


def annotation_files(given: Sequence[str]) -> tuple[AnnotationFile, ...]:
    """What `--annotations` names: `FILE`, or `train=FILE`, `val=FILE`, `test=FILE`.

    Several files without a split belong to those that their folders or names name, such as `valid/a.json`. Raises
    InputError if some name a split and others do not.
    """
    found = []
    for text in given:
        split, equals, file = text.partition("=")
        marked = bool(equals) and split.lower() in TOPS and not Path(text).exists()
        found.append(AnnotationFile(Path(file), TOPS[split.lower()], True) if marked else AnnotationFile(Path(text)))
    if len(found) > 1 and not any(one.split for one in found):
        found = [replace(one, split=_split_of(one.file)) for one in found]
    if len({one.split is None for one in found}) > 1:
        lacking = next(one.file for one in found if one.split is None)
        raise InputError(f"--annotations {lacking}: of which split? (train={lacking}, val={lacking} or test={lacking})")
    return tuple(found)


def _split_of(file: Path) -> str | None:
    named_by = [file.parent.name.lower(), *words(file.stem)]
    return next((TOPS[word] for word in named_by if word in TOPS), None)


@dataclass(frozen=True)
class _Listed:
    """A picture of a COCO file."""

    image: CocoImage
    """As the file has it."""
    found: CocoFile
    """The file."""


def source_of_coco(
    origin: Origin, files: Sequence[AnnotationFile], table: ClassTable | None, boxes: str | None = None
) -> Source:
    """A source of the images of COCO files. Raises DataError as `read_coco` and `Origin.source` do.

    boxes: `DRAW` or `SKIP`; None: boxes without an outline are an error that gives their number. Without a table the
    classes are `background` and the categories in the order of their ids; a table's ids are category ids.
    """
    read = [read_coco(one.file) for one in files]
    if boxes is None:
        _refuse_boxes(read)
    names = _names(read, table)
    pictures = NamedPictures(origin.images)
    pairs: list[FilePair] = []
    listed: dict[str, _Listed] = {}
    splits: dict[str, str] = {}
    for one, content in zip(files, read, strict=True):
        for image in content.images:
            pair = _pair(image, content, pictures)
            if pair.name in listed:
                other = listed[pair.name]
                where = other.found.file if other.found is not content else "the same file"
                raise DataError(f"{content.file}: {image.name}: {where} has this picture too (one entry a picture)")
            pairs.append(pair)
            listed[pair.name] = _Listed(image, content)
            splits |= {pair.name: one.split} if one.split else {}

    def label_of(pair: FilePair) -> np.ndarray:
        return _label(listed[pair.name], pair.image, names, boxes, origin)

    origin = replace(origin, splits=splits) if splits else origin
    settings = "".join(f" {one.split}={one.file}" for one in files if one.split) + (f" boxes {boxes}" if boxes else "")
    return origin.source(names.labels, pairs, label_of, settings=settings)


def _pair(image: CocoImage, content: CocoFile, pictures: NamedPictures) -> FilePair:
    try:
        file = pictures.find(image.name, content.file.parent)
    except Unfit as fault:
        missing = Unfit(f"{content.file}: {image.name!r}: {fault}", fault.kind)
        name = image.name.encode("ascii", "backslashreplace").decode() or "?"
        return FilePair(name, pictures.folder / PurePosixPath(name).name, content.file, missing)
    return FilePair(pictures.key(file), file, content.file)


def _refuse_boxes(read: Sequence[CocoFile]) -> None:
    """Raise DataError if there are boxes without an outline."""
    number = sum(len(one.boxes) for one in read)
    if number:
        first = next(one for one in read if one.boxes)
        total = sum(len(image.annotations) for one in read for image in one.images)
        raise DataError(
            f"{first.file}: boxes without an outline: {number:,} of {total:,} annotations, such as {first.boxes[0]} "
            f"(--boxes {DRAW} draws them as rectangles, --boxes {SKIP} leaves them out)"
        )


def _names(read: Sequence[CocoFile], table: ClassTable | None) -> Names:
    """The classes, by names of categories. Raises DataError for a category that no class claims."""
    by_id = {one.file: sorted(one.categories, key=lambda key: (isinstance(key, str), key)) for one in read}
    names = names_of(table, (one.categories[key] for one in read for key in by_id[one.file]), read[0].file)
    if table is None:
        return names
    class_of = {
        text: table.ids.get(key) if isinstance(key, int) else None
        for one in read
        for key, text in one.categories.items()
    }

    def claimed(name: str) -> int | None:
        found = table.names.get(name, class_of.get(name))
        return names.class_of(name) if found is None else found

    for one in read:
        for key, text in one.categories.items():
            if claimed(text) is None:
                raise DataError(
                    f"{one.file}: category {key}, {text!r}, is claimed by no class (ids or labels of a class)"
                )
    return Names(names.labels, claimed)


def _label(one: _Listed, image: Path, names: Names, boxes: str | None, origin: Origin) -> np.ndarray:
    shapes, left_out = shapes_of(one.image, one.found, boxes)
    note(origin.remarks, SKIPPED, image, [shape for shape in left_out if shape.kind is Kind.BOX])
    note(origin.remarks, NO_OUTLINE, image, [shape for shape in left_out if shape.kind is not Kind.BOX])
    size = one.image.size or next((shape.size for shape in shapes if shape.size), None)
    return label_of_shapes(shapes, image, names, size, PYCOCOTOOLS, origin.remarks)
