"""Open a trained run for prediction in Keras: the one way from a checkpoint to a predictor.

Importing this imports Keras: start the back end first (`casnet_cli.backend.start`).
"""

from dataclasses import replace

import keras

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.inference import keras_predictor
from casnet_cli.inference.outputs import MASK, Outputs
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import load_model
from casnet_cli.runs.trained import TrainedRun


def open_predictor(
    run: TrainedRun,
    outputs: Outputs = MASK,
    settings: InferenceSettings = InferenceSettings(),  # noqa: B008
) -> keras_predictor.KerasPredictor:
    """A predictor with the network of a run's checkpoint. Settings without a scale take the recipe's.

    outputs: what it gives for every pixel. Raises RunError for a file that is not readable, or that a training has
    written anew since `run` was found.
    """
    return predictor_of(network_of(run), run.meta.recipe, outputs, settings, run.meta.intensities)


def network_of(run: TrainedRun) -> keras.Model:
    """The network of a run's checkpoint, as `open_run` read it, else as it is now. Raises RunError."""
    return run.held.network() if run.held else load_model(run.file, run.meta)[0]


def predictor_of(
    model: keras.Model,
    recipe: Recipe,
    outputs: Outputs = MASK,
    settings: InferenceSettings = InferenceSettings(),  # noqa: B008
    intensities: Intensities = PLAIN,
) -> keras_predictor.KerasPredictor:
    """As `open_predictor`, with a network of that recipe that is in memory already, such as one in training."""
    if settings.scale is None:
        settings = replace(settings, scale=recipe.evaluation.scale)
    return keras_predictor.KerasPredictor(model, settings, outputs, intensities)
