"""The table of backbones, and a further one that a recipe names."""

from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
from helpers.networks import picture

from casnet_cli.errors import RecipeError
from casnet_cli.inference.predictor import InferenceSettings, KerasPredictor
from casnet_cli.model import backbones
from casnet_cli.model.backbones.base import Backbone, with_fixed_statistics
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import ModelSection


def build(output_stride: int) -> keras.Model:
    """Average pooling, and one convolution with its batch norm."""
    image = keras.Input((None, None, 3), name="image")
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
