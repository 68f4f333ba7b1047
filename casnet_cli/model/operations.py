"""How much a network computes and keeps for one image: counted from the shapes, nothing is computed."""

import math
from typing import Any

import keras
from keras import layers

from casnet_cli.model.resize import PyramidPooling, ResizeToImage, ResizeToMap

PARTS = ("backbone", "coarse", "attention", "fine")

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)
PRODUCTS = (PyramidPooling, ResizeToImage, ResizeToMap)


def multiply_adds(model: keras.Model, height: int, width: int) -> dict[str, int]:
    """Of a forward pass of `build_casnet`'s network for one image of that size: by part, and `total`.

    Counts convolutions, zeros at the border included, and matrix products, zeros included, but neither biases nor what
    works on single elements. A branch that the variant lacks counts 0.
    """
    image = (1, height, width, 3)
    extractor = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    padded = model.get_layer("pad_to_grid").compute_output_shape(image)
    counts = dict.fromkeys(PARTS, 0) | {"backbone": sum(by_layer(extractor, padded).values())}
    for name, count in by_layer(model, image).items():
        counts[name.partition("_")[0]] += count
    return {**counts, "total": sum(counts.values())}


def by_layer(model: keras.Model, shape: tuple[int, ...]) -> dict[str, int]:
    """Of each convolution and matrix product of a functional network, not of networks inside it.

    shape: of the input, (1, height, width, channels).
    """
    counted = [layer for layer in model.layers if isinstance(layer, CONVOLUTIONS + PRODUCTS)]
    tensors = [(_first(layer.input), layer.output) for layer in counted]
    shapes = keras.Function(model.inputs, tensors).compute_output_spec([keras.KerasTensor(shape)])
    return {
        layer.name: _count(layer, source.shape, target.shape)
        for layer, (source, target) in zip(counted, shapes, strict=True)
    }


def activations(model: keras.Model, height: int, width: int) -> int:
    """Values that all layers of `build_casnet`'s network put out for one image of that size.

    Training keeps most of them until the gradients are known.
    """
    image = (1, height, width, 3)
    padded = model.get_layer("pad_to_grid").compute_output_shape(image)
    extractor = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    return _values(model, image) + _values(extractor, padded)


def _values(model: keras.Model, shape: tuple[int, ...]) -> int:
    own = [layer.output for layer in model.layers if not isinstance(layer, keras.Model | layers.InputLayer)]
    spec = keras.Function(model.inputs, own).compute_output_spec([keras.KerasTensor(shape)])
    return sum(math.prod(tensor.shape) for tensor in spec)


def _count(layer: Any, source: tuple[int, ...], target: tuple[int, ...]) -> int:
    """For first input and output, both (1, height, width, channels)."""
    (_, rows, columns, channels), (_, height, width, _) = source, target
    if isinstance(layer, PRODUCTS):  # first along the rows, then along the columns
        return height * columns * channels * (rows + width)
    summands = math.prod(layer.kernel_size)
    if isinstance(layer, layers.Conv2D):
        summands *= channels // layer.groups
    return math.prod(target) * summands


def _first(tensors: Any) -> Any:
    return tensors[0] if isinstance(tensors, list | tuple) else tensors
