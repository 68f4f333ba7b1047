"""One's own pictures with annotation files that list them: one file, or one a split. One row a form.

A further tool costs a reader in `data/annotations/`, a row in `data/annotations/tool_files.py`, and a row here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.coco import read_coco
from casnet_cli.data.annotations.coco_panoptic import read_panoptic
from casnet_cli.data.annotations.cvat import read_cvat
from casnet_cli.data.annotations.datumaro import read_datumaro
from casnet_cli.data.annotations.drawing import CENTRES, LABELME, PYCOCOTOOLS, Rule
from casnet_cli.data.annotations.drawing_by_opencv import SUPERVISELY as AS_SUPERVISELY
from casnet_cli.data.annotations.drawing_by_opencv import ULTRALYTICS
from casnet_cli.data.annotations.label_studio import read_label_studio
from casnet_cli.data.annotations.segments_ai import read_segments
from casnet_cli.data.annotations.shapes import Kind
from casnet_cli.data.annotations.supervisely import read_supervisely
from casnet_cli.data.annotations.tool_files import (
    COCO,
    CVAT,
    DATUMARO,
    LABEL_STUDIO,
    PANOPTIC,
    SEGMENTS,
    SUPERVISELY,
    VIA,
    VIA_3,
    YOLO,
    tool_of,
)
from casnet_cli.data.annotations.via import read_via, read_via_3
from casnet_cli.data.annotations.yolo import read_yolo
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.division import Division
from casnet_cli.data.layouts.missing import blank_label, filled
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.sources.annotation_names import AnnotationFile
from casnet_cli.data.sources.base import Source, missing_partner
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.folder_sample import check_claim
from casnet_cli.data.sources.named_pictures import NamedPictures
from casnet_cli.data.sources.outlines import Names, label_of_shapes, names_of, note
from casnet_cli.errors import DataError, InputError, Unfit
from casnet_cli.labels import Color
from casnet_cli.util.collector import collector_paused
from casnet_cli.util.text import count

DRAW, SKIP = "draw", "skip"
"""What `--boxes` may be: boxes without an outline are drawn as rectangles, or left out."""

SKIPPED = "of boxes without an outline, left out (--boxes skip)"


@dataclass(frozen=True)
class ProjectForm:
    """A form of annotation files that list several pictures."""

    read: Callable[[Path], AnnotatedFile]
    """The content of a file. Raises DataError."""
    rule: Rule
    """How the tool itself draws shapes."""
    each: bool = False
    """Whether the tool keeps a file for each picture, which may be missing."""


PROJECT_FORMS = {
    COCO: ProjectForm(read_coco, PYCOCOTOOLS),
    PANOPTIC: ProjectForm(read_panoptic, LABELME),
    LABEL_STUDIO: ProjectForm(read_label_studio, PYCOCOTOOLS),
    VIA: ProjectForm(read_via, PYCOCOTOOLS),
    VIA_3: ProjectForm(read_via_3, PYCOCOTOOLS),
    CVAT: ProjectForm(read_cvat, PYCOCOTOOLS),
    DATUMARO: ProjectForm(read_datumaro, PYCOCOTOOLS),
    SEGMENTS: ProjectForm(read_segments, CENTRES, each=True),
    SUPERVISELY: ProjectForm(read_supervisely, AS_SUPERVISELY),
    YOLO: ProjectForm(read_yolo, ULTRALYTICS, each=True),
}
"""Every form by its name in `tool_files`."""


@collector_paused()
def read_project(file: Path) -> tuple[AnnotatedFile, ProjectForm]:
    """The content of an annotation file, and its form. Raises DataError: of a file of another form it says which."""
    tool = tool_of(file)
    if tool and tool.name not in PROJECT_FORMS:
        raise DataError(f"{file}: this is {tool.name} ({tool.remedy})")
    otherwise = {".xml": CVAT, ".yaml": YOLO, ".yml": YOLO, ".txt": YOLO}.get(file.suffix.lower(), COCO)
    form = PROJECT_FORMS[tool.name if tool else otherwise]  # whose keys may lie in the middle of a large file
    return form.read(file), form


@dataclass(frozen=True)
class _Listed:
    """A picture of an annotation file."""

    picture: AnnotatedPicture
    """As the file has it."""
    found: AnnotatedFile
    """The file."""
    form: ProjectForm
    """Its form."""


def source_of_projects(
    origin: Origin, files: Sequence[AnnotationFile], table: ClassTable | None, boxes: str | None = None
) -> Source:
    """A source of the pictures that annotation files list. Raises DataError as `read_project` and `Origin.source` do,
    InputError if `--missing` cannot concern them.

    boxes: `DRAW` or `SKIP`; None: boxes without an outline are an error that gives their number. Without a table the
    classes are `background` and those of the files; `ids` of a table are the files' own numbers of classes.
    """
    read = [read_project(one.file) for one in files]
    contents = [content for content, _ in read]
    if origin.missing and not any(form.each for _, form in read):
        raise InputError("--missing: for pictures without mask (annotations list what there is)")
    _refuse_empty(read)
    if boxes is None:
        _refuse_boxes(contents)
    names = _names(contents, table)
    masks = [mask for one in contents for mask in one.masks]
    pictures = NamedPictures(origin.images, masks)
    pairs: list[FilePair] = []
    listed: dict[str, _Listed] = {}
    splits: dict[str, str] = {}
    divided = replace(origin.division, group_by=None) != Division()
    for one, (content, form) in zip(files, read, strict=True):
        for picture in content.pictures:
            pair = _pair(picture, content, pictures)
            if pair.name in listed:
                other = listed[pair.name]
                where = other.found.file if other.found is not content else "the same file"
                raise DataError(f"{content.file}: {picture.name}: {where} has this picture too (one entry a picture)")
            pairs.append(pair)
            listed[pair.name] = _Listed(picture, content, form)
            if split := one.split or (None if divided else picture.split):
                splits[pair.name] = split

    pairs, blank, notes = filled(pairs, origin.missing, names.labels.names)

    def label_of(pair: FilePair) -> np.ndarray:
        if pair.label is None:
            return blank_label(pair.image, blank)
        return _label(listed[pair.name], pair.image, names, boxes, origin)

    if splits and all(one.name in splits for one in pairs):
        origin = replace(origin, splits={one.name: splits[one.name] for one in pairs})
    besides = [folder for folder in dict.fromkeys(mask.parent for mask in masks) if not _within(folder, origin.roots)]
    origin = replace(origin, roots=(*origin.roots, *besides))
    settings = "".join(f" {one.split}={one.file}" for one in files if one.split) + (f" boxes {boxes}" if boxes else "")
    notes += [*(note for one in contents for note in one.notes), *_unlisted(pictures, pairs)]
    searched = next((one.picture.absent for one in listed.values() if one.picture.absent), None)
    return origin.source(names.labels, pairs, label_of, settings=settings, searched=searched, notes=notes)


def _unlisted(pictures: NamedPictures, pairs: Sequence[FilePair]) -> list[str]:
    """A sentence on pictures that no annotation file lists; none if there are none."""
    listed = {pair.image for pair in pairs}
    unlisted = [file for file in pictures.files if file not in listed]
    if not unlisted:
        return []
    return [f"{count(len(unlisted), 'picture')} in no annotation file, left out, such as {unlisted[0]}"]


def _within(folder: Path, roots: Sequence[Path]) -> bool:
    """Whether a folder lies in one of others."""
    return any(root.absolute() in (folder.absolute(), *folder.absolute().parents) for root in roots)


def _pair(picture: AnnotatedPicture, content: AnnotatedFile, pictures: NamedPictures) -> FilePair:
    first: Unfit | None = None
    for name in (picture.name, *picture.aliases):
        try:
            file = pictures.find(name, content.file.parent)
            absent = missing_partner(file, None, picture.absent) if picture.absent else None
            return FilePair(pictures.key(file), file, None if absent else content.file, absent)
        except Unfit as fault:
            first = first or fault
    assert first is not None
    missing = Unfit(f"{content.file}: {picture.name!r}: {first}", first.kind)
    shown = picture.name.encode("ascii", "backslashreplace").decode() or "?"
    return FilePair(shown, pictures.folder / PurePosixPath(shown).name, content.file, missing)


def _refuse_empty(read: Sequence[tuple[AnnotatedFile, ProjectForm]]) -> None:
    """Raise DataError if there are COCO files alone, and no annotation in any."""
    if all(form is PROJECT_FORMS[COCO] and not content.annotations for content, form in read):
        first, hint = read[0][0], "Label Studio's COCO leaves out brushes: export its JSON"
        raise DataError(f"{first.file}: {count(len(first.pictures), 'picture')} and no annotation ({hint})")


def _refuse_boxes(contents: Sequence[AnnotatedFile]) -> None:
    """Raise DataError if there are boxes without an outline."""
    number = sum(len(one.boxes) for one in contents)
    if number:
        first = next(one for one in contents if one.boxes)
        total = count(sum(one.annotations for one in contents), "annotation")
        raise DataError(
            f"{first.file}: boxes without an outline: {number:,} of {total}, such as {first.boxes[0]} "
            f"(--boxes {DRAW} draws them as rectangles, --boxes {SKIP} leaves them out)"
        )


def _names(contents: Sequence[AnnotatedFile], table: ClassTable | None) -> Names:
    """The classes, by the names in the files; of a table also by the numbers that the files give them."""
    occurring: dict[str, Color | None] = {}
    for one in contents:
        for name, color in one.classes.items():
            occurring[name] = occurring.get(name) or color
    names = names_of(table, occurring, contents[0].file, not all(one.whole for one in contents))
    if table is None:
        return names
    by_number = {name: table.ids[number] for one in contents for name, number in one.ids.items() if number in table.ids}

    def claimed(name: str) -> int | None:
        found = table.names.get(name, by_number.get(name))
        return names.class_of(name) if found is None else found

    return replace(names, class_of=claimed)


@collector_paused()
def _label(one: _Listed, image: Path, names: Names, boxes: str | None, origin: Origin) -> np.ndarray:
    content = one.picture.read()
    if content.size:
        check_claim(image, one.found.file, content.size[::-1], origin.pictures.resize_masks)
    shapes = content.shapes
    if one.found.boxes and boxes == SKIP:
        note(origin.remarks, SKIPPED, image, [shape for shape in shapes if shape.kind is Kind.BOX])
        shapes = tuple(shape for shape in shapes if shape.kind is not Kind.BOX)
    for text, left_out in content.left_out.items():
        note(origin.remarks, text, image, left_out)
    return label_of_shapes(shapes, image, names, content.size, one.form.rule, origin.remarks)
