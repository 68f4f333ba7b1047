"""Folds and groups of the training images that a prepared file stores, where they do not follow from the names."""

from collections.abc import Sequence

import h5py
import numpy as np

from casnet_cli.data import splits
from casnet_cli.data.sources.base import Entry


def write(group: h5py.Group, train: Sequence[Entry]) -> None:
    """Write the datasets `fold` and `group` beside the training images, if any of the entries has one."""
    if any(entry.fold is not None for entry in train):
        group.create_dataset("fold", data=np.array([entry.fold or 0 for entry in train], np.uint16))
    if any(entry.group is not None for entry in train):
        members = [entry.name if entry.group is None else entry.group for entry in train]
        group.create_dataset("group", data=members, dtype=h5py.string_dtype())


def stored_folds(file: h5py.File, names: Sequence[str], folds: int | None) -> dict[str, int] | None:
    """The fold of each training image that is in one; None: they follow from the names. Raises ValueError if the folds
    are not whole."""
    if not names or "fold" not in file["train"]:
        return None
    stored = file["train/fold"][:].tolist()
    found = {name: fold for name, fold in zip(names, stored, strict=True) if fold}
    if set(found.values()) != set(range(1, (folds or 0) + 1)):
        raise ValueError(f"images of {len(set(found.values()))} folds (expected {folds or 0})")
    return found


def stored_groups(file: h5py.File, names: Sequence[str]) -> dict[str, str]:
    """The group of each training image; empty for a set without groups. Raises ValueError if they are not whole."""
    if not names or "group" not in file["train"]:
        return {}
    return dict(zip(names, file["train/group"].asstr()[:], strict=True))


def folds_of_entries(entries: Sequence[Entry], folds: int | None) -> dict[str, int]:
    """The fold, from 1, of each training image that is in one. folds: their number, None for a set without."""
    train = [entry for entry in entries if entry.split == "train"]
    if folds and any(entry.fold is not None for entry in train):
        return {entry.name: entry.fold for entry in train if entry.fold}
    return splits.folds_of([entry.name for entry in train], folds)
