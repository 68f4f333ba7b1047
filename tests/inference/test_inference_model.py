"""The network for inference has the outputs of the trained one: batch norms folded, heads joined, Winograd's method."""

import keras
import numpy as np
import pytest
from helpers.networks import lively, picture, probabilities

from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.outputs import OF_BRANCHES
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.inference.winograd import WinogradConvolution

pytestmark = pytest.mark.usefixtures("uncompiled")


def outputs_of(network: KerasPredictor, image: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.moveaxis(x, 0, -1) if x.ndim == 3 else x for name, x in network.predict(image).items()}


def predictor_of(model: keras.Model, **settings: object) -> KerasPredictor:
    return KerasPredictor(model, InferenceSettings(**settings), OF_BRANCHES)  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", ["coarse", "static", "attention", "fine"])
def test_every_variant_has_the_outputs_of_the_trained_network(variant: str) -> None:
    model = lively(variant=variant)
    network = predictor_of(model)
    for size in [(33, 50), (1, 1), (40, 7)][: 3 if variant == "attention" else 1]:
        image = picture(*size)
        expected, found = probabilities(model, image), outputs_of(network, image)
        if variant == "attention":
            np.testing.assert_allclose(found.pop("difficult"), expected.pop("attention")[..., 0], atol=3e-5)
        assert set(found) == set(expected)
        for name, p in expected.items():
            np.testing.assert_allclose(found[name], p, atol=3e-5)


@pytest.mark.parametrize(("backbone", "stride"), [("resnet50", 8), ("resnet50", 32), ("efficientnet-lite0", 8)])
def test_backbones_and_strides(backbone: str, stride: int) -> None:
    model, image = lively(backbone=backbone, output_stride=stride, weights="none"), picture(37, 50)
    network = predictor_of(model, pools=True)
    expected, ((_, _, found),) = probabilities(model, image), next(network.predict_blocks([network.prepare(image)]))
    for name in ("coarse", "fine", "fused"):
        np.testing.assert_allclose(np.moveaxis(found[name], 0, -1), expected[name], atol=1e-4)
    features = keras.Model(model.input, model.get_layer("coarse_conv").input)
    pooled = keras.ops.convert_to_numpy(features(image[None].astype(np.float32)))[0].mean(axis=(0, 1))
    np.testing.assert_allclose(found["pooled"], pooled, rtol=1e-3, atol=1e-4)
    layers = network.network._folded.network.layers
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in layers)
    assert any(isinstance(layer, WinogradConvolution) for layer in layers) == (backbone == "resnet50")


def test_other_weights_are_taken_over_by_refresh() -> None:
    model, image = lively(5, dropout=0.2), picture(33, 33)  # not the others'
    network = predictor_of(model)
    before = outputs_of(network, image)["fused"]
    for weight in model.trainable_variables:
        weight.assign(weight.numpy() * 1.1)
    np.testing.assert_array_equal(outputs_of(network, image)["fused"], before)
    network.refresh()
    np.testing.assert_allclose(outputs_of(network, image)["fused"], probabilities(model, image)["fused"], atol=1e-4)


def test_easy_images_get_the_coarse_classes_and_hard_ones_the_fused_ones() -> None:
    model, images = lively(), [picture(33, 33, seed) for seed in range(4)]
    always = [outputs_of(predictor_of(model), image) for image in images]
    hardest = [float(one["difficult"].max()) for one in always]
    limit = float(np.median(hardest))
    network = predictor_of(model, easy_below=limit)
    fine_batches: list[int] = []
    second = network.network.second
    network.network.second = lambda x: (fine_batches.append(len(x)), second(x))[1]  # type: ignore[assignment]
    found = list(network.predict_batch([network.prepare(image) for image in images]))
    assert fine_batches == [2]
    for one, own, most in zip(found, always, hardest, strict=True):
        expected = np.moveaxis(own["fused" if most > limit else "coarse"], -1, 0)
        np.testing.assert_allclose(one["fused"], expected, atol=3e-5)


def test_a_variant_without_attention_always_runs_in_full() -> None:
    model, image = lively(variant="static"), picture(33, 33)
    np.testing.assert_allclose(
        outputs_of(predictor_of(model, easy_below=1.0), image)["fused"], outputs_of(predictor_of(model), image)["fused"]
    )


def test_attention_is_one_number_a_cell() -> None:
    cells = InferenceModel(lively()).cells(np.zeros((2, 33, 49, 3), np.float32))
    assert {name: x.shape for name, x in cells.items()} == {
        "coarse": (2, 3, 4, 5),
        "fine": (2, 3, 4, 5),
        "attention": (2, 3, 4, 1),
    }
