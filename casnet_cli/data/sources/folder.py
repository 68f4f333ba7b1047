"""One's own data: a folder of images, and one of masks or of LabelMe files, or a COCO file."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.data.annotations import masks, polygons
from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.mending import NO_MENDING, Mending
from casnet_cli.data.annotations.palettes import PalettesSeen
from casnet_cli.data.layouts.division import Division, assign_splits
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.pixels.survey import PictureOptions, Survey
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.sources.folder_sample import load_sample
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.labels import MAX_CLASSES, LabelSet, with_colors

OUTLINES = (".json",)
MOST_COUNTS = 8000
"""Largest product of folds and classes: an attribute of the prepared file, at most 64 KiB, has a count for each."""


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
        split_of = assign_splits([one.name for one in pairs], self.division, {one.name: one.image for one in pairs})
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
    found = pair_files(origin.images, masks_folder, readable_endings(), origin.left_out)
    seen = PalettesSeen(origin.remarks)

    def label_of(pair: FilePair) -> np.ndarray:
        return masks.class_ids(_label_file(pair), table, mending, origin.remarks, seen)

    return origin.source(table.labels, found.pairs, label_of, found.spare, f" {mending}" if mending else "")


def _label_file(pair: FilePair) -> Path:
    assert pair.label is not None  # an entry without one is never read
    return pair.label


def source_of_labelme(origin: Origin, labels: Path, table: ClassTable | None) -> Source:
    """A source of images and LabelMe files.

    Without a table the classes are `background` and the labels that occur, in the order of the names.
    """
    found = pair_files(origin.images, labels, OUTLINES, origin.left_out)
    pairs, spare = found.pairs, found.spare
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
