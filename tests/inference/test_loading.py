"""A trained run opened for prediction: its weights, its scale, and a checkpoint that is another by now."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import picture
from helpers.tiny_training import TinyTraining

from casnet_cli.errors import RunError
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.loading import open_predictor, predictor_of
from casnet_cli.inference.outputs import Outputs
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.runs import checkpoint
from casnet_cli.runs.trained import find_run, open_run
from casnet_cli.util.files import sha256_of

SCALE = 1.25


@pytest.fixture(scope="module")
def training(tiny: None) -> TinyTraining:
    return TinyTraining(f"evaluation.scale={SCALE}")


@pytest.fixture
def best(training: TinyTraining, tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "best.h5", training.model, training.optimizer, training.meta(3))
    return tmp_path / "best.h5"


def test_a_run_predicts_with_its_own_weights_at_its_own_scale(training: TinyTraining, best: Path) -> None:
    predictor = open_predictor(find_run(best))
    assert predictor.settings == InferenceSettings(scale=SCALE)
    by_hand = KerasPredictor(training.model, InferenceSettings(scale=SCALE))
    found, expected = predictor.predict(picture(40, 50)), by_hand.predict(picture(40, 50))
    assert set(found) == {"mask", "difficulty", "confidence"}
    np.testing.assert_array_equal(found["mask"], expected["mask"])
    np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-5)


def test_settings_and_outputs_are_taken_over(training: TinyTraining, best: Path) -> None:
    settings = InferenceSettings("flip", 1.5, tile=65)
    predictor = open_predictor(find_run(best), Outputs({"p": "p_fused"}), settings)
    assert predictor.settings == settings
    p = predictor.predict(picture(40, 50))["p"]
    assert p.shape[1:] == (40, 50)
    np.testing.assert_allclose(p.sum(0), 1, atol=1e-5)


def test_a_network_in_memory_takes_the_scale_of_its_recipe(training: TinyTraining) -> None:
    recipe = training.meta(0).recipe
    assert predictor_of(training.model, recipe).settings.scale == SCALE
    assert predictor_of(training.model, recipe, settings=InferenceSettings(scale=1.0)).settings.scale == 1.0
    assert KerasPredictor(training.model, InferenceSettings()).settings.scale == 1.0


def test_a_checkpoint_that_was_written_anew_is_refused(training: TinyTraining, best: Path) -> None:
    run = find_run(best)
    checkpoint.save(best, training.model, training.optimizer, training.meta(4))
    with pytest.raises(RunError, match="a training has just written it anew"):
        open_predictor(run)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_run_that_was_opened_is_the_same_whatever_takes_its_place(
    training: TinyTraining, best: Path, in_place: bool
) -> None:
    first, expected = sha256_of(best), open_predictor(find_run(best)).predict(picture(40, 50))
    run = open_run(best)
    kept = [variable.numpy() for variable in training.model.weights]
    try:
        for variable in training.model.weights:
            variable.assign(variable + 1)
        other = best.with_name("other.h5")
        checkpoint.save(other, training.model, training.optimizer, training.meta(4))
        best.write_bytes(other.read_bytes()) if in_place else other.replace(best)
    finally:
        for variable, value in zip(training.model.weights, kept, strict=True):
            variable.assign(value)
    found = open_predictor(run).predict(picture(40, 50))
    np.testing.assert_array_equal(found["mask"], expected["mask"])
    np.testing.assert_array_equal(found["confidence"], expected["confidence"])
    assert run.sha256 == first != sha256_of(best)
    with pytest.raises(RunError, match="a training has just written it anew"):
        open_predictor(run)


def test_a_run_may_be_opened_twice(best: Path) -> None:
    run = open_run(best)
    first, second = (open_predictor(run).predict(picture(40, 50)) for _ in range(2))
    np.testing.assert_array_equal(first["confidence"], second["confidence"])
