"""Backbones: preprocessing, a dilated feature extractor, and its pre-trained weights, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from casnet_cli.errors import RecipeError, WeightsError
from casnet_cli.model.backbones import efficientnet_lite, resnet


@keras.saving.register_keras_serializable("casnet")
class FixedBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes by its stored statistics whatever the mode, while gamma and beta train.

    Calling a nested functional model with `training=False` does not do this: the mode of the outer call wins.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


def with_fixed_statistics(model: keras.Model) -> keras.Model:
    """The same network, names and weight shapes, its batch norms fixed."""

    def fixed(layer: Any) -> Any:
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        return (FixedBatchNormalization if normalizes else type(layer)).from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=fixed)
    clone.name = model.name
    return clone


@dataclass(frozen=True)
class Backbone:
    """mean: the RGB colour (0..255) that preprocessing maps to zero; what lies outside an image has it.

    stage_of: name of a layer → its stage, from 1, the stem, to `stages`, the last.
    """

    build: Callable[[int], keras.Model]
    preprocess: Callable[[Any], Any]
    load_pretrained: Callable[[keras.Model, str], None]
    mean: tuple[float, float, float]
    stages: int
    stage_of: Callable[[str], int]

    def freeze(self, extractor: keras.Model, stages: int) -> None:
        """Keep the first so many stages of what `build` gave as they are: weights, and statistics in any mode.

        Raises RecipeError if it has fewer.
        """
        if stages > self.stages:
            raise RecipeError(f"model.frozen_stages: {extractor.name} has {self.stages} stages, received {stages}")
        for layer in extractor.layers:
            if self.stage_of(layer.name) <= stages:
                layer.trainable = False


def _lite_weights(model: keras.Model, weights: str) -> None:
    if weights != "imagenet":
        raise WeightsError(f"model.weights: {model.name} takes no weight file (imagenet or none), received {weights}")
    efficientnet_lite.load_pretrained(model)


def _lite_preprocess(image: Any) -> Any:
    scale = 1 / efficientnet_lite.SCALE
    return keras.layers.Rescaling(scale, offset=-efficientnet_lite.MEAN * scale, name="normalize")(image)


def _lite(name: str) -> Backbone:
    return Backbone(
        partial(efficientnet_lite.efficientnet_lite, name),
        _lite_preprocess,
        _lite_weights,
        (efficientnet_lite.MEAN,) * 3,
        1 + len(efficientnet_lite.STAGES),
        efficientnet_lite.stage_of,
    )


def _resnet(name: str) -> Backbone:
    return Backbone(
        partial(resnet.resnet, name),
        resnet.preprocess,
        resnet.load_weights,
        resnet.MEAN_RGB,
        resnet.STAGES,
        resnet.stage_of,
    )


BACKBONES = {name: _resnet(name) for name in ("resnet50", "resnet101")} | {
    name: _lite(name) for name in efficientnet_lite.FAMILY
}
