"""A backbone of a quarter of EfficientNet-Lite0's layers, for tests in which its size proves nothing.

It has what matters to the rest: strides that dilation makes good, a residual block, batch norms and both kinds of
convolutions. Most of the time of a small training is TensorFlow's work on each layer, whatever the layer's size.
Keras is imported where a network is built.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from casnet_cli import recipe

if TYPE_CHECKING:
    import keras

NAME = "tiny"
PARAMETERS = 5016
MEAN, SCALE = 127.0, 64.0


@contextmanager
def known() -> Iterator[None]:
    """Recipes can name it, and networks be built with it."""
    with named(), built():
        yield


@contextmanager
def named() -> Iterator[None]:
    """Recipes can name it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe.ModelSection.model_fields["backbone"], "annotation", str)
        _validate_anew()
        yield
    _validate_anew()


def _validate_anew() -> None:
    for section in (recipe.ModelSection, recipe.Recipe):
        section.model_rebuild(force=True)


@contextmanager
def built() -> Iterator[None]:
    """Networks can be built with it."""
    from casnet_cli.model import backbones
    from casnet_cli.model.backbones import Backbone

    stages = 5
    tiny = Backbone(_build, _preprocess, _load_pretrained, (MEAN,) * 3, stages, _stage_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones.BACKBONES, NAME, tiny)
        yield


def _build(output_stride: int, bands: int = 3) -> "keras.Model":
    """(B, H, W, bands) → (B, ceil(H / output_stride), ceil(W / output_stride), 32), with random weights."""
    import keras
    from keras import layers

    from casnet_cli.model.backbones.efficientnet_lite import Stage, mbconv

    image = keras.Input((None, None, bands), name="image")
    x = layers.ZeroPadding2D(1, name="stem_pad")(image)
    x = layers.Conv2D(16, 3, strides=2, padding="valid", use_bias=False, name="stem_conv")(x)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    reached, dilation = 2, 1
    for number, channels in enumerate((16, 16, 24, 32), 1):
        stage = Stage(repeats=1, kernel=3, stride=2, expand=1, channels=channels)
        if reached < output_stride:
            x = mbconv(x, stage, stage.stride, dilation, f"block{number}_1")
            reached *= stage.stride
        else:
            x = mbconv(x, stage, 1, dilation, f"block{number}_1")
            dilation *= stage.stride
    return keras.Model(image, mbconv(x, stage, 1, dilation, f"block{number}_2"), name=NAME)


def _preprocess(image: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import layers

    return layers.Rescaling(1 / SCALE, offset=-MEAN / SCALE, name="normalize")(image)


def _load_pretrained(model: "keras.Model", weights: str) -> None:
    raise AssertionError("the tests' own backbone has random weights only")


def _stage_of(layer: str) -> int:
    prefix = layer.partition("_")[0]
    return int(prefix.removeprefix("block")) + 1 if prefix.startswith("block") else 1
