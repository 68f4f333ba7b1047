"""The prepared data set, one HDF5 file: written whole or not at all, read at random."""

import contextlib
import errno
import io
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from casnet_cli.data import splits
from casnet_cli.data.images import UNREADABLE, decode_label, decode_rgb, encode_label
from casnet_cli.data.sources.source import Entry, Source
from casnet_cli.errors import DataError, reason
from casnet_cli.labels import VOID, LabelSet

FORMAT = "casnet-data"
VERSION = 1
RESERVE = 1 << 23
"""Bytes of the disk left free for HDF5's own bookkeeping."""

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Encoded:
    """One sample on its way into the file. counts: (256,) pixels of each id. color: (3,) sum of RGB over pixels."""

    image: bytes
    label: bytes
    counts: np.ndarray
    color: np.ndarray


def write(
    path: Path,
    source: Source,
    entries: Sequence[Entry],
    provenance: dict[str, str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write all entries to `path`, decoding and checking each in parallel; memory stays bounded.

    provenance: further root attributes, where the samples came from. Raises DataError on the first bad sample or a
    full disk; then `path` is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(partial, "w") as file:
            _write_samples(file, source, entries, on_progress)
            file.attrs.update(provenance)
            file.attrs["created"] = datetime.now(UTC).isoformat(timespec="seconds")
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_samples(
    file: h5py.File, source: Source, entries: Sequence[Entry], on_progress: Callable[[int, int], None]
) -> None:
    digest = sha256()
    counts, images_with, color = np.zeros(256, np.int64), np.zeros(256, np.int64), np.zeros(3)
    groups = _create_groups(file, entries)
    written = dict.fromkeys(groups, 0)
    for done, (entry, sample) in enumerate(_encoded(entries, len(source.labels)), 1):
        # HDF5 may crash the process when the disk is full, so stop while it can still close the file.
        if shutil.disk_usage(file.filename).free < RESERVE + len(sample.image) + len(sample.label):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        group, row = groups[entry.split], written[entry.split]
        group["image"][row] = np.frombuffer(sample.image, np.uint8)
        group["label"][row] = np.frombuffer(sample.label, np.uint8)
        written[entry.split] += 1
        digest.update(f"{entry.split}/{entry.name}".encode() + sha256(sample.image).digest())
        digest.update(sha256(decode_label(sample.label).tobytes()).digest())
        counts += sample.counts
        images_with += sample.counts > 0
        color += sample.color
        on_progress(done, len(entries))
    classes = len(source.labels)
    file.attrs.update(
        format=FORMAT,
        version=VERSION,
        name=source.name,
        classes=list(source.labels.names),
        palette=np.asarray(source.labels.palette, np.uint8),
        folds=source.folds or 0,
        content_sha256=digest.hexdigest(),
        class_pixels=counts[:classes],
        class_images=images_with[:classes],
        void_pixels=counts[VOID],
        color_mean=color / max(1, counts.sum()),
    )


def _create_groups(file: h5py.File, entries: Sequence[Entry]) -> dict[str, h5py.Group]:
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
    return groups


def _encoded(entries: Sequence[Entry], classes: int) -> Iterator[tuple[Entry, Encoded]]:
    workers = min(8, os.cpu_count() or 1)
    pending: deque[tuple[Entry, Future[Encoded]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for entry in entries:
                pending.append((entry, pool.submit(_encode, entry, classes)))
                if len(pending) > 4 * workers:
                    first, future = pending.popleft()
                    yield first, future.result()
            for first, future in pending:
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _encode(entry: Entry, classes: int) -> Encoded:
    sample = entry.load()
    try:
        image = decode_rgb(io.BytesIO(sample.image))
    except UNREADABLE as error:
        raise DataError(f"{entry.split}/{entry.name}: the image cannot be decoded: {error}") from None
    if image.size[::-1] != sample.label.shape:
        width, height = image.size
        rows, columns = sample.label.shape
        raise DataError(
            f"{entry.split}/{entry.name}: image {width}x{height}, label {columns}x{rows} (sizes must agree)"
        )
    counts = np.bincount(sample.label.ravel(), minlength=256)
    unknown = np.flatnonzero(counts[classes:VOID])
    if unknown.size:
        raise DataError(
            f"{entry.split}/{entry.name}: label {classes + unknown[0]} is no class (0..{classes - 1}, 255 void)"
        )
    color = np.asarray(image).reshape(-1, 3).sum(axis=0, dtype=np.float64)
    return Encoded(sample.image, encode_label(sample.label), counts, color)


@dataclass(frozen=True)
class Record:
    """One stored sample. image: encoded bytes as found. label: PNG of class ids."""

    name: str
    image: bytes
    label: bytes


@dataclass(frozen=True)
class Subset:
    """Some samples of a store, at random access, readable from several threads; nothing is kept in memory."""

    store: "Store"
    group: str
    positions: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: Any) -> Record:
        row = self.positions[index]
        group = self.store.file[self.group]
        name = self.store.names[self.group][row]
        return Record(name, group["image"][row].tobytes(), group["label"][row].tobytes())


class Store:
    """A prepared data set opened for reading. Raises DataError if `path` is missing, foreign, newer or damaged."""

    def __init__(self, path: Path):
        self.path = path
        if not path.is_file():
            raise DataError(f"{path}: no such prepared data set (`casnet prepare DATASET` writes one)")
        try:
            self.file = h5py.File(path, "r")
        except OSError as error:
            raise DataError(f"{path}: not a readable HDF5 file: {reason(error)}") from None
        attrs = self.file.attrs
        if attrs.get("format") != FORMAT:
            raise DataError(f"{path}: not a prepared data set of casnet (`casnet prepare DATASET` writes one)")
        try:
            if attrs["version"] > VERSION:
                newer = f"written by a newer casnet, version {attrs['version']} (this one reads {VERSION})"
                raise DataError(f"{path}: {newer}")
            self.name = str(attrs["name"])
            palette = tuple((int(r), int(g), int(b)) for r, g, b in attrs["palette"])
            self.labels = LabelSet(tuple(str(name) for name in attrs["classes"]), palette)
            self.folds = int(attrs["folds"]) or None
            self.content_sha256 = str(attrs["content_sha256"])
            self.names = {split: self._names(split) for split in SPLITS if split in self.file}
        except (KeyError, ValueError, TypeError, OSError) as error:
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
        self, fold: int | None = None, fraction: float = 0.1, seed: int = 0, stored: bool = True
    ) -> dict[str, Subset]:
        """train, val and test as far as they exist; see `splits.assign`."""
        assigned = splits.assign(self.names, self.folds, fold, fraction, seed, stored)
        return {split: Subset(self, group, tuple(rows)) for split, (group, rows) in assigned.items()}

    def statistics(self) -> dict[str, Any]:
        """Pixels and images per class, void pixels, mean colour, as counted at writing. Raises DataError."""
        keys = ("class_pixels", "class_images", "void_pixels", "color_mean")
        try:
            return {key: np.asarray(self.file.attrs[key]).tolist() for key in keys}
        except KeyError as error:
            raise DataError(f"{self.path}: damaged: {reason(error)} (prepare it again)") from None
