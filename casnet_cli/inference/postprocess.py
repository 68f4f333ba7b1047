"""From the cells of a map to the pixels of the image: resize, softmax, fusion (eq. 8), and outputs for each pixel.

Arrays are (K, H, W) or (H, W): sums over classes then run along the rows of memory. The resize (eqs. 2, 4, 7) is the
product with two matrices of `tiling.Axis`, so any part of an image, enlarged in whatever way, is one graph's work.
"""

from collections.abc import Callable

import keras
from keras import ops

from casnet_cli.inference.outputs import probability_names

PixelTensors = dict[str, keras.KerasTensor]
"""Tensors of pixels by name, (K, H, W) or (H, W) each."""

PixelFunction = Callable[[PixelTensors], PixelTensors]
"""From the probabilities of pixels to the outputs for them; `pixel_outputs` makes these functions."""


def reader(branches: tuple[str, ...], classes: int, outputs: PixelFunction) -> keras.Model:
    """A model from the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w) to the outputs
    for H x W pixels, which are computed from their `probabilities`."""
    channels = {name: 1 if name == "attention" else classes for name in branches}
    inputs = {name: _open_input((None, None, count), name) for name, count in channels.items()}
    inputs |= {name: _open_input((None, None), name) for name in ("left", "right")}
    return keras.Model(inputs, _FromCells(outputs, dtype=_wide())(inputs))


def of_means(branches: tuple[str, ...], classes: int, outputs: PixelFunction) -> keras.Model:
    """A model from `probabilities`, averaged over passes, to the `outputs`."""
    inputs = {
        name: _open_input((None, None) if name == "difficult" else (classes, None, None), name)
        for name in probability_names(branches)
    }
    return keras.Model(inputs, _FromProbabilities(outputs, dtype=_wide())(inputs))


class _FromProbabilities(keras.layers.Layer):
    def __init__(self, outputs: PixelFunction, dtype: str):
        super().__init__(dtype=dtype)
        self._outputs = outputs

    def call(self, inputs: PixelTensors) -> PixelTensors:
        return self._outputs(inputs)


class _FromCells(_FromProbabilities):
    def call(self, inputs: PixelTensors) -> PixelTensors:
        left, right = inputs["left"], ops.transpose(inputs["right"])
        cells = {name: ops.cast(x, self.compute_dtype) for name, x in inputs.items() if name not in ("left", "right")}
        return self._outputs(probabilities(cells, lambda x: ops.matmul(ops.matmul(left, x), right)))


def probabilities(cells: PixelTensors, resize: Callable[[keras.KerasTensor], keras.KerasTensor]) -> PixelTensors:
    """Of every pixel, from the cells of each branch (…, h, w, ·): `coarse`, `fine`, `fused` (K, …, H, W), and
    `difficult`, 1 − p_a (…, H, W). resize: takes a map (·, …, h, w) to its pixels."""

    def spread(name: str) -> keras.KerasTensor:
        x = ops.moveaxis(cells[name], -1, 0)
        # A softmax is the same whatever is taken from all classes of a pixel: this keeps exp from overflowing.
        return resize(x - ops.max(x, axis=0, keepdims=True))

    exponentials: PixelTensors = {name: ops.exp(spread(name)) for name in ("coarse", "fine") if name in cells}
    sums = {name: ops.sum(x, axis=0) for name, x in exponentials.items()}
    found: PixelTensors = {name: x / sums[name] for name, x in exponentials.items()}
    if "attention" in cells:
        easy = resized_attention(cells["attention"], resize)
        found["difficult"] = ops.sigmoid(-easy)
        shares = ops.sigmoid(easy) / sums["coarse"], found["difficult"] / sums["fine"]
        found["fused"] = exponentials["coarse"] * shares[0] + exponentials["fine"] * shares[1]
    elif len(exponentials) == 2:
        found["fused"] = (found["coarse"] + found["fine"]) / 2
    else:
        found["fused"] = next(iter(found.values()))
    return found


def resized_attention(
    cells: keras.KerasTensor, resize: Callable[[keras.KerasTensor], keras.KerasTensor]
) -> keras.KerasTensor:
    """(…, h, w, 1) → (…, H, W)."""
    return resize(cells[..., 0][None])[0]  # tf2onnx moves an axis of 1 wrongly where there are several images


def _open_input(shape: tuple[int | None, ...], name: str) -> keras.KerasTensor:
    return keras.Input(batch_shape=shape, name=name, dtype=_wide())


def _wide() -> str:
    """float64 where the network computes in it, else float32: half precision is too coarse for a softmax."""
    return "float64" if keras.config.floatx() == "float64" else "float32"
