"""The prepared data set, one HDF5 file: written whole or not at all, read at random."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import SupportsIndex, cast

import h5py
import numpy as np

from casnet_cli.data import membership, sample_digests, splits, store_record, versions
from casnet_cli.data.digests import ContentDigest, differences
from casnet_cli.data.encoded import encoded_sample
from casnet_cli.data.images import UNREADABLE, decode_label
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.sample_digests import SampleDigests
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.splits import SPLITS
from casnet_cli.data.statistics import KEYS, DataStatistics, StatisticsRecord, check_statistics
from casnet_cli.data.store_record import FORMAT, VERSION
from casnet_cli.data.versions import Version
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.labels import LabelSet
from casnet_cli.paths import existing_data
from casnet_cli.util.files import remove_stale, removed_if_empty, unfinished
from casnet_cli.util.hdf5 import open_outside
from casnet_cli.util.ordered_map import ordered_map

DAMAGED = (KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError, RuntimeError)
"""What h5py and NumPy raise on a file that is not whole."""

RESERVE = 1 << 23
"""Bytes of the disk left free for HDF5's own bookkeeping."""


def write(
    path: Path,
    source: Source,
    entries: Sequence[Entry],
    provenance: dict[str, str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    strict: bool = False,
    intensities: Intensities = PLAIN,
) -> tuple[str, ...]:
    """Write all entries to `path`, decoding and checking them in parallel; memory stays bounded.

    provenance: further root attributes, which name what the samples were made from. intensities: of all images.
    strict: raise DataError if a part differs from the copy of the data known to be good.
    Returns the parts that differ (`digests.differences`). Raises DataError on the first bad sample or a full disk;
    then `path` is as it was, and no folder was made for it.
    """
    new = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path)
        with (
            removed_if_empty(*new),
            unfinished(path) as part,
            open(part, "w+b") as written,
            h5py.File(written, "w") as file,
        ):
            parts = _write_samples(file, path.parent, source, entries, intensities, on_progress)
            foreign = differences(parts, source.content)
            if foreign and strict:
                what = f"{', '.join(foreign)} are not those of the copy that casnet knows"
                raise DataError(f"{source.name}: {what} (look at the files, or leave --strict away)")
            file.attrs.update(provenance)
            file.attrs["created"] = datetime.now(UTC).isoformat(timespec="seconds")
        return foreign
    except (OSError, RuntimeError) as error:  # h5py makes the latter of faults while a file is closed
        raise DataError(f"{path}: cannot be written: {reason(error)}") from None


def _write_samples(
    file: h5py.File,
    folder: Path,
    source: Source,
    entries: Sequence[Entry],
    intensities: Intensities,
    on_progress: Callable[[int, int], None],
) -> dict[str, str]:
    """Fill the open file. Returns the digests of the parts."""
    classes, record = len(source.labels), json.dumps(intensities.record())
    content = ContentDigest("" if intensities.plain else record)
    fold_of = membership.folds_of_entries(entries, source.folds)
    statistics = DataStatistics(classes, fold_of, len(intensities.bands))
    groups = _create_groups(file, entries, classes)
    written = dict.fromkeys(groups, 0)
    encoded = ordered_map(lambda entry: encoded_sample(entry, classes, intensities), entries)
    for done, (entry, future) in enumerate(encoded, 1):
        sample = future.result()
        # HDF5 may crash the process when the disk is full, so stop while it can still close the file.
        if shutil.disk_usage(folder).free < RESERVE + len(sample.image) + len(sample.label):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        group, row = groups[entry.split], written[entry.split]
        group["image"][row] = np.frombuffer(sample.image, np.uint8)
        group["label"][row] = np.frombuffer(sample.label, np.uint8)
        group["class_pixels"][row] = sample.counts[:classes]
        written[entry.split] += 1
        place = f"{entry.split}/{entry.name}"
        group[sample_digests.NAME][row] = sample_digests.of_sample(place, sample.image, sample.label)
        content.add(entry, *sample.digests)
        statistics.add(entry.split, entry.name, sample.size, sample.counts, sample.color, sample.measured)
        on_progress(done, len(entries))
    file.attrs.update(
        format=FORMAT,
        version=VERSION,
        name=source.name,
        classes=list(source.labels.names),
        palette=np.asarray(source.labels.palette, np.uint8),
        folds=source.folds or 0,
        intensities=record,
        content_sha256=content.whole.hexdigest(),
        content=json.dumps(content.parts()),
        **statistics.attributes(),
    )
    if source.versions:
        file.attrs["versions"] = versions.dumps(source.versions)
    return content.parts()


