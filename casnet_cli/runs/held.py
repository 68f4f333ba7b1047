"""A checkpoint as it is at one moment: a training may put another in its place right after."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from casnet_cli.errors import RunError, reason
from casnet_cli.runs.checkpoint import Meta, fill_from, opened, read_meta
from casnet_cli.util.files import sha256_of

if TYPE_CHECKING:
    import keras

TRIES = 5
"""A checkpoint is read anew so often if another one takes its place meanwhile."""


@dataclass
class HeldCheckpoint:
    """Everything that prediction needs of a checkpoint, in memory."""

    path: Path
    """Its file."""
    meta: Meta
    """What it holds beside its arrays."""
    sha256: str
    """Digest of the file."""
    weights: h5py.File
    """The network's, in memory; closed once a network has them."""

    def network(self) -> "keras.Model":
        """The network with its weights, for prediction and not for training.

        A second call reads the file again. Raises RunError, also if a training has written another one since.
        """
        from casnet_cli.model.casnet import build_casnet

        if not self.weights:
            again = hold(self.path)
            if again.sha256 != self.sha256:
                raise RunError(f"{self.path}: a training has just written it anew (once more, or when it is over)")
            self.weights = again.weights
        model = build_casnet(self.meta.recipe.model, len(self.meta.labels), pretrained=False, trains=False)
        fill_from(self.weights, model, self.path)
        self.weights.close()
        return model


def hold(path: Path) -> HeldCheckpoint:
    """Read a checkpoint as it is now. Raises RunError if it is missing, foreign or damaged."""
    for _ in range(TRIES):
        try:
            before, digest = _identity(path), sha256_of(path)
            meta, weights = read_meta(path), _weights(path)
            if _identity(path) == before:
                return HeldCheckpoint(path, meta, digest, weights)
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {reason(error)}") from None
    raise RunError(f"{path}: is written anew all the time (once more, or when the training is over)")


def _identity(path: Path) -> tuple[int, ...]:
    """Numbers that change when another file takes the place of this one, or when it is written to."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _weights(path: Path) -> h5py.File:
    """A file in memory with the weights of the network alone."""
    held = h5py.File(io.BytesIO(), "w")  # HDF5's own files in memory may not share a name
    with opened(path) as file:
        if "model" in file:
            file.copy("model", held)
    return held
