"""The exported computation, run by TensorFlow as it is, against the predictor in Keras."""

import numpy as np
import pytest
from helpers.networks import lively, picture

from casnet_cli.export.graph import Graph
from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.outputs import MASK, PROBABILITIES, Outputs
from casnet_cli.inference.predictor import InferenceSettings

SIZES = [(37, 50), (80, 33), (49, 65), (16, 17), (1, 40)]


def predictor_of(model, scale: float) -> KerasPredictor:
    return KerasPredictor(model, InferenceSettings(scale=scale), MASK | PROBABILITIES)


@pytest.fixture(scope="module", params=[1.0, 1.25])
def both(request: pytest.FixtureRequest) -> tuple[KerasPredictor, Graph]:
    scale = request.param
    return predictor_of(lively(), scale), Graph(InferenceModel(lively(), plain=True), scale, probabilities=True)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_any_size_and_scale(size: tuple[int, int], both: tuple[KerasPredictor, Graph]) -> None:
    image, (network, graph) = picture(*size), both
    expected = network.predict(image)
    found = {name: np.asarray(x)[0] for name, x in graph.whole(image[None]).items()}
    assert found["mask"].dtype == np.uint8 and (found["mask"] == expected["mask"]).mean() > 0.999
    np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-4)
    np.testing.assert_allclose(np.moveaxis(found["probabilities"], -1, 0), expected["probabilities"], atol=1e-4)
    assert len(np.unique(expected["mask"])) > 1


@pytest.mark.parametrize("variant", ["coarse", "static", "fine"])
def test_variants_without_attention(variant: str) -> None:
    model, image = lively(variant=variant), picture(37, 50)
    expected = predictor_of(model, 1.0).predict(image)
    found = Graph(InferenceModel(model, plain=True), 1.0).whole(image[None])
    assert list(found) == ["mask", "difficulty"]
    assert (np.asarray(found["mask"])[0] == expected["mask"]).mean() > 0.999
    np.testing.assert_allclose(np.asarray(found["difficulty"])[0], expected["difficulty"], atol=1e-4)


def test_several_images_do_not_meet(both: tuple[KerasPredictor, Graph]) -> None:
    graph = both[1]
    images = np.stack([picture(37, 50, seed) for seed in range(3)])
    together = graph.whole(images)
    for row in range(3):
        alone = graph.whole(images[row : row + 1])
        np.testing.assert_array_equal(np.asarray(together["mask"])[row], np.asarray(alone["mask"])[0])
        np.testing.assert_allclose(
            np.asarray(together["difficulty"])[row], np.asarray(alone["difficulty"])[0], atol=1e-5
        )


def test_two_halves_make_the_whole() -> None:
    model, image = lively(), picture(37, 50)
    whole = Graph(InferenceModel(model, plain=True), 1.25, probabilities=True).whole(image[None])
    halves = Graph(InferenceModel(model, easy_below=0.0, plain=True), 1.25, probabilities=True)
    first = halves.coarse(image[None])
    second = halves.fine(first["features"], first["coarse"], first["attention"], np.array(image.shape[:2], np.int32))
    np.testing.assert_allclose(np.asarray(first["difficulty"]), np.asarray(whole["difficulty"]), atol=1e-5)
    for name in ("mask", "difficulty", "probabilities"):
        np.testing.assert_allclose(np.asarray(second[name]), np.asarray(whole[name]), atol=1e-5)
    alone = KerasPredictor(model, InferenceSettings(scale=1.25), Outputs({"p": "p_coarse"}))
    coarse = alone.predict(image)["p"]
    np.testing.assert_allclose(np.moveaxis(np.asarray(first["probabilities"])[0], -1, 0), coarse, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(first["mask"])[0], coarse.argmax(0))
    assert np.abs(np.asarray(first["probabilities"]) - np.asarray(second["probabilities"])).max() > 0.01