def _create_groups(file: h5py.File, entries: Sequence[Entry], classes: int) -> dict[str, h5py.Group]:
    groups = {}
    for split in SPLITS:
        names = [entry.name for entry in entries if entry.split == split]
        if not names:
            continue
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{split}: {twice}: the name occurs twice (names are unique within a split)")
        groups[split] = group = file.create_group(split)
        group.create_dataset("name", data=names, dtype=h5py.string_dtype())
        for key in ("image", "label"):
            group.create_dataset(key, (len(names),), h5py.vlen_dtype(np.uint8))
        if split == "train":
            membership.write(group, [entry for entry in entries if entry.split == split])
        group.create_dataset("class_pixels", (len(names), classes), np.int64)
        group.create_dataset(sample_digests.NAME, (len(names), *sample_digests.SHAPE), np.uint8)
    return groups


@dataclass(frozen=True)
class StoredSample:
    """One sample as it is stored."""

    name: str
    """Unique within its split."""
    image: bytes
    """The encoded image, byte for byte as it was found."""
    label: bytes
    """PNG of the class ids."""


@dataclass(frozen=True)
class Subset:
    """Some samples of a store, read when they are indexed, from any thread; nothing is kept in memory."""

    store: "Store"
    """The open file."""
    group: str
    """The split under which the samples are stored: train, val or test."""
    positions: tuple[int, ...]
    """Their rows in that group."""

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, places: Sequence[int]) -> "Subset":
        """The samples at these places of the subset, in the given order."""
        return replace(self, positions=tuple(self.positions[place] for place in places))

    def spread(self, most: int) -> "Subset":
        """At most so many of the samples, evenly spread over them."""
        count = min(most, len(self))
        return self.at([place * len(self) // count for place in range(count)])

    @property
    def has_class_pixels(self) -> bool:
        """Whether the file says which sample shows which class; older ones do not."""
        return "class_pixels" in self.store.file[self.group]

    def class_pixels(self) -> np.ndarray:
        """(N, K) labelled pixels of each class in each of the N samples. Raises DataError, also if there are none."""
        group = self.store.file[self.group]
        try:
            counted = group["class_pixels"][:]
            if counted.shape != (len(group["name"]), len(self.store.labels)) or counted.dtype.kind not in "iu":
                raise ValueError(f"class_pixels of shape {counted.shape}")
        except DAMAGED as error:
            raise DataError(f"{self.store.path}: damaged or old: {reason(error)} (prepare it again)") from None
        return counted[list(self.positions)]

    def __getitem__(self, index: SupportsIndex) -> StoredSample:
        row = self.positions[index]
        group = self.store.file[self.group]
        name = self.store.names[self.group][row]
        try:
            sample = StoredSample(name, group["image"][row].tobytes(), group["label"][row].tobytes())
        except DAMAGED as error:
            fault = f"{self.store.path}: {self.group}/{name}: damaged: {reason(error)} (prepare the data again)"
            raise Unfit(fault, UnfitKind.UNREADABLE) from None
        self.store.digests.check(self.group, row, sample.name, sample.image, sample.label)
        return sample


class Store:
    """A prepared data set opened for reading. Raises DataError if `path` is missing, foreign, newer or damaged."""

    file: h5py.File
    """The open HDF5 file."""
    name: str
    """Of the data set."""
    labels: LabelSet
    """Its classes."""
    folds: int | None
    """Number of folds of a set that is cross-validated."""
    names: dict[str, list[str]]
    """Names of the samples of each stored split, in stored order."""
    fold_of: dict[str, int]
    """The fold, from 1, of each training image that is in one; empty for a set without folds."""
    group_of: dict[str, str]
    """The group of each training image; empty for a set without groups."""
    content_sha256: str
    """Digest of all images and labels."""
    earlier: tuple[Version, ...]
    """The versions of the file before pictures were added or labels changed, the oldest first."""
    source: str
    """What the file was made from."""
    intensities: Intensities
    """What the images hold, and how a network sees them."""
    source_sha256: str
    """Digest of the files it was made from; empty for built-in data."""
    digests: SampleDigests
    """Digests of its samples."""
    content: dict[str, str]
    """First digits of the digests of its parts, as `digests.ContentDigest` gives them."""

    def __init__(self, path: Path):
        self.path = existing_data(path)
        try:
            self.file = open_outside(path)
        except OSError as error:
            raise DataError(f"{path}: not a readable HDF5 file: {reason(error)}") from None
        try:
            record = store_record.read(self.file, path)
            self.name, self.content_sha256, self.content = record.name, record.content_sha256, record.content
            palette = tuple((red, green, blue) for red, green, blue in record.palette)
            self.labels = LabelSet(tuple(record.classes), palette)
            self.folds = record.folds or None
            self.intensities = Intensities.from_record(record.intensities)
            self.names = {split: self._names(split) for split in SPLITS if split in self.file}
            if self.folds and not 2 <= self.folds <= len(self.names["train"]):
                raise ValueError(f"{self.folds} folds")
            train = self.names.get("train", [])
            self._stored = membership.stored_folds(self.file, train, self.folds)
            self.fold_of = splits.folds_of(train, self.folds) if self._stored is None else self._stored
            self.group_of = membership.stored_groups(self.file, train)
            self.earlier = versions.from_record(record.versions, len(train))
            self.source, self.source_sha256 = record.source, record.source_sha256
            self.digests = SampleDigests(path, self.file, self.names)
        except DAMAGED as error:
            raise DataError(f"{path}: damaged: {reason(error)} (prepare it again)") from None
        if not self.names:
            raise DataError(f"{path}: holds no images (prepare it again)")

    def _names(self, split: str) -> list[str]:
        """Sample names of a stored group, in stored order. Raises KeyError or ValueError if it is not whole."""
        group = self.file[split]
        names = list(group["name"].asstr()[:])
        if not len(names) == len(group["image"]) == len(group["label"]):
            raise ValueError(f"{split}: names, images and labels differ in number")
        return names

    def parts(
        self, fold: int | None = None, fraction: float = 0.1, seed: int = 0, stored: bool = True, version: str = ""
    ) -> dict[str, Subset]:
        """The subsets train, val and test, as far as they exist; the arguments are those of `splits.assign`.

        Validation and test images are those of the oldest version, with what was added of their groups. version: the
        digest of the version whose training images `train` is; of any other text, and by default, it is this one's.
        """
        images = len(self.names.get("train", ()))
        added = images - self.earlier[0].train if self.earlier else 0
        assigned = splits.assign(self.names, self.fold_of, fold, fraction, seed, stored, self.group_of, added)
        parts = {split: Subset(self, group, tuple(rows)) for split, (group, rows) in assigned.items()}
        if (known := self.images_of(version)) is not None and "train" in parts:
            rows = tuple(row for row in parts["train"].positions if row < known)
            parts["train"] = replace(parts["train"], positions=rows)
        return parts

    def images_of(self, version: str) -> int | None:
        """How many training images, the first ones, this or an earlier version had, by its digest; None: it is none."""
        return next((one.train for one in reversed(self.versions) if one.content_sha256 == version), None)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The earlier versions and this one; none of a file without training images."""
        images = len(self.names.get("train", ()))
        return (*self.earlier, Version(self.content_sha256, images)) if images else ()

    def entries(self) -> list[Entry]:
        """Every stored sample as an entry, like those of a raw data set."""

        def entry(split: str, name: str, row: int) -> Entry:
            read = partial(self._sample, split, row)
            if split != "train":
                return Entry(split, name, read)
            fold = None if self._stored is None else self._stored.get(name, 0)
            return Entry(split, name, read, fold=fold, group=self.group_of.get(name))

        return [entry(split, name, row) for split, names in self.names.items() for row, name in enumerate(names)]

    def _sample(self, split: str, row: int) -> Sample:
        where = f"{self.path}: {split}/{self.names[split][row]}"
        try:
            record = Subset(self, split, (row,))[0]
            label = decode_label(record.label)
        except (*UNREADABLE, *DAMAGED) as error:
            raise Unfit(f"{where}: the label cannot be decoded: {reason(error)}", UnfitKind.UNREADABLE) from None
        if label.mode != "L":
            raise Unfit(f"{where}: its label has pixels of mode {label.mode} (expected L)", UnfitKind.MODE, label.mode)
        return Sample(record.image, np.asarray(label))

    def statistics(self) -> StatisticsRecord:
        """The statistics that were counted when the file was written. Raises DataError."""
        try:
            found = {key: np.asarray(self.file.attrs[key]) for key in KEYS}
            check_statistics(found, len(self.labels), len(self.intensities.bands), self.folds or 0)
            return cast(StatisticsRecord, {key: values.tolist() for key, values in found.items()})
        except DAMAGED as error:
            raise DataError(f"{self.path}: damaged or old: {reason(error)} (prepare it again)") from None

    def training_pixels(self, fold: int | None) -> list[int]:
        """(K) labelled pixels of each class in the training images, without the fold's. Raises DataError."""
        counted = self.statistics()
        pixels = np.asarray(counted["split_class_pixels"][SPLITS.index("train")])
        if self.folds:
            pixels = pixels - np.asarray(counted["fold_class_pixels"][(fold or 1) - 1])
        return [int(count) for count in pixels]
