"""3x3 convolutions with fewer multiplications, for inference on a processor: Winograd's minimal filtering.

Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks": TILE x TILE outputs of one channel take the
(TILE + 2)² products of a transformed patch and a transformed kernel, where the definition takes 9 · TILE². The
transforms are linear and the same for all channels, and what is left between them are matrix products over channels.
"""

import keras
import numpy as np
from keras import ops

from casnet_cli.model.resize import Side

# 25 products in place of 81. 4 in place of 3 would save another sixth at best, and takes 44 % more memory for kernels
# and 12 rows for the 9 of a map of 33 rows at dilation 4.
TILE = 3
PATCH = TILE + 2
# Where, beside infinity, the polynomials behind the transforms are evaluated. With the 0, ±1, 2 of the literature, made
# for sparse transforms, rounding errors are two to four times as large; with these they are a plain convolution's.
POINTS = (-5 / 4, -3 / 8, 3 / 8, 5 / 4)
# From here on the layer is faster than a plain convolution, by measurement.
LEAST_CHANNELS = 256


@keras.saving.register_keras_serializable("casnet")
class WinogradConvolution(keras.layers.Layer):
    """A 3x3 convolution with bias, stride 1, zeros at the border: (B, H, W, C) → (B, H, W, filters).

    kernel: ((TILE + 2)², C, filters), a plain kernel `transformed`. With a dilation d the map falls into d · d grids
    of every d-th row and column, each convolved by itself.
    """

    def __init__(self, filters: int, dilation: int = 1, **kwargs: object):
        super().__init__(**kwargs)
        self.filters = filters
        self.dilation = dilation

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(PATCH**2, input_shape[-1], self.filters))
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        batch, height, width, channels = ops.shape(x)
        span = TILE * self.dilation
        down, right = (height + span - 1) // span, (width + span - 1) // span
        products = ops.matmul(_squared(_INPUT, x.dtype), ops.reshape(self._patches(x, down, right), (PATCH**2, -1)))
        products = ops.reshape(products, (PATCH**2, -1, channels))
        # One by one: TensorFlow's batched product is slower for large kernels.
        products = ops.stack([ops.matmul(products[i], self.kernel[i]) for i in range(PATCH**2)])
        out = ops.matmul(_squared(_OUTPUT, x.dtype), ops.reshape(products, (PATCH**2, -1)))
        out = ops.reshape(out, (TILE, TILE, batch * down, self.dilation, right, self.dilation * self.filters))
        out = ops.transpose(out, (2, 0, 3, 4, 1, 5))
        out = ops.reshape(out, (batch, down * span, right * span, self.filters))
        return out[:, :height, :width] + self.bias

    def _patches(self, x: keras.KerasTensor, down: Side, right: Side) -> keras.KerasTensor:
        """Overlapping patches in each grid, TILE apart: (PATCH², B · down · d, right, d · C)."""
        batch, height, width, channels = ops.shape(x)
        before, span = self.dilation, TILE * self.dilation
        below, beside = (down + 1) * span - before - height, (right + 1) * span - before - width
        x = ops.pad(x, [[0, 0], [before, below], [before, beside], [0, 0]])
        steps = [divmod(step, TILE) for step in range(PATCH)]
        # No more axes than needed: LiteRT slices up to five, and transposes up to six.
        x = ops.reshape(x, (batch, down + 1, TILE, self.dilation * (right + 1) * span * channels))
        rows = [
            ops.reshape(
                x[:, i : i + down, k], (batch * down * self.dilation, right + 1, TILE, self.dilation * channels)
            )
            for i, k in steps
        ]
        return ops.stack([row[:, j : j + right, n] for row in rows for j, n in steps])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:3], self.filters)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "filters": self.filters, "dilation": self.dilation}


def transformed(kernel: np.ndarray) -> np.ndarray:
    """A plain kernel (3, 3, C, filters) in the form that the layer has: ((TILE + 2)², C, filters) float32."""
    made = np.empty((PATCH**2, *kernel.shape[2:]), np.float32)
    both = np.kron(_KERNEL, _KERNEL)
    for channel in range(kernel.shape[2]):  # one by one, for large ones take gigabytes in double precision
        made[:, channel] = both @ kernel[:, :, channel].reshape(9, -1)
    return made


def _values_of(coefficients: int) -> np.ndarray:
    """(PATCH, coefficients): takes a polynomial to its values at POINTS and at infinity, its highest coefficient."""
    return np.vstack([np.vander(POINTS, coefficients, increasing=True), np.eye(coefficients)[-1]])


# Values determine a polynomial, and those of a product are products of values. Filtering is the transpose of
# multiplying polynomials in one factor, hence the transposes here.
_KERNEL, _INPUT, _OUTPUT = _values_of(3), np.linalg.inv(_values_of(PATCH)).T, _values_of(TILE).T


def _squared(transform: np.ndarray, dtype: str) -> keras.KerasTensor:
    """Along rows and columns at once."""
    return ops.cast(np.kron(transform, transform), dtype)
