"""A checkpoint: one self-contained HDF5 file, written whole or not at all, and nothing in it read off the clock."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import h5py
import numpy as np

from casnet_cli import recipe as recipes
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import RecipeError, RunError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.recipe import Recipe
from casnet_cli.runs.locate import PREVIOUS
from casnet_cli.runs.progress import Progress, ScheduleState
from casnet_cli.util.files import write_whole
from casnet_cli.util.hdf5 import open_outside

if TYPE_CHECKING:
    import keras

FORMAT = "casnet-checkpoint"
VERSION = 1


class EasyThreshold(TypedDict):
    """The difficulty below which `--fine auto` leaves the fine branch out."""

    below: float
    """Images and tiles whose largest difficulty is less are easy."""
    share: float
    """Share of the validation images that were easy."""
    loss: float
    """Pixel accuracy that this cost on the validation images, a fraction."""


class Calibration(TypedDict, total=False):
    """What is fitted on validation images after training."""

    temperature: float | None
    """Log-probabilities are divided by it, so that confidence equals accuracy; None: none fits."""
    images: int
    """Validation images that all of it rests on."""
    difficulty: list[float]
    """Mean difficulty of each validation image."""
    selective: list[tuple[float, float, float]]
    """Rows of a threshold of confidence, the share of pixels above it, and their accuracy."""
    easy: EasyThreshold | None
    """None: no threshold costs little enough, or the variant has no attention branch."""


class NamedState(Protocol):
    """An optimizer whose state a checkpoint holds."""

    def named(self) -> "dict[str, keras.Variable]":
        """Its variables, by their names in a checkpoint."""


@dataclass(frozen=True)
class Meta:
    """What a checkpoint holds beside its arrays."""

    recipe: Recipe
    """The recipe, with every key."""
    labels: LabelSet
    """Names and colours of the classes."""
    data_name: str
    """Name of the data set that it was trained on."""
    data_sha256: str
    """Digest of that data set's content."""
    fold: int | None
    """Fold of the cross-validation that it was trained in; None: the data have no folds."""
    progress: Progress
    """How far training had come."""
    schedule: ScheduleState
    """State of the learning rate's schedule."""
    calibration: Calibration = field(default_factory=Calibration)
    """What was fitted on validation images after training; {}: nothing yet."""
    intensities: Intensities = PLAIN
    """What the pictures that it was trained on hold, and how the network sees them."""

    @property
    def temperature(self) -> float | None:
        """The final log-probabilities are divided by it, so that confidence equals accuracy; None: not fitted."""
        return self.calibration.get("temperature")

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end: its last epoch, or the schedule's."""
        return bool(self.schedule["finished"]) or self.progress.epochs >= self.recipe.training.epochs


