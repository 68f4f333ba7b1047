"""Fine-tuning: the weights of a checkpoint in a new network, whose classes may be others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from casnet_cli.errors import RunError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.model.backbones.base import RGB, inflated
from casnet_cli.runs.checkpoint import opened, read_meta

CLASS_LAYERS = ("coarse_logits", "fine_logits")
"""The layers with one output a class: kernel (1, 1, C, K), bias (K,). The attention branch's two mean the same in
every network, so its layer is like any other."""

NAMED = 3
"""New weights that `Adopted.sentence` names; it counts the others."""


@dataclass(frozen=True)
class Adopted:
    """What became of the network's weights: `kept` + len(`mixed`) + len(`new`) are all."""

    kept: int
    """Number of weights wholly from the checkpoint."""
    mixed: tuple[str, ...]
    """Paths of weights of the class layers that have some of their classes from there."""
    new: tuple[str, ...]
    """Paths of weights with nothing from there."""
    classes_kept: tuple[str, ...]
    """The new network's classes whose outputs are from there, in the order of their ids."""
    classes_new: tuple[str, ...]
    """Its other classes."""

    def sentence(self) -> str:
        """For the user: `kept 308 of 312 weights; classes kept: sky, road; new: cow`."""
        text = f"kept {self.kept} of {self.kept + len(self.mixed) + len(self.new)} weights"
        if self.new:
            more = f" and {len(self.new) - NAMED} more" if len(self.new) > NAMED else ""
            text += f" (new: {', '.join(self.new[:NAMED])}{more})"
        if not self.classes_new:
            return f"{text}; classes kept: all {len(self.classes_kept)}"
        return f"{text}; classes kept: {', '.join(self.classes_kept) or 'none'}; new: {', '.join(self.classes_new)}"


def adopt(path: Path, model: keras.Model, labels: LabelSet) -> Adopted:
    """Copy what fits from the checkpoint at `path` into `model`, a network of `build_casnet` for `labels`.

    Weights of the same path and shape are copied. Those of the class layers are copied class by class, by name
    whatever its case, as the order of the ids may be another; a class that the checkpoint has not keeps its initial
    weights. The first convolution of a network for RGB is `inflated` for other bands. Raises RunError if the checkpoint
    is missing, foreign or damaged, has another backbone, or takes another number of bands that is not 3; then the model
    is unchanged.
    """
    meta = read_meta(path)
    extractor = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    if meta.recipe.model.backbone != extractor.name:
        raise RunError(
            f"{path}: its backbone is {meta.recipe.model.backbone}, that of the new network {extractor.name} "
            "(model.backbone must be the same)"
        )
    bands, own_bands = meta.recipe.model.input_bands, model.input_shape[-1]
    if bands not in (RGB, own_bands):
        raise RunError(
            f"{path}: its network takes {bands} bands, the new one {own_bands} (weights for 3 alone fit other numbers)"
        )
    stored = _arrays(path, model)
    values = _alike(model, stored)
    if bands != own_bands:
        values |= _inflated(extractor, stored)
    lost = [variable.path for variable in extractor.weights if variable.path not in values]
    if lost:
        raise RunError(f"{path}: damaged checkpoint: model/{lost[0]} is missing or has another shape")
    origin = _origin(labels.names, meta.labels.names)
    by_class = [_by_class(layer, stored, origin, len(meta.labels)) for layer in _class_layers(model)]
    for part in by_class:
        values |= part
    for variable in model.weights:
        if variable.path in values:
            variable.assign(values[variable.path])
    return _account(model, labels.names, values, origin if any(by_class) else {})


def _arrays(path: Path, model: keras.Model) -> dict[str, np.ndarray]:
    """What the checkpoint holds under the paths of the model's weights."""
    with opened(path) as file:
        found = {variable.path: file.get(f"model/{variable.path}") for variable in model.weights}
        try:
            return {name: stored[()] for name, stored in found.items() if isinstance(stored, h5py.Dataset)}
        except OSError as error:
            raise RunError(f"{path}: damaged checkpoint: {reason(error)}") from None


def _class_layers(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in model.layers if layer.name in CLASS_LAYERS]


def _class_paths(model: keras.Model) -> set[str]:
    return {variable.path for layer in _class_layers(model) for variable in layer.weights}


def _alike(model: keras.Model, stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The stored arrays that fit a weight outside the class layers."""
    others = _class_paths(model)
    shapes = {variable.path: tuple(variable.shape) for variable in model.weights if variable.path not in others}
    return {path: stored[path] for path, shape in shapes.items() if path in stored and stored[path].shape == shape}


def _inflated(extractor: keras.Model, stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The stored kernel of the first convolution, for RGB, for the bands that the extractor takes."""
    bands = extractor.input_shape[-1]
    return {
        variable.path: inflated(kernel, bands)
        for variable in extractor.weights
        if (kernel := stored.get(variable.path)) is not None
        and kernel.ndim == 4
        and (*kernel.shape[:2], bands, kernel.shape[3]) == tuple(variable.shape)
        and kernel.shape[2] == RGB
    }


def _origin(new: Sequence[str], old: Sequence[str]) -> dict[int, int]:
    """New class id → old class id, of the names that both have; the same case wins over another."""
    ids = {name.casefold(): k for k, name in enumerate(old)} | {name: k for k, name in enumerate(old)}
    found = {k: ids.get(name, ids.get(name.casefold())) for k, name in enumerate(new)}
    return {k: source for k, source in found.items() if source is not None}


def _by_class(
    layer: keras.Layer, stored: dict[str, np.ndarray], origin: dict[int, int], old_classes: int
) -> dict[str, np.ndarray]:
    """Kernel and bias of a class layer with the columns of known classes replaced; nothing if they do not fit."""
    values = {}
    for variable in layer.weights:
        found = stored.get(variable.path)
        if not origin or found is None or found.shape != (*variable.shape[:-1], old_classes):
            return {}
        value = np.array(variable.numpy())
        value[..., list(origin)] = found[..., list(origin.values())]
        values[variable.path] = value
    return values


def _account(
    model: keras.Model, names: Sequence[str], values: dict[str, np.ndarray], origin: dict[int, int]
) -> Adopted:
    by_class = _class_paths(model) if len(origin) < len(names) else set()
    paths = [variable.path for variable in model.weights]
    mixed = tuple(path for path in paths if path in values and path in by_class)
    return Adopted(
        len(values) - len(mixed),
        mixed,
        tuple(path for path in paths if path not in values),
        tuple(name for k, name in enumerate(names) if k in origin),
        tuple(name for k, name in enumerate(names) if k not in origin),
    )
