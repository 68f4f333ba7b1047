"""Averaging over mirrored images and scales, against the same passes made and averaged by hand."""

from typing import Any

import keras
import numpy as np
import pytest

from casnet_cli.model.averaging import PROTOCOLS, Rescale, averaged
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import Model


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(0)
    # Pre-trained: with random weights the answer is nearly the same all over the image, and no mistake would show.
    model = build_casnet(Model(backbone="efficientnet-lite0", output_stride=16, branch_channels=8), 5)
    image = np.random.default_rng(1).uniform(0, 255, (1, 37, 50, 3)).astype(np.float32)
    p = np.exp(np.asarray(model(image)["fused"]))
    assert np.abs(p - p[:, :, ::-1]).max() > 0.01
    return model


def at(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(B, h, w, C) bilinear with aligned corners, by np.interp."""
    for axis, count in ((1, size[0]), (2, size[1])):
        places = np.linspace(0, x.shape[axis] - 1, count)
        x = np.apply_along_axis(lambda line, places=places: np.interp(places, np.arange(len(line)), line), axis, x)
    return x


@pytest.mark.parametrize("protocol", ["flip", "multiscale"])
def test_the_mean_of_the_passes(network: Any, protocol: str) -> None:
    image = np.random.default_rng(1).uniform(0, 255, (1, 37, 50, 3)).astype(np.float32)
    scales, mirrored = PROTOCOLS[protocol]
    passes: dict[str, list[np.ndarray]] = {}
    for scale in scales:
        scaled = at(image, (round(37 * scale), round(50 * scale))).astype(np.float32)
        for turned in (False, True)[: 1 + mirrored]:
            for name, x in network(scaled[:, :, ::-1] if turned else scaled).items():
                p = np.exp(np.asarray(x, np.float64))
                passes.setdefault(name, []).append(at(p[:, :, ::-1] if turned else p, (37, 50)))
    found = averaged(network, protocol)(image)
    assert set(found) == set(passes) and len(passes["fused"]) == {"flip": 2, "multiscale": 8}[protocol]
    for name, each in passes.items():
        np.testing.assert_allclose(np.exp(np.asarray(found[name])), np.mean(each, 0), atol=1e-5)
        np.testing.assert_allclose(np.exp(np.asarray(found[name])).sum(-1), 1, atol=1e-5)


def test_the_scale_of_a_recipe_multiplies_those_of_the_protocol(network: Any) -> None:
    image = np.random.default_rng(4).uniform(0, 255, (1, 24, 40, 3)).astype(np.float32)
    scaled = at(image, (30, 50)).astype(np.float32)
    expected = at(np.exp(np.asarray(network(scaled)["fused"], np.float64)), (24, 40))
    np.testing.assert_allclose(np.exp(np.asarray(averaged(network, "none", 1.25)(image)["fused"])), expected, atol=1e-5)


def test_no_averaging_is_the_network_itself(network: Any) -> None:
    assert averaged(network, "none") is network


def test_the_answer_to_a_mirrored_image_is_mirrored(network: Any) -> None:
    image = np.random.default_rng(2).uniform(0, 255, (1, 33, 49, 3)).astype(np.float32)
    both = averaged(network, "flip")
    ours, mirrored = both(image)["fused"], both(image[:, :, ::-1])["fused"]
    np.testing.assert_allclose(np.exp(ours)[:, :, ::-1], np.exp(mirrored), atol=1e-5)


def test_one_graph_for_any_size(network: Any) -> None:
    image = keras.Input((None, None, 3))
    half = keras.Model(image, Rescale(dtype="float32")([Rescale(0.75)([image, image]), image]))
    half.jit_compile = False
    for size in ((1, 1), (20, 31), (48, 33)):
        flat = np.full((1, *size, 3), 80, np.float32)
        np.testing.assert_allclose(half.predict_on_batch(flat), flat)
        assert averaged(network, "multiscale")(flat)["fused"].shape == (1, *size, 5)


def test_the_averaged_network_is_serializable(network: Any) -> None:
    model = averaged(network, "flip")
    copy = keras.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    image = np.random.default_rng(3).uniform(0, 255, (1, 20, 31, 3)).astype(np.float32)
    np.testing.assert_allclose(copy(image)["fused"], model(image)["fused"], atol=1e-5)
    assert Rescale.from_config(Rescale(0.75).get_config()).factor == 0.75
