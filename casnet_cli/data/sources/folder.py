"""One's own data: a folder of images with one of masks, or with outlines in COCO's or LabelMe's form."""

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from casnet_cli.data import splits
from casnet_cli.data.annotations import masks, polygons
from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.images import SIDEWAYS, UNREADABLE, decode_rgb, orientation
from casnet_cli.data.sources.base import (
    Entry,
    Sample,
    Source,
    check_same_size,
    files_below,
    missing_partner,
    read_bytes,
)
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.labels import MAX_CLASSES, LabelSet, with_colors

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MASKS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")
OUTLINES = (".json",)
TOPS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Names of sub-folders, in small letters, and the split they stand for."""
MOST_COUNTS = 8000
"""Folds · classes: their pixels are counted in an attribute of the prepared file, which holds 64 KiB."""
SUFFIXES = ("_mask", "_label", "_labels", "_gt", "-mask", "-label", ".mask", ".label", "_L", "_seg")
"""What masks are often called behind the name of their image."""


@dataclass(frozen=True)
class Division:
    """How images are divided: by sub-folders `train/`, `val/`, `test/` where nothing else is said.

    lists: files of names for train, val and test, None where there is none. val and test: fractions, by name and seed.
    folds: number of folds of cross-validation.
    """

    val: float = 0.0
    test: float = 0.0
    lists: tuple[Path | None, ...] = ()
    folds: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class FilePair:
    """An image with the file of its labels, None if it has none. name: relative to the folder, without ending."""

    name: str
    image: Path
    label: Path | None
    fault: Unfit | None = None


def pair_files(images: Path, labels: Path, endings: Sequence[str]) -> tuple[list[FilePair], tuple[Path, ...]]:
    """Every image with its label file: of the same relative path, else of the same stem, suffixes like `_mask` apart.

    And the label files that are left over. Raises DataError if there is no image, one could have several label files,
    or one label file several images.
    """
    ours, theirs = files_below(images, IMAGES), files_below(labels, tuple(endings))
    if images.resolve() == labels.resolve():  # masks beside their images
        theirs = {name: file for name, file in theirs.items() if _stripped(name) != name or file.suffix in OUTLINES}
        ours = {name: file for name, file in ours.items() if name not in theirs or theirs[name] != file}
    if not ours:
        raise DataError(f"{images}: holds no image ({', '.join(IMAGES)})")
    by_stem: dict[str, list[str]] = {}
    for name in theirs:
        by_stem.setdefault(PurePosixPath(_stripped(name)).name, []).append(name)
    found: list[FilePair] = []
    owners: dict[str, Path] = {}
    for name, file in ours.items():
        exact = next((other for other in (name, *(name + suffix for suffix in SUFFIXES)) if other in theirs), None)
        candidates = [exact] if exact else by_stem.get(PurePosixPath(name).name, [])
        if len(candidates) > 1:
            several = " and ".join(str(theirs[one]) for one in candidates[:2])
            raise DataError(f"{file}: could belong to {several} (give them the sub-folders of the images)")
        if candidates and owners.setdefault(candidates[0], file) != file:
            both = f"{owners[candidates[0]]} and {file}"
            raise DataError(f"{theirs[candidates[0]]}: could belong to {both} (give it the sub-folder of its image)")
        fault = None if candidates else missing_partner(file, None, labels)
        found.append(FilePair(name, file, theirs[candidates[0]] if candidates else None, fault))
    return found, tuple(file for name, file in theirs.items() if name not in owners)


def _stripped(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def assign_splits(names: Sequence[str], division: Division) -> dict[str, str]:
    """Name → split. Raises DataError if a list names an image that is not there, or twice, or a split stays empty."""
    if division.lists:
        return _by_lists(names, division.lists)
    if division.folds is not None:
        if not 2 <= division.folds <= len(names):
            raise DataError(f"--folds {division.folds}: {len(names)} images (2 folds at least, an image each)")
        return dict.fromkeys(names, "train")
    if division.val or division.test:
        return _by_fractions(names, division)
    tops = {name: TOPS.get(name.partition("/")[0].lower()) if "/" in name else None for name in names}
    if not any(tops.values()):
        return dict.fromkeys(names, "train")
    if stray := next((name for name, top in tops.items() if top is None), None):
        raise DataError(f"{stray}: lies outside train/, val/ and test/ (move it, or divide in another way)")
    return {name: top for name, top in tops.items() if top}


def _by_fractions(names: Sequence[str], division: Division) -> dict[str, str]:
    order = [names[index] for index in splits.shuffled_positions(names, division.seed)]
    counts = [max(1, round(len(names) * share)) if share else 0 for share in (division.test, division.val)]
    if sum(counts) >= len(names):
        raise DataError(f"{len(names)} images: none is left to train on (smaller --val-fraction or --test-fraction)")
    kinds = ["test"] * counts[0] + ["val"] * counts[1] + ["train"] * (len(names) - sum(counts))
    by_name = dict(zip(order, kinds, strict=True))
    return {name: by_name[name] for name in names}


def _by_lists(names: Sequence[str], lists: Sequence[Path | None]) -> dict[str, str]:
    known = set(names)
    chosen: dict[str, str] = {}
    for split, file in zip(SPLITS, lists, strict=False):
        if file is None:
            continue
        lines = read_bytes(file).decode("utf-8-sig", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            if not (text := line.strip().replace("\\", "/")):
                continue
            whole = text.removesuffix(PurePosixPath(text).suffix) if text.lower().endswith(IMAGES) else text
            meant = [whole] if whole in known else [name for name in names if f"/{name}".endswith(f"/{whole}")]
            if len(meant) != 1:
                wrong = f"could be {meant[0]} or {meant[1]}" if meant else "is not among the images"
                raise DataError(f"{file}: line {number}: {text} {wrong} (name it with its sub-folder)")
            name = meant[0]
            if chosen.setdefault(name, split) != split:
                raise DataError(f"{file}: line {number}: {text} is in {chosen[name]} already (one split an image)")
        if split not in chosen.values():
            raise DataError(f"{file}: names no image (leave a list out by -)")
    return chosen


@dataclass(frozen=True)
class Origin:
    """Of one's own data: its name, the folder of images, how they are divided, and all that the result depends on."""

    name: str
    images: Path
    division: Division
    roots: tuple[Path, ...]

    def source(
        self,
        labels: LabelSet,
        pairs: list[FilePair],
        label_of: Callable[[FilePair], np.ndarray],
        spare: tuple[Path, ...] = (),
    ) -> Source:
        """Raises DataError as `divided` does, or if no training image is left, or there are too many folds to count."""
        most = MOST_COUNTS // len(labels)
        if (self.division.folds or 0) > most:
            raise DataError(f"--folds {self.division.folds}: {len(labels)} classes (at most {most} folds of so many)")
        chosen = assign_splits([pair.name for pair in pairs], self.division)
        entries = []
        for pair in pairs:
            if pair.name in chosen:
                read = partial(_load, pair, label_of)
                entries.append(Entry(chosen[pair.name], pair.name, read, pair.image, pair.label, pair.fault))
        if not any(entry.split == "train" for entry in entries):
            raise DataError(f"{self.images}: no training image is left")
        settings = repr((self.division, labels))
        return Source(
            self.name,
            labels,
            lambda root: entries,
            "",
            folds=self.division.folds,
            spare=spare,
            roots=self.roots,
            settings=settings,
        )


