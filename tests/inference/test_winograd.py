"""Against the definition of a convolution in NumPy and float64, and against Keras's own layer."""

import keras
import numpy as np
import pytest

from casnet_cli.inference.winograd import PATCH, WinogradConvolution, transformed

SIZES = [(1, 1), (2, 5), (9, 8), (13, 20)]


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dilation: int) -> np.ndarray:
    """x (B, H, W, C), kernel (3, 3, C, F): every output the sum over the taps that lie inside."""
    _, height, width, _ = x.shape
    out = np.zeros((*x.shape[:3], kernel.shape[3])) + bias
    for row in range(height):
        for column in range(width):
            for i in range(3):
                for j in range(3):
                    r, c = row + (i - 1) * dilation, column + (j - 1) * dilation
                    if 0 <= r < height and 0 <= c < width:
                        out[:, row, column] += x[:, r, c] @ kernel[i, j]
    return out


def given(size: tuple[int, int], channels: int, filters: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(sum(size))
    kernel = random.normal(size=(3, 3, channels, filters)) / np.sqrt(9 * channels)
    return random.normal(size=(2, *size, channels)), kernel, random.normal(size=filters)


@pytest.fixture(scope="module", params=[1, 2, 4])
def layer_of_any_size(request: pytest.FixtureRequest) -> tuple[keras.Model, WinogradConvolution]:
    layer = WinogradConvolution(4, request.param)
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layer(image))
    model.jit_compile = False
    return model, layer


@pytest.mark.parametrize("size", SIZES)
def test_is_the_convolution_of_the_definition(layer_of_any_size, size: tuple[int, int]) -> None:
    model, layer = layer_of_any_size
    x, kernel, bias = given(size, 3, 4)
    layer.set_weights([transformed(kernel), bias])
    expected = convolved(x, kernel, bias, layer.dilation)
    assert model.output_shape == (None, None, None, 4)
    np.testing.assert_allclose(model.predict_on_batch(x.astype("float32")), expected, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_in_float64_nothing_but_rounding_is_left() -> None:
    x, kernel, bias = given((7, 11), 5, 6)
    kernel = np.sign(kernel)  # exact in float32, also transformed
    layer = WinogradConvolution(6, 2, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([transformed(kernel), bias])
    np.testing.assert_allclose(np.asarray(layer(x)), convolved(x, kernel, bias, 2), atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 2])
def test_rounds_no_worse_than_the_plain_convolution(dilation: int) -> None:
    x, kernel, bias = given((17, 19), 256, 32)
    x = np.maximum(x, 0).astype("float32")
    plain = keras.layers.Conv2D(32, 3, padding="same", dilation_rate=dilation)
    layer = WinogradConvolution(32, dilation)
    for each, own in ((plain, kernel), (layer, transformed(kernel))):
        each.build(x.shape)
        each.set_weights([own, bias])
    expected = convolved(x, kernel, bias, dilation)
    np.testing.assert_allclose(np.asarray(plain(x)), expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)


def test_transforms_the_kernel_in_float64() -> None:
    kernel = np.ones((3, 3, 2, 5), "float16")
    found = transformed(kernel)
    assert found.dtype == np.float32 and found.shape == (PATCH**2, 2, 5)
    assert found[-1, 0, 0] == 1  # at infinity in both directions: the last tap
    assert found[0, 0, 0] == (1 - 1.25 + 1.25**2) ** 2  # at the first point in both


def test_comes_back_from_its_config() -> None:
    layer = WinogradConvolution(7, 2, name="fine_conv")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(again, WinogradConvolution)
    assert again.get_config() == layer.get_config()
    assert (again.filters, again.dilation) == (7, 2)
