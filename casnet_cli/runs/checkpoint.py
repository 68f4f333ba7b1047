"""A checkpoint: one self-contained HDF5 file, written whole or not at all, and nothing in it read off the clock."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import h5py
import numpy as np
from pydantic import BaseModel, ValidationError

from casnet_cli import recipe as recipes
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import RecipeError, RunError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint_record import Calibration, CheckpointRecord
from casnet_cli.runs.content_digest import ATTRIBUTE, content_digest, stored_arrays
from casnet_cli.runs.locate import PREVIOUS
from casnet_cli.runs.progress import Progress, ScheduleState
from casnet_cli.util.files import write_whole
from casnet_cli.util.hdf5 import open_outside, plain_attribute, plain_attributes
from casnet_cli.util.model_faults import first_fault

if TYPE_CHECKING:
    import keras

FORMAT = "casnet-checkpoint"
VERSION = 1


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
    checkable: bool = field(default=True, compare=False)
    """Whether the file has a digest of its content; older ones have none."""

    @property
    def temperature(self) -> float | None:
        """The final log-probabilities are divided by it, so that confidence equals accuracy; None: not fitted."""
        return self.calibration.get("temperature")

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end: its last epoch, or the schedule's."""
        return bool(self.schedule.get("finished")) or self.progress.epochs >= self.recipe.training.epochs


def save(path: Path, model: "keras.Model", optimizer: NamedState, meta: Meta, best: Path | None = None) -> None:
    """Write state and meta to `path`; the file that was there stays until the new one is whole, then beside it.

    best: a second name for the new file. It comes first, so that a run killed in between repeats the step to the best.
    Raises RunError.
    """
    # Laid out in memory first: HDF5 itself may crash the process when the disk is full.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION} | attributes_of(meta))
        arrays = {"model": _named(model.weights), "optimizer": optimizer.named(), "random": _random_states(model)}
        file.attrs[ATTRIBUTE] = content_digest(file.attrs, _written(file, arrays))
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
    opened(path).close()
    try:
        image = io.BytesIO(path.read_bytes())
        with h5py.File(image, "r+") as file:
            file.attrs[attribute] = json.dumps(content)
            if ATTRIBUTE in file.attrs:
                file.attrs[ATTRIBUTE] = content_digest(file.attrs, stored_arrays(file))
        write_whole(path, image.getvalue())
    except OSError as error:
        raise RunError(f"{path}: the checkpoint cannot be written: {reason(error)}") from None


def read_meta(path: Path) -> Meta:
    """The meta of a checkpoint, without touching Keras. Raises RunError as `opened` does; arrays are not read."""
    with _naming_previous(path), _outside(path, arrays=False) as file:
        return _meta(file, path)


def read_checked_meta(path: Path) -> Meta:
    """As `read_meta`; all of the file is read and compared with its digest. Raises RunError."""
    with _fitting(path) as file:
        return _meta(file, path)


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
    try:
        found = CheckpointRecord.model_validate(plain_attributes(attributes))
        recipe = recipes.loads(found.recipe, f"{path}: its recipe")
        palette = tuple((red, green, blue) for red, green, blue in found.palette)
        intensities = Intensities.from_record(_given(found.intensities))
        if recipe.model.input_bands != len(intensities.bands):
            taken, shown = recipe.model.input_bands, len(intensities.bands)
            raise ValueError(f"its network takes {taken} bands, and its pictures have {shown}")
        return Meta(
            recipe,
            LabelSet(tuple(found.classes), palette),
            found.data.name,
            found.data.sha256,
            found.data.fold,
            Progress(**_given(found.progress)),
            cast(ScheduleState, found.schedule.model_dump(exclude_none=True)),
            cast(Calibration, _given(found.calibration)),
            intensities,
        )
    except ValidationError as error:
        raise RunError(f"{path}: damaged checkpoint: {first_fault(error)}") from None
    except (KeyError, ValueError, TypeError, OSError, RuntimeError, RecipeError) as error:
        raise RunError(f"{path}: damaged checkpoint: {reason(error)}") from None


def load_model(path: Path, known: Meta | None = None) -> tuple["keras.Model", Meta]:
    """The network with its weights, for prediction and not for training, and the meta.

    known: the meta that was read before. Raises RunError, also if a training has written another checkpoint since.
    """
    from casnet_cli.model.casnet import build_casnet

    with opened(path) as file:  # once: a training may put another in its place at any moment
        meta = _meta(file, path)
        if known and known.progress.step != meta.progress.step:
            raise RunError(f"{path}: a training has just written it anew (once more, or when the training is over)")
        model = build_casnet(meta.recipe.model, len(meta.labels), pretrained=False, trains=False)
        _read(file, "model", _named(model.weights), path)
    return model, meta


