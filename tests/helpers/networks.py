"""Small networks whose outputs differ from place to place, as those of trained ones do."""

from functools import cache
from typing import Any

import keras
import numpy as np

from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import ModelSection


def small(**settings: object) -> ModelSection:
    chosen = {"backbone": "tiny", "weights": "none", "output_stride": 16, "branch_channels": 16}
    return ModelSection(**{**chosen, **settings})  # type: ignore[arg-type]


@cache
def lively(classes: int = 5, **settings: object) -> keras.Model:
    """With random features whose batch norms do something, unless `weights` names others."""
    keras.utils.set_random_seed(0)
    section = small(**settings)
    model = build_casnet(section, classes)
    rng = np.random.default_rng(0)

    def stir(network: Any) -> None:
        for layer in network.layers:
            if isinstance(layer, keras.Model) and section.weights == "none":
                stir(layer)
            if isinstance(layer, keras.layers.BatchNormalization):
                count = layer.gamma.shape[0]
                layer.gamma.assign(rng.uniform(0.5, 1.5, count))
                layer.beta.assign(rng.normal(size=count) / 10)
                layer.moving_mean.assign(rng.normal(size=count) / 10)
                layer.moving_variance.assign(rng.uniform(0.5, 2, count))

    stir(model)
    if section.weights == "none":
        _centre_logits(model)
    return model


def _centre_logits(model: keras.Model) -> None:
    """Take their mean over a picture from the logits: else random features have one class everywhere."""
    bands = model.input_shape[-1]
    image = np.tile(picture(97, 129, 100), -(-bands // 3))[None, ..., :bands].astype(np.float32)
    logits = [layer for layer in model.layers if layer.name.endswith("_logits")]
    for layer, values in zip(logits, keras.Model(model.input, [layer.output for layer in logits])(image), strict=True):
        layer.bias.assign(layer.bias.numpy() - np.asarray(values).mean(axis=(0, 1, 2)))


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8 with large and small structure."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (height // 16 + 1, width // 16 + 1, 3)).repeat(16, 0).repeat(16, 1)
    return (coarse[:height, :width] + rng.integers(0, 56, (height, width, 3))).astype(np.uint8)


def probabilities(model: keras.Model, image: np.ndarray) -> dict[str, np.ndarray]:
    """The probabilities of the trained network itself for an image (H, W, 3): (H, W, ·) float64."""
    outputs = model(image[None].astype(np.float32))
    return {name: np.exp(np.asarray(x, np.float64))[0] for name, x in outputs.items()}