def source_of_masks(origin: Origin, masks_folder: Path, table: ClassTable) -> Source:
    """A source of images and mask pictures. Raises DataError as `paired` and `divided` do."""
    pairs, spare = pair_files(origin.images, masks_folder, MASKS)
    return origin.source(table.labels, pairs, lambda pair: masks.class_ids(_label_file(pair), table), spare)


def _label_file(pair: FilePair) -> Path:
    assert pair.label is not None  # an entry without one is never read
    return pair.label


def source_of_labelme(origin: Origin, labels: Path, table: ClassTable | None) -> Source:
    """A source of images and LabelMe files; without a table the classes are the labels that occur, by name."""
    pairs, spare = pair_files(origin.images, labels, OUTLINES)
    if table is None:
        occurring: set[str] = set()
        for pair in pairs:
            with contextlib.suppress(Unfit):  # said when the pair itself is read
                occurring |= {label for label, _ in polygons.read_labelme(pair.label).shapes} if pair.label else set()
        if not occurring:
            raise DataError(f"{labels}: no LabelMe file in it has a shape")
        classes = _named((polygons.BACKGROUND, *sorted(occurring - {polygons.BACKGROUND})), labels)
    else:
        classes = table.labels
    class_of = {name: index for index, name in enumerate(classes.names)}
    rest = polygons.background_id(classes.names)

    def label_of(pair: FilePair) -> np.ndarray:
        file = _label_file(pair)
        return polygons.labelme_label(polygons.read_labelme(file), file, class_of, rest)

    return origin.source(classes, pairs, label_of, spare)


