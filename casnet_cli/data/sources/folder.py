"""One's own data: a folder of images, and one of masks or of LabelMe files, or a COCO file."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data import splits
from casnet_cli.data.annotations import masks, polygons
from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.mending import NO_MENDING, Mending
from casnet_cli.data.annotations.palettes import PalettesSeen
from casnet_cli.data.pixels.formats import PICTURE_ENDINGS, readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.pixels.survey import PictureOptions, Survey
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.base import Entry, Sample, Source, files_below, missing_partner, read_bytes
from casnet_cli.data.sources.folder_sample import load_sample
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import MAX_CLASSES, LabelSet, with_colors

OUTLINES = (".json",)
TOPS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""The split of each name of a sub-folder, in small letters."""

MOST_COUNTS = 8000
"""Largest product of folds and classes: an attribute of the prepared file, at most 64 KiB, has a count for each."""

SUFFIXES = ("_mask", "_label", "_labels", "_gt", "-mask", "-label", ".mask", ".label", "_L", "_seg")
"""Endings of masks' names that follow the name of the image."""


@dataclass(frozen=True)
class Division:
    """How images are divided into splits: by sub-folders `train/`, `val/` and `test/` unless a field says otherwise.

    Its text is part of the stamp by which an unchanged source is recognized: new names of class or fields would have
    all folders prepared again.
    """

    val: float = 0.0
    """Share of the images for val."""
    test: float = 0.0
    """Share of the images for test."""
    lists: tuple[Path | None, ...] = ()
    """Files that list the names of train, val and test; None for a split without images."""
    folds: int | None = None
    """Number of folds of cross-validation."""
    seed: int = 0
    """Decides, with the names, which images the shares take."""


@dataclass(frozen=True)
class FilePair:
    """An image with its label file."""

    name: str
    """Path relative to the folder, without ending."""
    image: Path
    """The image file."""
    label: Path | None
    """The label file; None if there is none."""
    fault: Unfit | None = None
    """Why the sample cannot be used, if that is known already."""


def pair_files(
    images: Path, labels: Path, endings: Sequence[str], left_out: LeftOut | None = None
) -> tuple[list[FilePair], tuple[Path, ...]]:
    """Every image with its label file, and the label files that belong to no image.

    endings: of label files. left_out: collects pictures of both folders that casnet does not read.
    An image's label file has the same relative path, else the same name, apart from suffixes like `_mask`. Raises
    DataError if there is no image, or if an image could have several label files or a label file several images.
    """
    pictures, left_out = readable_endings(), LeftOut() if left_out is None else left_out
    image_files = files_below(images, pictures, left_out=left_out)
    label_files = files_below(labels, tuple(endings), left_out=left_out)
    if images.resolve() == labels.resolve():  # masks beside their images
        is_label = {name: _stripped(name) != name or file.suffix in OUTLINES for name, file in label_files.items()}
        label_files = {name: file for name, file in label_files.items() if is_label[name]}
        image_files = {name: file for name, file in image_files.items() if label_files.get(name) != file}
    if not image_files:
        raise DataError("; ".join([f"{images}: holds no image ({', '.join(pictures)})", *left_out.sentences()]))
    by_stem: dict[str, list[str]] = {}
    for name in label_files:
        by_stem.setdefault(PurePosixPath(_stripped(name)).name, []).append(name)
    found: list[FilePair] = []
    owners: dict[str, Path] = {}
    for name, file in image_files.items():
        exact = next((other for other in (name, *(name + suffix for suffix in SUFFIXES)) if other in label_files), None)
        candidates = [exact] if exact else by_stem.get(PurePosixPath(name).name, [])
        if len(candidates) > 1:
            several = " and ".join(str(label_files[one]) for one in candidates[:2])
            raise DataError(f"{file}: could belong to {several} (give them the sub-folders of the images)")
        if candidates and owners.setdefault(candidates[0], file) != file:
            several = f"{owners[candidates[0]]} and {file}"
            label_file = label_files[candidates[0]]
            raise DataError(f"{label_file}: could belong to {several} (give it the sub-folder of its image)")
        fault = None if candidates else missing_partner(file, None, labels)
        found.append(FilePair(name, file, label_files[candidates[0]] if candidates else None, fault))
    return found, tuple(file for name, file in label_files.items() if name not in owners)