def fill(path: Path, model: "keras.Model") -> None:
    """Weights of `path` into a network of its recipe. Raises RunError."""
    with opened(path) as file:
        fill_from(file, model, path)


def fill_from(file: h5py.File, model: "keras.Model", path: Path) -> None:
    """As `fill`, of a file that is open. path: names it in errors."""
    _read(file, "model", _named(model.weights), path)


def restore(path: Path, model: "keras.Model", optimizer: NamedState) -> None:
    """Weights, optimizer and random states of `path` into model and optimizer. Raises RunError."""
    with opened(path) as file:
        _read(file, "model", _named(model.weights), path)
        moving = {name: own for name, own in optimizer.named().items() if f"optimizer/{name}" in file}
        _read(file, "optimizer", moving, path)  # a weight that was frozen has no velocity yet
        _read(file, "random", _random_states(model), path)


def opened(path: Path) -> h5py.File:
    """The checkpoint, open for reading, and compared with its digest if it has one. Raises RunError if it is missing,
    foreign, newer or damaged, naming the checkpoint before it if that is good.
    """
    with _naming_previous(path):
        return _fitting(path)


@contextlib.contextmanager
def _naming_previous(path: Path) -> Iterator[None]:
    """A fault of a checkpoint names the one before it, if that is good. Raises RunError."""
    try:
        yield
    except RunError as error:
        if path.is_file() and (step := good_step(path.with_name(PREVIOUS))) is not None:
            raise RunError(f"{error.faults[0]} ({PREVIOUS} beside it, after step {step}, is good)") from None
        raise


def good_step(path: Path) -> int | None:
    """Steps done at a checkpoint; None if it is not there, or not whole."""
    try:
        return read_checked_meta(path).progress.step
    except RunError:
        return None


def _fitting(path: Path) -> h5py.File:
    """The checkpoint, open for reading, and compared with its digest. Raises RunError."""
    file = _outside(path)
    try:
        if ATTRIBUTE in file.attrs and file.attrs[ATTRIBUTE] != content_digest(file.attrs, stored_arrays(file)):
            raise ValueError("its content does not fit its digest")
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        file.close()
        raise RunError(f"{path}: damaged checkpoint: {reason(error)}") from None
    return file


def _outside(path: Path, arrays: bool = True) -> h5py.File:
    """The checkpoint, open for reading. arrays: False where its attributes alone are read. Raises RunError."""
    if not path.is_file():
        raise RunError(f"{path}: no such checkpoint")
    try:
        file = open_outside(path, arrays)
        kind, version = (plain_attribute(file.attrs, key) for key in ("format", "version"))
    except OSError as error:
        raise RunError(f"{path}: not a readable HDF5 file: {reason(error)}") from None
    if kind == FORMAT and isinstance(version, int) and version <= VERSION:
        return file
    file.close()
    if kind != FORMAT:
        raise RunError(f"{path}: not a checkpoint of casnet (a run's checkpoints/best.h5 is one)")
    written = f"version {version}" if isinstance(version, int) else "of no version"
    raise RunError(f"{path}: written by another casnet, {written} (this one reads up to {VERSION})")


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


def _given(record: BaseModel | None) -> dict[str, Any]:
    """The keys of a record that were there."""
    return record.model_dump(exclude_unset=True) if record else {}


def _meta(file: h5py.File, path: Path) -> Meta:
    return replace(meta_of(file.attrs, path), checkable=ATTRIBUTE in file.attrs)


def _written(file: h5py.File, groups: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, np.ndarray]]:
    """Write the variables of each group, giving each with its name in the file."""
    for group, variables in groups.items():
        file.create_group(group)
        for name, variable in variables.items():
            array = variable.numpy()
            file.create_dataset(f"{group}/{name}", data=array)
            yield f"{group}/{name}", array


def _read(file: h5py.File, group: str, variables: dict[str, Any], path: Path) -> None:
    for name, variable in variables.items():
        stored = file.get(f"{group}/{name}")
        if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "iuf":
            raise RunError(f"{path}: {group}/{name} is missing (the recipe's network needs {tuple(variable.shape)})")
        if stored.shape != tuple(variable.shape):
            needed = f"the recipe's network needs {tuple(variable.shape)}"
            raise RunError(f"{path}: {group}/{name} has shape {stored.shape} ({needed})")
        try:
            variable.assign(stored[()])
        except OSError as error:
            raise RunError(f"{path}: damaged checkpoint: {reason(error)}") from None
