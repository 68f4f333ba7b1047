"""The whole network: its branches, outputs, sizes and statistics; the backbones have tests of their own."""

import json

import keras
import numpy as np
import pytest

from casnet_cli.model.casnet import BRANCHES, build_casnet
from casnet_cli.recipe import ModelSection

pytestmark = pytest.mark.usefixtures("tiny")

CLASSES = 5


def small(**settings: object) -> ModelSection:
    chosen = {"backbone": "tiny", "output_stride": 16, "weights": "none", "branch_channels": 16}
    return ModelSection(**{**chosen, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", ["coarse", "static", "attention", "fine"])
def test_variants_have_their_branches_and_nothing_else(variant: str) -> None:
    model = build_casnet(small(variant=variant), CLASSES)
    outputs = model(np.random.default_rng(0).uniform(0, 255, (2, 33, 50, 3)).astype(np.float32))
    assert set(outputs) == {*BRANCHES[variant], "fused"}
    for name, values in outputs.items():
        assert values.shape == (2, 33, 50, 2 if name == "attention" else CLASSES)
        np.testing.assert_allclose(np.exp(np.asarray(values)).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("backbone", ["efficientnet-lite0", "resnet50"])
@pytest.mark.parametrize("stride", [8, 16, 32])
def test_any_size(backbone: str, stride: int) -> None:
    model = build_casnet(small(backbone=backbone, output_stride=stride), CLASSES)
    for size in ((1, 1), (31, 47), (64, 40)):
        assert model(np.zeros((1, *size, 3), np.float32))["fused"].shape == (1, *size, CLASSES)


@pytest.mark.parametrize(("variant", "expected"), [("static", 0.5), ("attention", None)])
def test_fused_is_equation_8_of_the_other_outputs(variant: str, expected: float | None) -> None:
    model = build_casnet(small(variant=variant), CLASSES)
    image = np.random.default_rng(0).uniform(0, 255, (1, 33, 33, 3)).astype(np.float32)
    p = {name: np.exp(np.asarray(values, np.float64)) for name, values in model(image).items()}
    p_a = expected if expected else p["attention"][..., 1:]
    np.testing.assert_allclose(p["fused"], p_a * p["coarse"] + (1 - p_a) * p["fine"], atol=1e-6)


def test_an_image_and_its_padding_with_the_mean_colour_agree() -> None:
    # 33 = 2 * 16 + 1 lies on the grid. 30 is padded to 33 inside the graph, here by hand with the mean.
    model = build_casnet(small(variant="coarse"), CLASSES)
    image = np.random.default_rng(0).uniform(0, 255, (1, 30, 30, 3)).astype(np.float32)
    padded = np.full((1, 33, 33, 3), 127, np.float32)
    padded[:, :30, :30] = image
    ours, by_hand = np.asarray(model(image)["coarse"]), np.asarray(model(padded)["coarse"])
    np.testing.assert_allclose(ours, by_hand[:, :30, :30], atol=1e-5)


def test_pretrained_statistics_stay_while_gamma_and_beta_train() -> None:
    model = build_casnet(small(backbone="efficientnet-lite0", weights="imagenet"), CLASSES)
    extractor = model.get_layer("efficientnet-lite0")
    norm = extractor.get_layer("stem_bn")
    before = norm.moving_mean.numpy().copy()
    model(np.random.default_rng(0).uniform(0, 255, (2, 33, 33, 3)).astype(np.float32), training=True)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)
    assert any(weight is norm.gamma for weight in model.trainable_variables)
    branch = model.get_layer("coarse_bn")
    assert np.abs(branch.moving_mean.numpy()).max() > 0


def test_random_weights_train_their_statistics() -> None:
    model = build_casnet(small(backbone="efficientnet-lite0", weights="none"), CLASSES)
    norm = model.get_layer("efficientnet-lite0").get_layer("stem_bn")
    model(np.random.default_rng(0).uniform(0, 255, (2, 33, 33, 3)).astype(np.float32), training=True)
    assert np.abs(norm.moving_mean.numpy()).max() > 0


def test_the_model_is_serializable() -> None:
    model = build_casnet(small(), CLASSES)
    copy = keras.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    image = np.random.default_rng(0).uniform(0, 255, (1, 20, 37, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(copy(image)["fused"]), np.asarray(model(image)["fused"]), atol=1e-6)
    assert "Lambda" not in json.dumps(model.to_json())