def _named(names: tuple[str, ...], where: Path) -> LabelSet:
    if len(names) > MAX_CLASSES:
        raise DataError(f"{where}: {len(names)} classes (at most {MAX_CLASSES}; merge some by --classes)")
    return with_colors(names)


def source_of_coco(origin: Origin, annotations: Path, table: ClassTable | None) -> Source:
    """A source of the images of a COCO file; without a table its categories, by id, behind `background`.

    With a table its ids are category ids. Raises DataError if the file names an image that is not there.
    """
    categories, listed = polygons.read_coco(annotations)
    if table is None:
        names = tuple(dict.fromkeys((polygons.BACKGROUND, *(categories[one] for one in sorted(categories)))))
        classes = _named(names, annotations)
        class_of = {one: names.index(text) for one, text in categories.items()}
    else:
        classes, class_of = table.labels, table.ids
        if lacking := sorted(set(categories) - set(class_of)):
            raise DataError(f"{annotations}: category {lacking[0]}, {categories[lacking[0]]!r}, is claimed by no class")
    pairs, of_name = [], {}
    for image in listed:
        file = Path(os.path.normpath(origin.images / image.name))
        try:
            image.name.encode()
            if "\0" in image.name:
                raise ValueError
            stem = file.relative_to(os.path.normpath(origin.images)).with_suffix("").as_posix()
            there = file.is_file()
        except (OSError, ValueError):
            raise DataError(f"{annotations}: {image.name!r} is no name of a file in {origin.images}") from None
        fault = None if there else Unfit(f"{file}: is not there, though {annotations} names it", UnfitKind.NO_IMAGE)
        pairs.append(FilePair(stem, file, annotations, fault))
        of_name[pairs[-1].name] = image
    rest = polygons.background_id(classes.names)
    return origin.source(
        classes, pairs, lambda pair: polygons.coco_label(of_name[pair.name], annotations, class_of, rest)
    )


def _load(pair: FilePair, label_of: Callable[[FilePair], np.ndarray]) -> Sample:
    """The sample of a pair; an image that is no JPEG or PNG, or that its EXIF tag turns, is stored as PNG.

    Labels may be drawn on an image as it lies in the file or as viewers show it: what their size fits is taken, and
    where both fit, the image as it is shown.
    """
    content, label = read_bytes(pair.image), label_of(pair)
    try:
        with Image.open(io.BytesIO(content)) as picture:
            stored = picture.format in ("JPEG", "PNG")
            turned = orientation(picture) != 1
            if turned:
                swapped = orientation(picture) in SIDEWAYS
                turned = label.shape == (picture.size[::1] if swapped else picture.size[::-1])
        if not stored or turned:
            buffer = io.BytesIO()
            decode_rgb(io.BytesIO(content), oriented=turned).save(buffer, "PNG")
            content = buffer.getvalue()
    except UNREADABLE as error:
        raise Unfit(f"{pair.image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    check_same_size(pair.image, content, _label_file(pair), label)
    return Sample(content, label)