def save(path: Path, model: "keras.Model", optimizer: NamedState, meta: Meta, best: Path | None = None) -> None:
    """Write state and meta to `path`; the file that was there stays until the new one is whole, then beside it.

    best: a second name for the new file. It comes first, so that a run killed in between repeats the step to the best.
    Raises RunError.
    """
    # Laid out in memory first: HDF5 itself may crash the process when the disk is full.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION} | attributes_of(meta))
        _write(file.create_group("model"), _named(model.weights))
        _write(file.create_group("optimizer"), optimizer.named())
        _write(file.create_group("random"), _random_states(model))
        file.flush()
        image = file.id.get_file_image()
    partial = path.with_name(path.name + ".part")
    try:
        with open(partial, "wb") as written:
            written.write(image)
            written.flush()
            os.fsync(written.fileno())
        if best:
            _link(partial, best)
        if path.exists():
            _link(path, path.with_name(PREVIOUS))
        os.replace(partial, path)
    except OSError as error:
        raise RunError(f"{path}: the checkpoint cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def amend(path: Path, calibration: Mapping[str, object]) -> None:
    """Add to a checkpoint what was fitted after training, as a new file in its place. Raises RunError."""
    _amend(path, "calibration", calibration)


def finish(path: Path) -> None:
    """Say in a checkpoint that its run has come to its end, as a new file in its place. Raises RunError."""
    _amend(path, "schedule", {**read_meta(path).schedule, "finished": True})


def _amend(path: Path, attribute: str, content: Mapping[str, object]) -> None:
    try:
        image = io.BytesIO(path.read_bytes())
        with h5py.File(image, "r+") as file:
            file.attrs[attribute] = json.dumps(content)
        write_whole(path, image.getvalue())
    except OSError as error:
        raise RunError(f"{path}: the checkpoint cannot be written: {reason(error)}") from None


def read_meta(path: Path) -> Meta:
    """The meta of a checkpoint, without touching Keras. Raises RunError if it is missing, foreign or damaged."""
    with opened(path, arrays=False) as file:
        return meta_of(file.attrs, path)


def attributes_of(meta: Meta) -> dict[str, object]:
    """The meta as attributes of a file: texts, and lists of them and of numbers."""
    found: dict[str, object] = {
        "recipe": recipes.dumps(meta.recipe),
        "classes": list(meta.labels.names),
        "palette": [list(color) for color in meta.labels.palette],
        "data": json.dumps({"name": meta.data_name, "sha256": meta.data_sha256, "fold": meta.fold}),
        "progress": json.dumps(meta.progress.timeless()),
        "schedule": json.dumps(meta.schedule),
    }
    if meta.calibration:
        found["calibration"] = json.dumps(meta.calibration)
    if not meta.intensities.plain:
        found["intensities"] = json.dumps(meta.intensities.record())
    return found


def meta_of(attributes: Mapping[str, object], path: Path) -> Meta:
    """The meta that `attributes_of` made attributes of. Raises RunError, naming the file."""
    found: Mapping[str, Any] = attributes  # of whatever type: a misfit raises below
    try:
        data = json.loads(found["data"])
        palette = tuple((int(r), int(g), int(b)) for r, g, b in found["palette"])
        return Meta(
            recipes.loads(found["recipe"], f"{path}: its recipe"),
            LabelSet(tuple(str(name) for name in found["classes"]), palette),
            data["name"],
            data["sha256"],
            data["fold"],
            Progress(**json.loads(found["progress"])),
            json.loads(found["schedule"]),
            Calibration(**json.loads(found.get("calibration", "{}"))),
            Intensities.from_record(json.loads(found.get("intensities", "{}"))),
        )
    except (KeyError, ValueError, TypeError, RecipeError) as error:
        raise RunError(f"{path}: damaged checkpoint: {error}") from None


def load_model(path: Path, known: Meta | None = None) -> tuple["keras.Model", Meta]:
    """The network with its weights, for prediction and not for training, and the meta.

    known: the meta that was read before. Raises RunError, also if a training has written another checkpoint since.
    """
    from casnet_cli.model.casnet import build_casnet

    with opened(path) as file:  # once: a training may put another in its place at any moment
        meta = meta_of(file.attrs, path)
        if known and known.progress.step != meta.progress.step:
            raise RunError(f"{path}: a training has just written it anew (once more, or when the training is over)")
        model = build_casnet(meta.recipe.model, len(meta.labels), pretrained=False, trains=False)
        _read(file, "model", _named(model.weights), path)
    return model, meta


def fill(path: Path, model: "keras.Model") -> None:
    """Weights of `path` into a network of its recipe. Raises RunError."""
    with opened(path) as file:
        _read(file, "model", _named(model.weights), path)


def restore(path: Path, model: "keras.Model", optimizer: NamedState) -> None:
    """Weights, optimizer and random states of `path` into model and optimizer. Raises RunError."""
    fill(path, model)
    with opened(path) as file:
        moving = {name: own for name, own in optimizer.named().items() if f"optimizer/{name}" in file}
        _read(file, "optimizer", moving, path)  # a weight that was frozen has no velocity yet
        _read(file, "random", _random_states(model), path)


def opened(path: Path, arrays: bool = True) -> h5py.File:
    """The checkpoint, open for reading. Raises RunError if it is missing, foreign, newer or damaged.

    arrays: False where its attributes alone are read.
    """
    if not path.is_file():
        raise RunError(f"{path}: no such checkpoint")
    try:
        file = open_outside(path, arrays)
    except OSError as error:
        raise RunError(f"{path}: not a readable HDF5 file: {reason(error)}") from None
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise RunError(f"{path}: not a checkpoint of casnet (a run's checkpoints/best.h5 is one)")
    version = file.attrs.get("version")
    if not isinstance(version, np.integer) or version > VERSION:
        file.close()
        raise RunError(f"{path}: written by another casnet, version {version} (this one reads up to {VERSION})")
    return file


def _link(path: Path, target: Path) -> None:
    """Make `target` a second name of `path`, or a copy where links are not to be had: neither is changed in place."""
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        os.link(path, partial)
    except OSError:
        shutil.copyfile(path, partial)
    os.replace(partial, target)


def _named(variables: Sequence[Any]) -> dict[str, Any]:
    return {variable.path: variable for variable in variables}


def _random_states(model: "keras.Model") -> dict[str, Any]:
    # Neither Keras's weight files nor its own format keep what dropout draws next.
    return {
        layer.name: layer.seed_generator.state
        for layer in model.layers
        if getattr(layer, "seed_generator", None) is not None
    }


def _write(group: h5py.Group, variables: dict[str, Any]) -> None:
    for name, variable in variables.items():
        group.create_dataset(name, data=variable.numpy())


def _read(file: h5py.File, group: str, variables: dict[str, Any], path: Path) -> None:
    for name, variable in variables.items():
        stored = file.get(f"{group}/{name}")
        if stored is None or stored.shape != tuple(variable.shape):
            found = "is missing" if stored is None else f"has shape {stored.shape}"
            raise RunError(f"{path}: {group}/{name} {found} (the recipe's network needs {tuple(variable.shape)})")
        variable.assign(stored[()])