def _stripped(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def assign_splits(names: Sequence[str], division: Division) -> dict[str, str]:
    """The split of each name. Raises DataError if a list names no image or one that is not there, an image is in two
    splits, or none is left for training."""
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
    split_of: dict[str, str] = {}
    for split, file in zip(SPLITS, lists, strict=False):
        if file is None:
            continue
        lines = read_bytes(file).decode("utf-8-sig", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            if not (text := line.strip().replace("\\", "/")):
                continue
            whole = text.removesuffix(PurePosixPath(text).suffix) if text.lower().endswith(PICTURE_ENDINGS) else text
            matches = [whole] if whole in known else [name for name in names if f"/{name}".endswith(f"/{whole}")]
            if len(matches) != 1:
                wrong = f"could be {matches[0]} or {matches[1]}" if matches else "is not among the images"
                raise DataError(f"{file}: line {number}: {text} {wrong} (name it with its sub-folder)")
            name = matches[0]
            if split_of.setdefault(name, split) != split:
                raise DataError(f"{file}: line {number}: {text} is in {split_of[name]} already (one split an image)")
        if split not in split_of.values():
            raise DataError(f"{file}: names no image (leave a list out by -)")
    return split_of


@dataclass(frozen=True)
class Origin:
    """Where one's own data lie."""

    name: str
    """Of the data set."""
    images: Path
    """Folder of the images."""
    division: Division
    """How the images are divided into splits."""
    roots: tuple[Path, ...]
    """All files and folders that the prepared file depends on."""
    pictures: PictureOptions = PictureOptions()
    """How the images are taken."""
    remarks: Remarks = field(default_factory=Remarks, compare=False)
    """What is done to images and labels while they are read."""
    left_out: LeftOut = field(default_factory=LeftOut, compare=False)
    """Pictures in the folders that are not read."""

    def source(
        self,
        labels: LabelSet,
        pairs: list[FilePair],
        label_of: Callable[[FilePair], np.ndarray],
        spare: tuple[Path, ...] = (),
        settings: str = "",
    ) -> Source:
        """A source of these pairs.

        label_of: (H, W) uint8 class ids of a pair. spare: label files that belong to no image. settings: what else
        decides the labels. Raises DataError as
        `assign_splits` does, or if no training image is left, or there are too many folds to count.
        """
        most = MOST_COUNTS // len(labels)
        if (self.division.folds or 0) > most:
            raise DataError(f"--folds {self.division.folds}: {len(labels)} classes (at most {most} folds of so many)")
        split_of = assign_splits([pair.name for pair in pairs], self.division)
        images = {split: [one.image for one in pairs if split_of.get(one.name) == split] for split in SPLITS}
        survey = Survey(
            self.pictures, [file for files in images.values() for file in files], images["train"], self.remarks
        )
        entries = []
        for pair in pairs:
            if pair.name in split_of:
                read = partial(_load, pair, label_of, survey)
                entries.append(Entry(split_of[pair.name], pair.name, read, pair.image, pair.label, pair.fault))
        if not any(entry.split == "train" for entry in entries):
            raise DataError(f"{self.images}: no training image is left")
        own = "" if self.pictures == PictureOptions() else repr(self.pictures)
        settings = repr((self.division, labels)) + own + settings
        return Source(
            self.name,
            labels,
            lambda root: entries,
            "",
            folds=self.division.folds,
            spare=spare,
            roots=self.roots,
            settings=settings,
            left_out=tuple(self.left_out.sentences()),
            survey=survey,
        )


def source_of_masks(origin: Origin, masks_folder: Path, table: ClassTable, mending: Mending = NO_MENDING) -> Source:
    """A source of images and mask files. Raises DataError as `pair_files` and `assign_splits` do."""
    pairs, spare = pair_files(origin.images, masks_folder, readable_endings(), origin.left_out)

    seen = PalettesSeen(origin.remarks)

    def label_of(pair: FilePair) -> np.ndarray:
        return masks.class_ids(_label_file(pair), table, mending, origin.remarks, seen)

    return origin.source(table.labels, pairs, label_of, spare, f" {mending}" if mending else "")


def _label_file(pair: FilePair) -> Path:
    assert pair.label is not None  # an entry without one is never read
    return pair.label


def source_of_labelme(origin: Origin, labels: Path, table: ClassTable | None) -> Source:
    """A source of images and LabelMe files.

    Without a table the classes are `background` and the labels that occur, in the order of the names.
    """
    pairs, spare = pair_files(origin.images, labels, OUTLINES, origin.left_out)
    if table is None:
        occurring: set[str] = set()
        for pair in pairs:
            with contextlib.suppress(Unfit):  # raised again when the sample is read
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
    """A source of the images of a COCO file. Raises DataError if it names a file outside the folder of images.

    Without a table the classes are `background` and the categories in the order of their ids; a table's ids are
    category ids.
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


def _load(pair: FilePair, label_of: Callable[[FilePair], np.ndarray], survey: Survey) -> Sample:
    return load_sample(pair.image, _label_file(pair), label_of(pair), survey)
