"""What a backbone is: preprocessing, a dilated feature extractor, and its pre-trained weights."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from casnet_cli.errors import RecipeError


@dataclass(frozen=True)
class Backbone:
    """A feature extractor that a recipe can name."""

    build: Callable[[int], keras.Model]
    """From an output stride to the network: preprocessed images (B, H, W, 3) → features (B, ⌈H / stride⌉, …)."""
    preprocess: Callable[[keras.KerasTensor], keras.KerasTensor]
    """From RGB images 0..255 to the network's input."""
    load_pretrained: Callable[[keras.Model, str], None]
    """Loads the weights that `model.weights` of a recipe names into a network of `build`. Raises WeightsError."""
    mean: tuple[float, float, float]
    """The RGB colour (0..255) that preprocessing maps to zero; what lies outside an image has it."""
    stages: int
    """How many stages it has, the stem included."""
    stage_of: Callable[[str], int]
    """From the name of a layer to its stage, 1 to `stages`."""

    def freeze(self, extractor: keras.Model, stages: int) -> None:
        """Keep the first so many stages of a network of `build` as they are: weights, and statistics in any mode.

        Raises RecipeError if it has fewer.
        """
        if stages > self.stages:
            raise RecipeError(f"model.frozen_stages: {extractor.name} has {self.stages} stages, received {stages}")
        for layer in extractor.layers:
            if self.stage_of(layer.name) <= stages:
                layer.trainable = False


@keras.saving.register_keras_serializable("casnet")
class FixedBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes by its stored statistics whatever the mode, while gamma and beta train.

    Calling a nested functional model with `training=False` does not do this: the mode of the outer call wins.
    """

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        return super().call(inputs, training=False, mask=mask)


def with_fixed_statistics(model: keras.Model) -> keras.Model:
    """The same network, names and weight shapes, its batch norms fixed."""

    def fixed(layer: keras.layers.Layer) -> keras.layers.Layer:
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        return (FixedBatchNormalization if normalizes else type(layer)).from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=fixed)
    clone.name = model.name
    return clone
