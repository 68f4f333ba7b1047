"""From the cells of a map to the pixels of the image: resized, normalized, fused (eq. 8), and judged.

Arrays are (K, H, W) or (H, W): sums over classes then run along the rows of memory. The resize (eqs. 2, 4, 7) is the
product with two matrices of `grid.Axis`, so any part of an image, enlarged in whatever way, is one graph's work.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

PixelTensors = dict[str, Any]
PixelFunction = Callable[[PixelTensors], PixelTensors]


def reader(branches: tuple[str, ...], classes: int, said: PixelFunction) -> keras.Model:
    """A network from the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w) to what
    `said` makes of the probabilities of H x W pixels: `coarse`, `fine`, `fused` (K, H, W), `difficult`, 1 − p_a (H, W).
    """
    channels = {name: 1 if name == "attention" else classes for name in branches}
    inputs = {name: _open_input((None, None, count), name) for name, count in channels.items()}
    inputs |= {name: _open_input((None, None), name) for name in ("left", "right")}
    return keras.Model(inputs, _Reading(said, dtype=_wide())(inputs))


def of_means(branches: tuple[str, ...], classes: int, said: PixelFunction) -> keras.Model:
    """A network from probabilities, as `reader` makes them, to what `said` makes of them."""
    inputs = {
        name: _open_input((None, None) if name == "difficult" else (classes, None, None), name)
        for name in told_of(branches)
    }
    return keras.Model(inputs, _OfMeans(said, dtype=_wide())(inputs))


def told_of(branches: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what a network of those branches tells of a pixel."""
    return (*("difficult" if name == "attention" else name for name in branches), "fused")


class _OfMeans(keras.layers.Layer):
    def __init__(self, said: PixelFunction, **kwargs: Any):
        super().__init__(**kwargs)
        self._said = said

    def call(self, inputs: PixelTensors) -> PixelTensors:
        return self._said(inputs)


class _Reading(_OfMeans):
    def call(self, inputs: PixelTensors) -> PixelTensors:
        left, right = inputs["left"], ops.transpose(inputs["right"])
        cells = {name: ops.cast(x, self.compute_dtype) for name, x in inputs.items() if name not in ("left", "right")}
        return self._said(probabilities(cells, lambda x: ops.matmul(ops.matmul(left, x), right)))


def probabilities(cells: PixelTensors, resize: Callable[[Any], Any]) -> PixelTensors:
    """Of every pixel, from the cells of each branch (…, h, w, ·): `coarse`, `fine`, `fused` (K, …, H, W), and
    `difficult` (…, H, W). resize: takes a map (·, …, h, w) to its pixels."""

    def spread(name: str) -> Any:
        x = ops.moveaxis(cells[name], -1, 0)
        # A softmax is the same whatever is taken from all classes of a pixel: this keeps exp from overflowing.
        return resize(x - ops.max(x, axis=0, keepdims=True))

    found: PixelTensors = {name: ops.exp(spread(name)) for name in ("coarse", "fine") if name in cells}
    sums = {name: ops.sum(x, axis=0) for name, x in found.items()}
    told: PixelTensors = {name: x / sums[name] for name, x in found.items()}
    if "attention" in cells:
        easy = resized_attention(cells["attention"], resize)
        told["difficult"] = ops.sigmoid(-easy)
        shares = ops.sigmoid(easy) / sums["coarse"], told["difficult"] / sums["fine"]
        told["fused"] = found["coarse"] * shares[0] + found["fine"] * shares[1]
    elif len(found) == 2:
        told["fused"] = (told["coarse"] + told["fine"]) / 2
    else:
        told["fused"] = next(iter(told.values()))
    return told


def resized_attention(cells: Any, resize: Callable[[Any], Any]) -> Any:
    """(…, h, w, 1) → (…, H, W)."""
    return resize(cells[..., 0][None])[0]  # tf2onnx moves an axis of 1 wrongly where there are several images


def _open_input(shape: tuple[int | None, ...], name: str) -> Any:
    return keras.Input(batch_shape=shape, name=name, dtype=_wide())


def _wide() -> str:
    """float64 where the network computes in it, else float32: half precision is too coarse for a softmax."""
    return "float64" if keras.config.floatx() == "float64" else "float32"
