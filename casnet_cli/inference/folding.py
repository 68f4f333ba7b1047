"""Batch norms folded into the convolutions before them, and large convolutions by Winograd's method, for inference."""

import keras
import numpy as np
from keras import layers

from casnet_cli import backend
from casnet_cli.inference.winograd import LEAST_CHANNELS, WinogradConvolution, transformed


class Folded:
    """A functional network whose batch norms all follow a convolution, without them: `network`.

    It has the same inputs and outputs in inference. plain: without Winograd's method.
    """

    def __init__(self, original: keras.Model, plain: bool = False):
        norms = {
            layer.input._keras_history.operation.name: layer
            for layer in original.layers
            if isinstance(layer, layers.BatchNormalization)
        }
        with backend.silence():  # on other back ends Keras imports TensorFlow to describe a layer, if it is there
            self.network = keras.models.clone_model(
                original,
                clone_function=lambda layer: _convolution(layer, plain) if layer.name in norms else _same(layer),
                call_function=lambda layer, *args, **kwargs: (
                    args[0] if isinstance(layer, layers.BatchNormalization) else layer(*args, **kwargs)
                ),
            )
        self._pairs = [(original.get_layer(name), norm, self.network.get_layer(name)) for name, norm in norms.items()]

    def refresh(self) -> None:
        """Take over the weights that the original has now."""
        for convolution, norm, own in self._pairs:
            assign(own, *folded(convolution, norm))


def _same(layer: layers.Layer) -> layers.Layer:
    return type(layer).from_config(layer.get_config())


def _convolution(layer: layers.Layer, plain: bool) -> layers.Layer:
    """With a bias in the place of the batch norm's shift."""
    if isinstance(layer, layers.Conv2D) and layer.kernel_size == (3, 3) and layer.strides == (1, 1):
        return convolution(layer.filters, layer.kernel.shape[2], layer.name, layer.dilation_rate[0], plain)
    return type(layer).from_config({**layer.get_config(), "use_bias": True})


def convolution(filters: int, channels: int, name: str, dilation: int = 1, plain: bool = False) -> layers.Layer:
    """A 3x3 convolution with bias, zeros at the border, in the form that is fastest here; or a plain one."""
    large = min(channels, filters) >= LEAST_CHANNELS
    if not plain and large and keras.config.dtype_policy().compute_dtype == "float32" and not backend.has_gpu():
        return WinogradConvolution(filters, dilation, name=name)
    return layers.Conv2D(filters, 3, padding="same", dilation_rate=dilation, name=name)


def folded(convolution: layers.Layer, norm: layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, float32, of a convolution that does what `convolution` and then `norm` do in inference.

    γ (k ∗ x + b − μ) / √(σ² + ε) + β = (γ k / √(σ² + ε)) ∗ x + …
    """
    factor, shift = affine(norm)
    kernel, *bias = (weight.numpy() for weight in convolution.weights)
    each = factor[:, None] if isinstance(convolution, layers.DepthwiseConv2D) else factor
    shift = shift + factor * (bias[0] if bias else 0)
    return kernel * each.astype(kernel.dtype), shift.astype(kernel.dtype)


def affine(norm: layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    """What a batch norm multiplies by and then adds in inference, one value for each channel, float64."""
    gamma, beta, mean, variance = (
        weight.numpy().astype(np.float64) for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    factor = gamma / np.sqrt(variance + norm.epsilon)
    return factor, beta - factor * mean


def assign(layer: layers.Layer, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Set the weights of a layer of `convolution`. kernel: as a plain convolution has it."""
    layer.kernel.assign(transformed(kernel) if isinstance(layer, WinogradConvolution) else kernel)
    layer.bias.assign(bias)
