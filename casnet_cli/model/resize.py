"""Bilinear resizing with aligned corners, padding to its grid, and average pooling into bins.

All three are matrix products with weights computed from the shapes at hand, so that one graph serves every size,
also where height and width are unknown when it is traced (ONNX, LiteRT). Nothing negative is divided with a remainder:
ONNX rounds towards zero.
"""

from typing import TypeAlias

import keras
from keras import ops

Side: TypeAlias = "int | keras.KerasTensor"
"""A number of pixels or cells, which may be open when a graph is traced."""

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("casnet")
class PadToGrid(keras.layers.Layer):
    """Zeros at the right and bottom until both sides are a multiple of `stride` plus 1.

    (B, H, W, C) → (B, H', W', C). A map of such a size has its corner cells exactly on the image's corners, which
    is what aligned-corner resizing assumes. Zero is the mean colour where preprocessing has subtracted it.
    """

    def __init__(self, stride: int, **kwargs: object):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        down, right = (missing(size, self.stride) for size in ops.shape(x)[1:3])
        return ops.pad(x, [[0, 0], [0, down], [0, right], [0, 0]])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, channels = input_shape
        return (batch, *(None if side is None else side + missing(side, self.stride) for side in sides), channels)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("casnet")
class ResizeToImage(keras.layers.Layer):
    """Map cells to image pixels by the exact factor `stride`, corners aligned, cropped to the image.

    [(B, h, w, C) map, (B, H, W, *) image] → (B, H, W, C), where h = ⌈(H − 1) / stride⌉ + 1, and w likewise: the
    cell (i, j) lies on pixel (i · stride, j · stride). Section 3.1's bilinear up-sampling (eqs. 2, 4, 7); Caffe's
    Interp layer aligns corners.
    """

    def __init__(self, stride: int, **kwargs: object):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        x, image = inputs
        height, width = ops.shape(image)[1:3]
        cells = zip((height, width), ops.shape(x)[1:3], strict=True)
        return along_axes(x, *(hat(size, count, 1 / self.stride, x.dtype) for size, count in cells))

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        x, image = input_shape
        return (*image[:3], x[3])

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable("casnet")
class PyramidPooling(keras.layers.Layer):
    """The average of a map over bins x bins regions: (B, h, w, C) → (B, bins, bins, C).

    Bin b covers the cells ⌊b·n/bins⌋ .. ⌈(b+1)·n/bins⌉ − 1 of n, so neighbouring bins share a cell where n is no
    multiple of `bins`, and none is empty however small the map.
    """

    def __init__(self, bins: int, **kwargs: object):
        super().__init__(**kwargs)
        self.bins = bins

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        height, width = ops.shape(x)[1:3]
        return along_axes(x, self.weights_of(height, x.dtype), self.weights_of(width, x.dtype))

    def weights_of(self, size: Side, dtype: str) -> keras.KerasTensor:
        """(bins, size), each row sums to 1."""
        bin_index, cell = ops.arange(self.bins, dtype="int32")[:, None], ops.arange(size, dtype="int32")[None, :]
        first, end = bin_index * size // self.bins, ((bin_index + 1) * size + self.bins - 1) // self.bins
        inside = ops.cast(ops.logical_and(cell >= first, cell < end), dtype)
        return inside / ops.sum(inside, axis=1, keepdims=True)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.bins, self.bins, input_shape[3])

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "bins": self.bins}


def missing(size: Side, stride: int) -> Side:
    """Pixels until a side is a multiple of `stride` plus 1."""
    return stride - 1 - (size + stride - 2) % stride


def along_axes(x: keras.KerasTensor, left: keras.KerasTensor, right: keras.KerasTensor) -> keras.KerasTensor:
    """left (H, h) and right (W, w) applied to the rows and columns of x (B, h, w, C) → (B, H, W, C)."""
    batch, rows, columns, channels = ops.shape(x)
    x = ops.matmul(left, ops.reshape(x, (batch, rows, columns * channels)))
    return ops.matmul(right, ops.reshape(x, (batch, ops.shape(left)[0], columns, channels)))


def hat(size: Side, cells: Side, step: float | keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """Linear interpolation as a matrix (size, cells): weight 1 − |distance| of sample i · step and cell, in cells."""
    position = ops.cast(ops.arange(size), _exact(dtype))[:, None] * ops.cast(step, _exact(dtype))
    distance = ops.abs(position - ops.cast(ops.arange(cells), _exact(dtype))[None, :])
    return ops.cast(ops.maximum(1 - distance, 0), dtype)


def aligned_step(cells: Side, size: Side, dtype: str) -> keras.KerasTensor:
    """Step between `size` samples whose first and last lie on the first and last of the cells."""
    return ops.cast(cells - 1, _exact(dtype)) / ops.cast(ops.maximum(size - 1, 1), _exact(dtype))


def _exact(dtype: str) -> str:
    """Positions are in at least float32: bfloat16 cannot tell row 257 from row 256."""
    return "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"
