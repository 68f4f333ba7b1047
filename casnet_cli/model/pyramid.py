"""The convolution behind the pyramid: what repeats itself in up-sampled bins is computed once a bin."""

import keras
from keras import ops

from casnet_cli.model.resize import Side, aligned_step, along_axes, hat


@keras.saving.register_keras_serializable("casnet")
class PyramidConvolution(keras.layers.Layer):
    """A 3x3 convolution, zeros at the border, of a map and its pyramid levels resized to it and concatenated.

    [(B, h, w, C) map, (B, b, b, c) level, …] → (B, h, w, filters); corners of level and map are aligned. Convolution
    and resizing are both linear: a level is multiplied with the kernel's nine taps as bins, and each tap's product is
    resized and shifted, which gives the same sums for a fraction of the products. kernel: (3, 3, C + Σ c, filters), the
    channels in the order of the inputs.
    """

    def __init__(self, filters: int, **kwargs: object):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        channels = sum(shape[-1] for shape in input_shape)
        self.kernel = self.add_weight(name="kernel", shape=(3, 3, channels, self.filters))

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        x, *levels = inputs
        ends, end = [], 0
        for tensor in (x, *levels[:-1]):
            end += tensor.shape[-1]
            ends.append(end)
        kernel, *kernels = ops.split(self.kernel, ends, axis=2)
        out = ops.conv(x, kernel, padding="same", data_format="channels_last")
        for level, own in zip(levels, kernels, strict=True):
            out += _spread(level, taps_of(own), *ops.shape(x)[1:3])
        return out

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return (*input_shape[0][:3], self.filters)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("casnet")
class PyramidShares(keras.layers.Layer):
    """The part of a `PyramidConvolution` that comes from its levels, for a network for inference only.

    [(B, h, w, filters), (B, b, b, c) level, …] → the first with the levels' shares added. taps: (Σ c, 9 · filters), of
    `taps_of`.
    """

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        joined, *levels = input_shape
        self.taps = self.add_weight(name="taps", shape=(sum(shape[-1] for shape in levels), 9 * joined[-1]))

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        out, *levels = inputs
        height, width = ops.shape(out)[1:3]
        start = 0
        for level in levels:
            out += _spread(level, self.taps[start : start + level.shape[-1]], height, width)
            start += level.shape[-1]
        return out

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return input_shape[0]


def taps_of(kernel: keras.KerasTensor) -> keras.KerasTensor:
    """(3, 3, c, filters) → (c, 9 · filters): the product of a bin with it is the bin times each of the nine taps."""
    return ops.reshape(ops.transpose(kernel, (2, 0, 1, 3)), (kernel.shape[2], 9 * kernel.shape[3]))


def _spread(level: keras.KerasTensor, taps: keras.KerasTensor, height: Side, width: Side) -> keras.KerasTensor:
    """What the channels of one level, (B, b, b, c), add to the map: (B, height, width, filters). taps: `taps_of`."""
    batch, rows, columns, _ = ops.shape(level)
    filters = taps.shape[-1] // 9
    taps = ops.matmul(level, taps)
    taps = ops.transpose(ops.reshape(taps, (batch, rows, columns, 3, 3, filters)), (0, 1, 3, 2, 4, 5))
    taps = ops.reshape(taps, (batch, rows * 3, columns * 3, filters))
    return along_axes(taps, _shifted(height, rows, level.dtype), _shifted(width, columns, level.dtype))


def _shifted(size: Side, bins: Side, dtype: str) -> keras.KerasTensor:
    """(size, 3 · bins): for bin k and tap t in column 3k + t the share of the bin in the cell at tap t."""
    shares = ops.pad(hat(size, bins, aligned_step(bins, size, dtype), dtype), [[1, 1], [0, 0]])
    return ops.reshape(ops.stack([shares[t : t + size] for t in range(3)], axis=-1), (size, 3 * bins))
