"""The dilated ResNet against keras.applications' own."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from casnet_cli.errors import WeightsError
from casnet_cli.model.backbones.resnet import load_weights, preprocess, resnet


@pytest.fixture(scope="module")
def original() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.applications.ResNet50(include_top=False, weights=None, input_shape=(None, None, 3))


@cache
def dilated_like(original: keras.Model, stride: int) -> keras.Model:
    """With the same weights; shared between tests, which must not change it."""
    dilated = resnet("resnet50", stride)
    assert [layer.name for layer in dilated.layers[1:]] == [layer.name for layer in original.layers[1:]]
    assert [weight.shape for weight in dilated.weights] == [weight.shape for weight in original.weights]
    dilated.set_weights(original.get_weights())
    return dilated


@pytest.mark.parametrize(("stride", "every"), [(8, 4), (16, 2), (32, 1)])
@pytest.mark.parametrize("size", [(97, 129), (64, 96)])
def test_every_fourth_dilated_feature_is_the_original(
    original: keras.Model, stride: int, every: int, size: tuple[int, int]
) -> None:
    dilated = dilated_like(original, stride)
    x = np.random.default_rng(0).normal(size=(1, *size, 3)).astype(np.float32)
    expected, found = np.asarray(original(x)), np.asarray(dilated(x))
    assert found.shape[1:3] == tuple(-(-side // stride) for side in size)
    np.testing.assert_allclose(found[:, ::every, ::every], expected, atol=2e-6 * np.abs(expected).max())


def test_resnet101_builds_at_stride_8() -> None:
    model = resnet("resnet101", 8)
    assert model.name == "resnet101" and model.get_layer("conv4_block23_out") is not None
    assert model.get_layer("conv5_block1_2_conv").dilation_rate == (4, 4)


def test_preprocessing_is_caffes() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (1, 4, 5, 3)).astype(np.float32)
    expected = keras.applications.resnet.preprocess_input(image.copy())
    np.testing.assert_allclose(np.asarray(preprocess(image)), expected, atol=1e-4)


def write_notop_file(model: keras.Model, path: Path) -> None:
    """The layout of Keras 2 downloads: a group a layer, `layer_names` and `weight_names` as attributes."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.2.4"
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group.create_dataset(name, data=weight.numpy())


def test_a_file_in_the_layout_of_keras_downloads_loads(original: keras.Model, tmp_path: Path) -> None:
    file = tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    write_notop_file(original, file)
    model = resnet("resnet50", 8)
    load_weights(model, str(file))
    for ours, theirs in zip(model.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_foreign_and_missing_files_are_refused_by_name(tmp_path: Path) -> None:
    model = resnet("resnet50", 32)
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    foreign = tmp_path / "foreign.h5"
    write_notop_file(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")]), foreign)
    for file in (tmp_path / "missing.h5", text, foreign):
        with pytest.raises(WeightsError, match=file.name):
            load_weights(model, str(file))


def test_imagenet_weights_that_cannot_be_had_say_where_to_put_them(tmp_path: Path) -> None:
    code = (
        "from types import SimpleNamespace\n"
        "from casnet_cli.model.backbones.resnet import load_weights\n"
        "from casnet_cli.errors import WeightsError\n"
        "try: load_weights(SimpleNamespace(name='resnet50'), 'imagenet')\n"
        "except WeightsError as error: print(error)"
    )
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "KERAS_HOME": str(tmp_path), "no_proxy": "", "NO_PROXY": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.count("\n") == 1, done.stderr
    assert str(tmp_path / "models" / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5") in done.stdout
    assert "-lite" in done.stdout
