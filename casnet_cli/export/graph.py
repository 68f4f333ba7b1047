"""What an exported file computes: from an image as it is stored to the class and the difficulty of each pixel.

The same as `inference.predictor` does with whole images, in one graph for every size: map to 0..255, enlarge, pad to
the grid, run the network, resize, fuse (eq. 8), take the class and the difficulty. Written so that ONNX and LiteRT have
an operator for everything: no number in double precision, products of three axes at most, nothing negative divided with
a remainder.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.export.mapping import absent, seen
from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.pixel_outputs import argmax_classes, difficulty
from casnet_cli.inference.postprocess import probabilities, resized_attention
from casnet_cli.labels import VOID
from casnet_cli.model.resize import Side, hat, missing

Tensors = dict[str, keras.KerasTensor]

LARGEST = 1e30
"""Of a logit that is a number. Probabilities do not show whether it is: LiteRT's exponential of NaN is 0."""

BROKEN = 2.0
"""Difficulty of all pixels of an image whose logits are no numbers."""


class Graph:
    """The computation around a network that enlarges images by `scale`. probabilities: whether it outputs them too.

    intensities: of the images. Where nothing was measured the class is void, and the difficulty 0.
    """

    def __init__(
        self,
        network: InferenceModel,
        scale: float,
        probabilities: bool = False,
        intensities: Intensities = PLAIN,
    ):
        self._network, self._scale, self._probabilities = network, scale, probabilities
        self._intensities = intensities

    def whole(self, image: keras.KerasTensor) -> Tensors:
        """(B, H, W, N) as stored → `mask` (B, H, W) uint8, `difficulty` (B, H, W) float32, and, if it has them,
        `probabilities` (B, H, W, K) float32."""
        cells = self._network.first.model(self._input(image))
        return self._outputs(cells, ops.shape(image)[1:3], absent(image, self._intensities))

    def coarse(self, image: keras.KerasTensor) -> Tensors:
        """`whole` of the coarse branch alone; and `features` and the cells `coarse` and `attention`, (B, h, w, ·), from
        which `fine` goes on."""
        found = self._network.first.model(self._input(image))
        cells = {name: found[name] for name in ("coarse", "attention")}
        gone = absent(image, self._intensities)
        outputs = self._outputs({"coarse": cells["coarse"]}, ops.shape(image)[1:3], gone)
        pixels = self._resize(ops.shape(image)[1:3], ops.shape(cells["attention"])[1:3])
        hard = ops.sigmoid(-resized_attention(cells["attention"], pixels))
        hard = hard if gone is None else ops.where(gone, 0.0, hard)
        return outputs | {"difficulty": hard, "features": found["features"]} | cells

    def fine(
        self,
        features: keras.KerasTensor,
        coarse: keras.KerasTensor,
        attention: keras.KerasTensor,
        size: keras.KerasTensor,
    ) -> Tensors:
        """`whole` from the outputs of `coarse` for images of that size, (2,) int32 height and width.

        It knows nothing of where nothing was measured: void pixels of `coarse` stay so.
        """
        cells = self._network.second.model(features) | {"coarse": coarse, "attention": attention}
        return self._outputs(cells, (size[0], size[1]))

    def _input(self, image: keras.KerasTensor) -> keras.KerasTensor:
        x, stride = seen(image, self._intensities, self._network.mean), self._network.stride
        if self._scale != 1.0:
            x = _enlarged(_enlarged(x, 1, self._scale), 2, self._scale)
        height, width = ops.shape(x)[1:3]
        mean = np.asarray(self._network.mean, np.float32)
        beyond = [[0, 0], [0, missing(height, stride)], [0, missing(width, stride)], [0, 0]]
        return ops.pad(x - mean, beyond) + mean

    def _outputs(self, cells: Tensors, size: tuple[Side, Side], gone: keras.KerasTensor | None = None) -> Tensors:
        """gone: (B, H, W) where nothing was measured; None: nowhere."""
        found = probabilities(cells, self._resize(size, ops.shape(next(iter(cells.values())))[1:3]))
        mask = argmax_classes(found["fused"], counted_in="int32")
        hard = ops.where(_numbers(cells), difficulty(found), BROKEN)
        if gone is not None:
            mask, hard = ops.where(gone, ops.cast(VOID, "int32"), mask), ops.where(gone, 0.0, hard)
        outputs = {"mask": ops.cast(mask, "uint8"), "difficulty": hard}  # LiteRT has no choice between bytes
        return outputs | ({"probabilities": ops.moveaxis(found["fused"], 0, -1)} if self._probabilities else {})

    def _resize(
        self, size: tuple[Side, Side], grid: tuple[Side, Side]
    ) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
        """A function from (·, B, h, w) of that grid to the pixels of images of that size."""
        left, right = (
            hat(length, cells, _step(length, _side(length, self._scale)) / self._network.stride, "float32")
            for length, cells in zip(size, grid, strict=True)
        )

        def resized(x: keras.KerasTensor) -> keras.KerasTensor:
            count, batch = ops.shape(x)[:2]
            # Not with four axes: TensorFlow's product of those, its smaller factor broadcast, ends the process.
            x = ops.matmul(left[None], ops.reshape(x, (-1, *grid)))
            return ops.reshape(ops.matmul(x, ops.transpose(right)[None]), (count, batch, *size))

        return resized


def _numbers(cells: Tensors) -> keras.KerasTensor:
    """(B, 1, 1) bool: whether all logits of an image are numbers."""
    least = [ops.min(ops.cast(ops.abs(x) < LARGEST, "float32"), axis=(1, 2, 3)) for x in cells.values()]
    return ops.reshape(ops.min(ops.stack(least), axis=0), (-1, 1, 1)) > 0.5


def _side(length: Side, scale: float) -> Side:
    """As `inference.tiling.Axis.size`."""
    if scale == 1.0:
        return length
    return ops.maximum(ops.cast(ops.round(ops.cast(length, "float32") * scale), "int32"), 2)


def _step(length: Side, size: Side) -> keras.KerasTensor:
    """Enlarged pixels between two pixels of a side."""
    return ops.cast(size - 1, "float32") / ops.cast(ops.maximum(length - 1, 1), "float32")


def _enlarged(x: keras.KerasTensor, axis: int, scale: float) -> keras.KerasTensor:
    """(B, H, W, 3) with one side enlarged, bilinear, corners on corners, as `inference.tiling.region` does."""
    length = ops.shape(x)[axis]
    size = _side(length, scale)
    places = ops.cast(ops.arange(size), "float32") * _step(size, length)
    lower = ops.minimum(ops.cast(places, "int32"), length - 1)
    upper = ops.minimum(lower + 1, length - 1)
    share = ops.reshape(places - ops.cast(lower, "float32"), (-1, 1, 1) if axis == 1 else (1, -1, 1))
    below = ops.take(x, lower, axis=axis)
    return below + share * (ops.take(x, upper, axis=axis) - below)
