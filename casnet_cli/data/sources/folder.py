"""One's own data as a source: pictures with masks, and what pictures with annotations share with them."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.data.classes.class_table import BACKGROUND, ClassTable
from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.layouts.class_files import label_of_parts
from casnet_cli.data.layouts.division import Division, assign_splits, check_whole, groups_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.missing import blank_label, filled
from casnet_cli.data.layouts.pairing import FilePair, missing_masks
from casnet_cli.data.masks import masks
from casnet_cli.data.masks.mending import NO_MENDING, Mending
from casnet_cli.data.masks.palettes import PalettesSeen
from casnet_cli.data.pixels.formats import PICTURE_ENDINGS
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.pixels.survey import Survey
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.sources.folder_sample import check_claim, load_sample
from casnet_cli.data.sources.outlines import named
from casnet_cli.data.splits import SPLITS, folds_by_group
from casnet_cli.errors import DataError
from casnet_cli.labels import LabelSet

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
    missing: str | None = None
    """What is made of pictures without a mask, of `layouts.missing.MISSING`; None: they are faults."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """The split of each name, where the layout says it; else `division` does."""
    settings: str = ""
    """What else decides the pairs."""

    def source(
        self,
        labels: LabelSet,
        pairs: list[FilePair],
        label_of: Callable[[FilePair], np.ndarray],
        spare: tuple[Path, ...] = (),
        settings: str = "",
        searched: Path | None = None,
        notes: Sequence[str] = (),
    ) -> Source:
        """A source of these pairs.

        label_of: (H, W) uint8 class ids of a pair. spare: label files that belong to no image. settings: what else
        decides the labels. searched: where masks were looked for. notes: sentences on what was left out. Raises
        DataError as `assign_splits` does, or if no training image is left, or there are too many folds to count.
        """
        most = MOST_COUNTS // len(labels)
        if (self.division.folds or 0) > most:
            raise DataError(f"--folds {self.division.folds}: {len(labels)} classes (at most {most} folds of so many)")
        names = {one.name: one.image for one in pairs}
        split_of = self.splits or assign_splits(list(names), self.division, names)
        images = {split: [one.image for one in pairs if split_of.get(one.name) == split] for split in SPLITS}
        survey = Survey(
            self.pictures, [file for files in images.values() for file in files], images["train"], self.remarks
        )
        taken = [one for one in pairs if one.name in split_of]
        entries = _entries(taken, split_of, self.division, lambda pair: _load(pair, label_of, survey))
        if not any(entry.split == "train" for entry in entries):
            raise DataError(f"{self.images}: no training image is left")
        own = "" if self.pictures == PictureOptions() else repr(self.pictures)
        settings = repr((self.division, labels)) + own + settings + self.settings
        return Source(
            self.name,
            labels,
            lambda root: entries,
            "",
            folds=self.division.folds,
            spare=spare,
            roots=self.roots,
            settings=settings,
            left_out=(*self.left_out.sentences(), *notes),
            survey=survey,
            incomplete=missing_masks(taken, spare, searched) if searched else "",
        )


def source_of_masks(origin: Origin, layout: Layout, table: ClassTable | None, mending: Mending = NO_MENDING) -> Source:
    """A source of images and mask files. Raises DataError as `Origin.source` does.

    Without a table the classes are `background` and the names of masks of one class each.
    """
    if table is None:
        found = {name for one in layout.pairs for name, _ in one.parts}
        table = ClassTable(named((BACKGROUND, *sorted(found - {BACKGROUND})), layout.searched))
    pairs, blank, notes = filled(layout.pairs, origin.missing, table.labels.names)
    seen = PalettesSeen(origin.remarks)

    def label_of(pair: FilePair) -> np.ndarray:
        if pair.label is None:
            return blank_label(pair.image, blank)
        if pair.parts:
            return label_of_parts(pair.parts, table, mending.threshold, origin.remarks)
        return masks.class_ids(pair.label, table, mending, origin.remarks, seen)

    return origin.source(
        table.labels, pairs, label_of, layout.spare, f" {mending}" if mending else "", layout.searched, notes
    )


def _entries(
    pairs: Sequence[FilePair], split_of: Mapping[str, str], division: Division, load: Callable[[FilePair], Sample]
) -> list[Entry]:
    """Raises DataError if images of one group are in two splits."""
    groups = groups_of([pair.name for pair in pairs], division.group_by)
    check_whole(split_of, groups)
    fold_of = folds_by_group(groups, division.folds) if groups and division.folds else {}
    return [
        Entry(
            split_of[pair.name],
            pair.name,
            partial(load, pair),
            pair.image,
            pair.label,
            pair.fault,
            fold_of.get(pair.name),
            groups.get(pair.name),
        )
        for pair in pairs
    ]


def _load(pair: FilePair, label_of: Callable[[FilePair], np.ndarray], survey: Survey) -> Sample:
    for file in (pair.label, *(part for _, part in pair.parts)):
        if file and file.suffix.lower() in PICTURE_ENDINGS:
            with contextlib.suppress(*UNREADABLE):  # named when it is read
                check_claim(pair.image, file, info_of(file).size, survey.options.resize_masks)
    return load_sample(pair.image, pair.label or pair.image, label_of(pair), survey)
