"""Pictures of a source that are added to a prepared file: new ones go to train, known ones get their new label.

A picture is known by its pixels, whatever its name: it keeps the name, the split and the fold that it has, so that what
a run has never seen stays unseen, and what was held out stays held out.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.layouts.division import check_whole, groups_of
from casnet_cli.data.pixels.ranges import described
from casnet_cli.data.pixels.stored import decode_pixels
from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store, StoredSample, Subset
from casnet_cli.errors import DataError, UnfitKind, reason
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.util.ordered_map import ordered_map
from casnet_cli.util.text import count

Place = tuple[str, str]
"""Split and name of a stored picture."""


@dataclass(frozen=True)
class _Loaded:
    """What is kept of a picture that is added."""

    key: str
    """Digest by which pictures are compared."""
    blank: bool
    """Whether its label is void everywhere."""
    label: str
    """Digest of its label."""


@dataclass
class Addition:
    """The pictures of a source, added to those of a prepared file. What became of them is known after `entries`."""

    old: Store
    """The prepared file."""
    source: Source
    """What is added."""
    group_by: str | None = None
    """Pattern of groups, for a file that has some."""
    labels: LabelSet = field(init=False)
    """The classes of both: those of the file, and behind them what the source has more."""
    replaced: dict[Place, str] = field(default_factory=dict)
    """Known pictures with a new label, and their names in the source."""
    same: int = 0
    """Number of known pictures whose label is the stored one already."""
    new: list[str] = field(default_factory=list)
    """Names of new pictures."""
    blank: list[str] = field(default_factory=list)
    """Names of pictures without a label, or whose label is void everywhere: they are left out."""

    def __post_init__(self) -> None:
        """Raises DataError if the classes do not agree."""
        self.labels = _united(self.old, self.source.labels)

    def united(self) -> Source:
        """The source of all pictures."""
        return replace(
            self.source,
            name=self.old.name,
            labels=self.labels,
            entries=self.entries,
            folds=self.old.folds,
            roots=(self.old.path, *self.source.roots),
            settings=f"{self.source.settings} added to classes {self.old.labels.names} {self.group_by}",
            history=self.old.source,
            versions=self.old.versions,
            incomplete="",
        )

    def entries(self, root: Path) -> list[Entry]:
        """All pictures: those of the file in their order, then new ones. Pictures without a label are left out.

        Raises DataError if a picture of the source cannot be read, is not as those of the file, may be one of several
        of the file, or has the name of another one there.
        """
        listed = self._labelled(root)
        ours, theirs = self.old.intensities, self.source.intensities()
        if replace(ours, chosen=None) != replace(theirs, chosen=None):
            raise DataError(
                f"{self.old.path}: its pictures are of {described(ours)}; those to add of {described(theirs)} "
                "(prepare them apart)"
            )
        given, added = self._sorted(listed)
        stored = [self._relabelled(entry, given) for entry in self.old.entries()]
        return self._grouped(stored, [self._new(entry) for entry in added])

    def _sorted(self, listed: Sequence[Entry]) -> tuple[dict[Place, Entry], list[Entry]]:
        """Known pictures whose label changes, by their places, and new pictures. Raises DataError if there are none."""
        given: dict[Place, Entry] = {}
        added: list[Entry] = []
        known, seen = _Known(self.old), dict[Place, str]()
        for entry, future in ordered_map(self._loaded, listed):
            loaded, name = future.result(), f"{entry.image or entry.name}"
            place = None if loaded.blank else known.place(entry, loaded.key)
            if loaded.blank:
                self.blank.append(name)
            elif place is None:
                added.append(entry)
            elif place in seen:
                raise DataError(f"{name}: {seen[place]} is the same picture (one label a picture)")
            elif known.label(place) == loaded.label:
                seen[place], self.same = name, self.same + 1
            else:
                seen[place] = self.replaced[place] = name
                given[place] = entry
        if not given and not added:
            hint = "Label Studio's COCO, for one, leaves out brushes: export its JSON"
            empty = f"no label but void in {count(len(self.blank), 'image')} ({hint})"
            same = f"{self.old.path} has {count(self.same, 'label')} of these already"
            raise DataError(f"nothing to add: {same if self.same else empty}")
        return given, added

    def sentences(self) -> Iterator[str]:
        """What became of the pictures, for the user."""
        if self.replaced:
            place, name = next(iter(self.replaced.items()))
            splits = [split for split, _ in self.replaced]
            held = [f"{splits.count(split)} in {split}" for split in ("val", "test") if split in splits]
            stay = f" ({', '.join(held)}: they stay there)" if held else ""
            yield f"{count(len(self.replaced), 'label')} replaced{stay}, such as that of {place[1]} by {name}"
        if self.new:
            yield f"{count(len(self.new), 'new image')}, such as {self.new[0]}"
        if self.same:
            yield f"{count(self.same, 'label')} as in {self.old.path}"
        if self.blank:
            yield f"{count(len(self.blank), 'image')} without a label, left out, such as {self.blank[0]}"
        if spare := self.source.spare:
            yield f"{count(len(spare), 'label file')} of no image, left out, such as {spare[0]}"
        if more := self.labels.names[len(self.old.labels) :]:
            yield f"new classes: {', '.join(more)}"

    def _labelled(self, root: Path) -> list[Entry]:
        """The pictures of the source that have a label. Raises DataError as `check_complete` does, or if none has."""
        listed = self.source.entries(root)
        labelled = [entry for entry in listed if not entry.fault or entry.fault.kind is not UnfitKind.NO_LABEL]
        if not labelled:
            check_complete(self.source, listed, root)
        self.blank += [f"{one.image}" for one in listed if one.fault and one.fault.kind is UnfitKind.NO_LABEL]
        check_complete(replace(self.source, incomplete=""), labelled, root)
        return labelled

    def _loaded(self, entry: Entry) -> _Loaded:
        sample = self._sample(entry)
        where = entry.image or entry.name
        try:
            return _Loaded(_key(sample.image, self.old), bool((sample.label == VOID).all()), _digest(sample.label))
        except UNREADABLE as error:
            raise DataError(f"{where}: the image cannot be decoded: {reason(error)}") from None

    def _relabelled(self, stored: Entry, given: Mapping[Place, Entry]) -> Entry:
        """A stored picture as it is, or with the label that was given; it keeps the fold that its name gave it."""
        if stored.split == "train" and self.old.folds:
            stored = replace(stored, fold=self.old.fold_of.get(stored.name, 0))
        entry = given.get((stored.split, stored.name))
        return replace(stored, read=partial(self._sample, entry, stored)) if entry else stored

    def _new(self, entry: Entry) -> Entry:
        fold = 0 if self.old.folds else None
        return Entry("train", entry.name, partial(self._sample, entry), entry.image, entry.label, fold=fold)

    def _sample(self, entry: Entry, stored: Entry | None = None) -> Sample:
        """The sample in the ids of `labels`, with the image of `stored`."""
        sample = entry.load()
        ids = np.full(256, VOID, np.uint8)
        ids[: len(self.source.labels)] = [self.labels.names.index(name) for name in self.source.labels.names]
        return Sample(stored.load().image if stored else sample.image, ids[sample.label])

    def _grouped(self, stored: list[Entry], added: list[Entry]) -> list[Entry]:
        """All entries, new ones where their group is. Raises DataError if the options do not say the groups."""
        if self.old.group_of and not self.group_by:
            raise DataError(f"{self.old.path}: keeps groups together (--group-by says those of new pictures)")
        if self.group_by and not self.old.group_of:
            raise DataError(f"{self.old.path}: has no groups (leave --group-by out)")
        groups = groups_of([entry.name for entry in (*stored, *added)], self.group_by)
        check_whole({entry.name: entry.split for entry in stored}, groups)
        first: dict[str, Entry] = {}
        for entry in stored:
            first.setdefault(groups.get(entry.name, ""), entry)
        found = list(stored)
        for entry in added:
            group = groups.get(entry.name)
            beside = first.get(group) if group is not None else None
            if beside and beside.split != "train":
                entry = replace(entry, split=beside.split, fold=None)
            elif group is not None:
                entry = replace(entry, fold=beside.fold if beside else entry.fold, group=group)
            self.new.append(f"{entry.split}/{entry.name}")
            found.append(entry)
        return found


class _Known:
    """The pictures of a prepared file, found by their pixels."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.of_split = {split: Subset(store, split, tuple(range(len(names)))) for split, names in store.names.items()}
        self.entries = {(entry.split, entry.name): entry for entry in store.entries()}
        self.by_key: dict[str, list[Place]] = {}
        self.rows: dict[str, list[tuple[str, int]]] = {}  # by the last part of their names
        for split, subset in self.of_split.items():
            for row, (sample, future) in enumerate(ordered_map(self._key_of, iter(subset))):
                self.by_key.setdefault(future.result(), []).append((split, sample.name))
                self.rows.setdefault(_last(sample.name), []).append((split, row))

    def _key_of(self, sample: StoredSample) -> str:
        try:
            return _key(sample.image, self.store)
        except UNREADABLE as error:
            raise DataError(f"{self.store.path}: {sample.name}: cannot be decoded: {reason(error)}") from None

    def label(self, place: Place) -> str:
        """Digest of a stored label. Raises DataError if it cannot be decoded."""
        return _digest(self.entries[place].load().label)

    def place(self, entry: Entry, key: str) -> Place | None:
        """Where a picture is stored; None: it is new. Raises DataError if several may be it, or none that has its name
        is."""
        found = self.by_key.get(key) or self._with_its_pixels(entry)
        exact = [place for place in found if place[1] == entry.name]
        if len(found) > 1 and len(exact) != 1:
            (split, name), (other_split, other) = found[:2]
            alike = f"{split}/{name} and {other_split}/{other} of {self.store.path} are the same picture"
            raise DataError(f"{entry.image or entry.name}: {alike} (`casnet check` lists such; add it by one's name)")
        if found:
            return exact[0] if exact else found[0]
        if any(entry.name in names for names in self.store.names.values()):
            raise DataError(
                f"{entry.image or entry.name}: {self.store.path} has another picture of this name, of other pixels "
                "(rename it, or add the picture as it was)"
            )
        return None

    def _with_its_pixels(self, entry: Entry) -> list[Place]:
        """Pictures whose name ends alike, and which differ in their file alone."""
        rows = self.rows.get(_last(entry.name), [])
        if not rows:
            return []
        pixels = decode_pixels(entry.load().image, self.store.intensities)
        samples = [(split, self.of_split[split][row]) for split, row in rows]
        return [
            (split, sample.name)
            for split, sample in samples
            if np.array_equal(decode_pixels(sample.image, self.store.intensities), pixels)
        ]


def _key(image: bytes, store: Store) -> str:
    """Digest of a picture: of its file, or of its pixels where the file depends on the library that wrote it."""
    if store.intensities.rgb:
        return hashlib.sha256(image).hexdigest()
    pixels = decode_pixels(image, store.intensities)
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _digest(label: np.ndarray) -> str:
    return hashlib.sha256(f"{label.shape}".encode() + label.tobytes()).hexdigest()


def _last(name: str) -> str:
    return PurePosixPath(name).name


def _united(old: Store, labels: LabelSet) -> LabelSet:
    """The classes of the file, and behind them further ones of the source, which must list those of the file first if
    there are any. Raises DataError."""
    ours, theirs = old.labels.names, labels.names
    if set(theirs) <= set(ours):
        return old.labels
    if theirs[: len(ours)] != ours:
        raise DataError(
            f"{old.path}: its classes are {', '.join(ours)}; those to add {', '.join(theirs)} "
            "(--classes: a table of the file's classes in their order, new ones behind them)"
        )
    return LabelSet(theirs, (*old.labels.palette, *labels.palette[len(ours) :]))
