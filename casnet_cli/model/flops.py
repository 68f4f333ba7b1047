"""How much a network computes and stores for one image: counted from the shapes, nothing is computed."""

import math

import keras
from keras import layers

from casnet_cli.model.pyramid import PyramidConvolution
from casnet_cli.model.resize import PyramidPooling, ResizeToImage

PARTS = ("backbone", "coarse", "attention", "fine")
"""Parts of a network that are counted by themselves."""

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)
PRODUCTS = (PyramidPooling, ResizeToImage)


def multiply_adds(model: keras.Model, height: int, width: int) -> dict[str, int]:
    """Multiply-adds of a forward pass of `build_casnet`'s network for one image of that size: by part, and `total`.

    Counts convolutions, zeros at the border included, and matrix products, zeros included, but neither biases nor what
    works on single elements. A branch that the variant lacks counts 0.
    """
    image = (1, height, width, model.input_shape[-1])
    extractor = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    padded = model.get_layer("pad_to_grid").compute_output_shape(image)
    counts = dict.fromkeys(PARTS, 0) | {"backbone": sum(by_layer(extractor, padded).values())}
    for name, count in by_layer(model, image).items():
        counts[name.partition("_")[0]] += count
    return {**counts, "total": sum(counts.values())}


def parameters(model: keras.Model) -> dict[str, int]:
    """Weights of each part of `build_casnet`'s network and `total`, batch statistics included."""
    counts = dict.fromkeys(PARTS, 0)
    for layer in model.layers:
        part = "backbone" if isinstance(layer, keras.Model) else layer.name.partition("_")[0]
        if layer.count_params():
            counts[part] += layer.count_params()
    return {**counts, "total": model.count_params()}


def by_layer(model: keras.Model, shape: tuple[int, ...]) -> dict[str, int]:
    """Multiply-adds of each convolution and matrix product of a functional network, not of networks inside it.

    shape: of the input, (1, height, width, channels).
    """
    counted = [layer for layer in model.layers if isinstance(layer, (*CONVOLUTIONS, *PRODUCTS, PyramidConvolution))]
    tensors = [(layer.input, layer.output) for layer in counted]
    shapes = keras.Function(model.inputs, tensors).compute_output_spec([keras.KerasTensor(shape)])
    found = {}
    for layer, (given, target) in zip(counted, shapes, strict=True):
        sources = [tensor.shape for tensor in (given if isinstance(given, list | tuple) else [given])]
        found[layer.name] = _count(layer, sources, target.shape)
    return found


def activations(model: keras.Model, height: int, width: int) -> int:
    """Values that all layers of `build_casnet`'s network put out for one image of that size.

    Training keeps most of them until the gradients are known.
    """
    image = (1, height, width, model.input_shape[-1])
    padded = model.get_layer("pad_to_grid").compute_output_shape(image)
    extractor = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    return _values(model, image) + _values(extractor, padded)


def _values(model: keras.Model, shape: tuple[int, ...]) -> int:
    own = [layer.output for layer in model.layers if not isinstance(layer, keras.Model | layers.InputLayer)]
    spec = keras.Function(model.inputs, own).compute_output_spec([keras.KerasTensor(shape)])
    return sum(math.prod(tensor.shape) for tensor in spec)


def _count(layer: layers.Layer, sources: list[tuple[int, ...]], target: tuple[int, ...]) -> int:
    """Multiply-adds of a layer with those shapes of its inputs and output, all (1, height, width, channels)."""
    _, rows, columns, channels = sources[0]
    _, height, width, filters = target
    if isinstance(layer, PRODUCTS):  # first along the rows, then along the columns
        return height * columns * channels * (rows + width)
    if isinstance(layer, PyramidConvolution):
        levels = ((bins, reduced) for _, bins, _, reduced in sources[1:])
        spread = (bins**2 * 9 * reduced + height * 9 * bins**2 + height * width * 3 * bins for bins, reduced in levels)
        return filters * (height * width * 9 * channels + sum(spread))
    summands = math.prod(layer.kernel_size)
    if isinstance(layer, layers.Conv2D):
        summands *= channels // layer.groups
    return math.prod(target) * summands
