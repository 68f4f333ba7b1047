"""What a backbone is: preprocessing, a dilated feature extractor, and its pre-trained weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np

from casnet_cli.errors import RecipeError

RGB = 3
"""Bands of the images that weights are pre-trained on."""


class Build(Protocol):
    """Builds a backbone's network."""

    def __call__(self, output_stride: int, bands: int = RGB) -> keras.Model:
        """From an output stride and N bands: preprocessed images (B, H, W, N) → features (B, ⌈H / stride⌉, …).

        Only the kernel of the first convolution depends on the number of bands.
        """


@dataclass(frozen=True)
class Backbone:
    """A feature extractor that a recipe can name."""

    build: Build
    """Makes the network, with random weights."""
    preprocess: Callable[[keras.KerasTensor], keras.KerasTensor]
    """From images (B, H, W, N) of 0..255, the first three of three and more bands RGB, to the network's input."""
    load_pretrained: Callable[[keras.Model, str], None]
    """Loads the weights that `model.weights` of a recipe names into a network of `build` for RGB. Raises WeightsError.
    """
    mean: tuple[float, float, float]
    """The RGB colour (0..255) that preprocessing maps to zero; what lies outside an image has it."""
    stages: int
    """How many stages it has, the stem included."""
    stage_of: Callable[[str], int]
    """From the name of a layer to its stage, 1 to `stages`."""

    def means(self, bands: int) -> tuple[float, ...]:
        """The value (0..255) of each of N bands that preprocessing maps to zero; see `per_band`."""
        return per_band(self.mean, bands)

    def load(self, extractor: keras.Model, weights: str, output_stride: int) -> None:
        """Load pre-trained weights into a network of `build` for that stride and any number of bands.

        For other bands than RGB the first convolution's kernel is `inflated`. Raises WeightsError.
        """
        bands = extractor.input_shape[-1]
        if bands == RGB:
            self.load_pretrained(extractor, weights)
            return
        source = self.build(output_stride)
        self.load_pretrained(source, weights)
        named = {variable.path: variable.numpy() for variable in source.weights}
        for variable in extractor.weights:
            value = named[variable.path]
            variable.assign(value if value.shape == tuple(variable.shape) else inflated(value, bands))

    def freeze(self, extractor: keras.Model, stages: int) -> None:
        """Keep the first so many stages of a network of `build` as they are: weights, and statistics in any mode.

        Raises RecipeError if it has fewer.
        """
        if stages > self.stages:
            raise RecipeError(f"model.frozen_stages: {extractor.name} has {self.stages} stages, received {stages}")
        for layer in extractor.layers:
            if self.stage_of(layer.name) <= stages:
                layer.trainable = False


def per_band(rgb: tuple[float, float, float], bands: int) -> tuple[float, ...]:
    """A number for each of N bands: those of red, green and blue, their mean for further bands; with one or two bands
    their mean for each."""
    if bands == RGB:
        return rgb
    mean = sum(rgb) / RGB
    return (*rgb, *(mean,) * (bands - RGB)) if bands > RGB else (mean,) * bands


def inflated(kernel: np.ndarray, bands: int) -> np.ndarray:
    """A first convolution's kernel (h, w, 3, F) for N bands: (h, w, N, F).

    Of three and more bands the first three keep their kernels and each further one has their mean; of one or two each
    has the mean. All are multiplied by 3 / N, so that an image that is equal in all bands gives what it gave before.
    """
    mean = kernel.mean(axis=2, keepdims=True)
    own = [kernel, mean.repeat(bands - RGB, axis=2)] if bands > RGB else [mean.repeat(bands, axis=2)]
    return np.concatenate(own, axis=2) * np.float32(RGB / bands)


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
