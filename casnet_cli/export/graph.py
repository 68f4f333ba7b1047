"""What an exported file computes: from an RGB image as it is to the class and the difficulty of each pixel.

The same as `model.answers` asks of whole images, in one graph for every size: enlarged, padded to the grid, asked,
resized, fused (eq. 8) and judged. Written so that ONNX and LiteRT have an operator for everything: no number in double
precision, products of three axes at most, nothing negative divided with a remainder.
"""

from typing import Any

import numpy as np
from keras import ops

from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.pixel_outputs import argmax_classes, difficulty
from casnet_cli.inference.postprocess import probabilities, resized_attention
from casnet_cli.model.resize import hat, missing

Tensors = dict[str, Any]


class Graph:
    """deployed: whose network. scale: by which it sees an image enlarged. tells: also the probabilities."""

    def __init__(self, deployed: InferenceModel, scale: float, tells: bool = False):
        self._deployed, self._scale, self._tells = deployed, scale, tells

    def whole(self, image: Any) -> Tensors:
        """(B, H, W, 3) uint8 → `mask` (B, H, W) uint8, `difficulty` (B, H, W) float32, and, where it `tells` them,
        `probabilities` (B, H, W, K) float32."""
        return self._said(self._deployed.first.model(self._seen(image)), ops.shape(image)[1:3])

    def coarse(self, image: Any) -> Tensors:
        """`whole` of the coarse branch alone; and `features` and the cells `coarse` and `attention`, (B, h, w, ·), from
        which `fine` goes on."""
        found = self._deployed.first.model(self._seen(image))
        cells = {name: found[name] for name in ("coarse", "attention")}
        said = self._said({"coarse": cells["coarse"]}, ops.shape(image)[1:3])
        pixels = self._resize(ops.shape(image)[1:3], ops.shape(cells["attention"])[1:3])
        hard = ops.sigmoid(-resized_attention(cells["attention"], pixels))
        return said | {"difficulty": hard, "features": found["features"]} | cells

    def fine(self, features: Any, coarse: Any, attention: Any, size: Any) -> Tensors:
        """`whole` from what `coarse` said of images of that size, (2,) int32 height and width."""
        cells = self._deployed.second.model(features) | {"coarse": coarse, "attention": attention}
        return self._said(cells, (size[0], size[1]))

    def _seen(self, image: Any) -> Any:
        x, stride = ops.cast(image, "float32"), self._deployed.stride
        if self._scale != 1.0:
            x = _enlarged(_enlarged(x, 1, self._scale), 2, self._scale)
        height, width = ops.shape(x)[1:3]
        mean = np.asarray(self._deployed.mean, np.float32)
        beyond = [[0, 0], [0, missing(height, stride)], [0, missing(width, stride)], [0, 0]]
        return ops.pad(x - mean, beyond) + mean

    def _said(self, cells: Tensors, size: Any) -> Tensors:
        found = probabilities(cells, self._resize(size, ops.shape(next(iter(cells.values())))[1:3]))
        mask = ops.cast(argmax_classes(found["fused"], counted_in="int32"), "uint8")  # LiteRT chooses between no bytes
        said = {"mask": mask, "difficulty": difficulty(found)}
        return said | ({"probabilities": ops.moveaxis(found["fused"], 0, -1)} if self._tells else {})

    def _resize(self, size: Any, grid: Any) -> Any:
        """Takes (·, B, h, w) of that grid to the pixels of images of that size."""
        left, right = (
            hat(length, cells, _step(length, _side(length, self._scale)) / self._deployed.stride, "float32")
            for length, cells in zip(size, grid, strict=True)
        )

        def resized(x: Any) -> Any:
            count, batch = ops.shape(x)[:2]
            # Not with four axes: TensorFlow's product of those, its smaller factor broadcast, ends the process.
            x = ops.matmul(left[None], ops.reshape(x, (-1, *grid)))
            return ops.reshape(ops.matmul(x, ops.transpose(right)[None]), (count, batch, *size))

        return resized


def _side(length: Any, scale: float) -> Any:
    """`grid.Axis.size`."""
    if scale == 1.0:
        return length
    return ops.maximum(ops.cast(ops.round(ops.cast(length, "float32") * scale), "int32"), 2)


def _step(length: Any, size: Any) -> Any:
    """Enlarged pixels between two pixels of a side."""
    return ops.cast(size - 1, "float32") / ops.cast(ops.maximum(length - 1, 1), "float32")


def _enlarged(x: Any, axis: int, scale: float) -> Any:
    """(B, H, W, 3) with one side enlarged, bilinear, corners on corners, as `grid.region` does."""
    length = ops.shape(x)[axis]
    size = _side(length, scale)
    places = ops.cast(ops.arange(size), "float32") * _step(size, length)
    lower = ops.minimum(ops.cast(places, "int32"), length - 1)
    upper = ops.minimum(lower + 1, length - 1)
    share = ops.reshape(places - ops.cast(lower, "float32"), (-1, 1, 1) if axis == 1 else (1, -1, 1))
    below = ops.take(x, lower, axis=axis)
    return below + share * (ops.take(x, upper, axis=axis) - below)
