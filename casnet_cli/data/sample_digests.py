"""Digests of the samples of a prepared file: one that is damaged, or in another's place, is found as it is read."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np

from casnet_cli.errors import Unfit, UnfitKind

NAME = "digest"
"""Array beside the samples of a group: (N, 2, 16) uint8, of each image and each label."""

KINDS = ("image", "label")
SHAPE = (len(KINDS), 16)
"""Digests of a sample, and bytes of each: the first ones of a sha256."""


def of_sample(place: str, image: bytes, label: bytes) -> np.ndarray:
    """(2, 16) uint8 of a sample as it is stored. place: its split and name, which are part of them."""
    head = f"{len(place.encode())} {place} ".encode()
    digests = [sha256(head + content).digest()[: SHAPE[1]] for content in (image, label)]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(SHAPE)


class SampleDigests:
    """The digests of an open file. Raises ValueError or KeyError if they are not whole."""

    known: bool
    """Whether there are any; files of earlier versions have none."""

    def __init__(self, path: Path, file: h5py.File, names: Mapping[str, Sequence[str]]):
        """names: of the samples of each group."""
        self._path, self._seen = path, set[tuple[str, int]]()
        self.known = any(NAME in file[group] for group in names)
        self._digests = {group: file[group][NAME][:] for group in names} if self.known else {}
        for group, digests in self._digests.items():
            if digests.shape != (len(names[group]), *SHAPE) or digests.dtype != np.uint8:
                raise ValueError(f"{group}/{NAME} of shape {digests.shape}")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of the file, in sentences."""
        earlier = "prepared by an earlier casnet, without digests, so that damage cannot be seen"
        return () if self.known else (f"{self._path}: {earlier} (prepare it again)",)

    def check(self, group: str, row: int, name: str, image: bytes, label: bytes) -> None:
        """Raises Unfit if a sample is not the one that was prepared. Only its first reading is checked."""
        if (group, row) in self._seen or not self.known:
            return
        same = (of_sample(f"{group}/{name}", image, label) == self._digests[group][row]).all(axis=1)
        if parts := " and ".join(kind for kind, is_same in zip(KINDS, same, strict=True) if not is_same):
            fault = f"{self._path}: {group}/{name}: damaged: not the {parts} that was prepared (prepare the data again)"
            raise Unfit(fault, UnfitKind.CHANGED)
        self._seen.add((group, row))
