"""The table of backbones, and a further one that a recipe names."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
from helpers.networks import picture

from casnet_cli.errors import RecipeError
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.model import backbones
from casnet_cli.model.backbones.base import Backbone, with_fixed_statistics
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import ModelSection


def build(output_stride: int, bands: int = 3) -> keras.Model:
    """Average pooling, and one convolution with its batch norm."""
    image = keras.Input((None, None, bands), name="image")
    # Cells lie on every stride-th pixel, so that a side of n strides and one pixel has n + 1 of them.
    x = keras.layers.AveragePooling2D(1, output_stride, name="stem_pool")(image)
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="body_conv")(x)
    return keras.Model(image, keras.layers.BatchNormalization(name="body_bn")(x), name="pooled")


POOLED = Backbone(
    build=build,
    preprocess=lambda image: keras.layers.Rescaling(1 / 255, name="normalize")(image),
    load_pretrained=lambda model, weights: None,
    mean=(0.0, 0.0, 0.0),
    stages=2,
    stage_of=lambda layer: 2 if layer.startswith("body") else 1,
)


def test_every_backbone_of_a_recipe_is_in_the_table_and_every_module_is_listed() -> None:
    names = get_args(ModelSection.model_fields["backbone"].annotation)
    assert set(names) <= set(backbones.BACKBONES)
    files = {file.stem for file in Path(backbones.__file__).parent.glob("*.py")}
    assert set(backbones.MODULES) == files - {"__init__", "base", "legacy_pth"}


def test_a_further_backbone_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backbones.BACKBONES, "pooled", POOLED)
    # Skips the recipe's check of the name, which is a line of its own.
    section = ModelSection(weights="none", output_stride=8, branch_channels=8).model_copy(update={"backbone": "pooled"})
    model = build_casnet(section, 4)
    found = KerasPredictor(model, InferenceSettings()).predict(picture(40, 50))
    assert found["mask"].shape == (40, 50) and found["mask"].max() < 4
    assert found["confidence"].max() <= 1


def test_stages_are_frozen_from_the_image_on() -> None:
    extractor = build(8)
    POOLED.freeze(extractor, 1)
    assert [layer.name for layer in extractor.layers if not layer.trainable] == ["image", "stem_pool"]
    with pytest.raises(RecipeError, match="model.frozen_stages: pooled has 2 stages, received 3"):
        POOLED.freeze(extractor, 3)


def test_fixed_statistics_are_used_in_training_too() -> None:
    fixed, images = with_fixed_statistics(build(8)), np.random.default_rng(0).uniform(0, 1, (2, 33, 33, 3))
    assert fixed.name == "pooled" and [layer.name for layer in fixed.layers] == [x.name for x in build(8).layers]
    np.testing.assert_array_equal(np.asarray(fixed(images, training=True)), np.asarray(fixed(images, training=False)))


@pytest.mark.parametrize("name", ["tiny", "resnet50"])
@pytest.mark.parametrize("bands", [1, 2, 4, 6])
def test_the_first_convolution_of_other_bands_as_documented(tiny: None, name: str, bands: int) -> None:
    rng = np.random.default_rng(bands)
    backbone, first = backbones.BACKBONES[name], {"tiny": "stem_conv", "resnet50": "conv1_conv"}[name]
    kernels = []

    def random(model: keras.Model, weights: str) -> None:
        layer = model.get_layer(first)
        layer.kernel.assign(rng.normal(size=layer.kernel.shape))
        kernels.append(layer.kernel.numpy().astype(np.float64))

    extractor = backbone.build(32, bands)
    replace(backbone, load_pretrained=random).load(extractor, "imagenet", 32)
    image = keras.Input((None, None, bands))
    body = keras.Model(extractor.input, extractor.get_layer(first).output)
    network = keras.Model(image, body(backbone.preprocess(image)))
    pixels, reach = rng.uniform(0, 255, (1, 17, 17, bands)), kernels[0].shape[0] // 2
    found = np.asarray(network(pixels))[0, 4, 4]  # a cell lies on every second pixel
    patch = pixels[0, 8 - reach : 9 + reach, 8 - reach : 9 + reach]

    rgb = kernels[0][:, :, ::-1] if name == "resnet50" else kernels[0]  # ResNet's weights take blue, green, red
    scale, grey = (1.0 if name == "resnet50" else 1 / 64), rgb.mean(axis=2)
    expected = np.zeros(rgb.shape[-1])
    for band in range(bands):
        coloured = bands >= 3 and band < 3
        mean = backbone.mean[band] if coloured else sum(backbone.mean) / 3
        kernel = (rgb[:, :, band] if coloured else grey) * 3 / bands
        expected += (kernel * scale * (patch[..., band] - mean)[..., None]).sum(axis=(0, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_numbers_of_further_bands_are_the_mean_of_the_three() -> None:
    resnet = backbones.BACKBONES["resnet50"]
    assert resnet.means(3) == resnet.mean
    assert resnet.means(5) == (*resnet.mean, *(pytest.approx(np.mean(resnet.mean)),) * 2)
    assert resnet.means(1) == (pytest.approx(np.mean(resnet.mean)),)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet50"])
def test_a_picture_equal_in_all_bands_gives_what_it_gave_in_three(name: str) -> None:
    networks = {}
    backbone = backbones.BACKBONES[name]
    original = backbone.build(32)
    for bands in (3, 4):
        networks[bands] = backbone.build(32, bands)
        replace(backbone, load_pretrained=lambda model, weights: model.set_weights(original.get_weights())).load(
            networks[bands], "imagenet", 32
        )
    grey = np.random.default_rng(0).normal(size=(1, 64, 64, 1)).astype(np.float32)
    three, four = (np.asarray(model(grey.repeat(bands, axis=-1))) for bands, model in networks.items())
    np.testing.assert_allclose(four, three, atol=1e-4 * np.abs(three).max())
