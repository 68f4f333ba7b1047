"""A network in files for ONNX Runtime against the same in Keras, with every setting of inference."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import lively, picture

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")
pytest.importorskip("tf2onnx", reason="needs tf2onnx (pip install tf2onnx)")

from casnet_cli.export import engine
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.onnx_network import OnnxNetwork
from casnet_cli.inference.outputs import RANKING, evaluation_outputs, prediction_outputs
from casnet_cli.inference.predictor import InferenceSettings, NetworkPredictor
from casnet_cli.inference.sound import NotNumbers
from casnet_cli.runs.engine_record import EngineRecord

CLASSES, TEMPERATURE, SCALE = 5, 1.7, 1.25


def written(model, folder: Path) -> EngineRecord:
    network = engine.write(model, TEMPERATURE, folder)
    return EngineRecord(
        version=1,
        checkpoint_sha256="",
        stride=network.stride,
        mean=list(network.mean),
        branches=list(network.branches),
        classes=network.classes,
        temperature=TEMPERATURE,
        bytes_per_pixel=network.bytes_per_pixel,
        files={},
    )


@pytest.fixture(scope="module")
def model():
    return lively()


@pytest.fixture(scope="module")
def engine_files(model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EngineRecord]:
    folder = tmp_path_factory.mktemp("engine")
    return folder, written(model, folder)


def both(model, files: tuple[Path, EngineRecord], settings: InferenceSettings, outputs) -> list[dict[str, np.ndarray]]:
    network = OnnxNetwork(*files, settings.easy_below, settings.pools)
    predictors = KerasPredictor(model, settings, outputs), NetworkPredictor(network, settings, outputs)
    return [predictor.predict(picture(83, 121)) for predictor in predictors]


@pytest.mark.parametrize(
    ("settings", "outputs"),
    [
        (InferenceSettings(scale=SCALE), prediction_outputs(TEMPERATURE)),
        (InferenceSettings(scale=SCALE), prediction_outputs(TEMPERATURE, probabilities=True)),
        (InferenceSettings("multiscale", SCALE), evaluation_outputs(TEMPERATURE)),
        (InferenceSettings(tile=65), evaluation_outputs(TEMPERATURE)),
        (InferenceSettings(), RANKING),
        (InferenceSettings(easy_below=0.0), prediction_outputs(TEMPERATURE)),
        (InferenceSettings(easy_below=1.0), prediction_outputs(TEMPERATURE)),
    ],
    ids=["prediction", "probabilities", "passes", "tiles", "ranking", "always fine", "never fine"],
)
def test_equals_keras(model, engine_files, settings: InferenceSettings, outputs) -> None:
    ours, theirs = reversed(both(model, engine_files, settings, outputs))
    assert ours.keys() == theirs.keys()
    for name, x in ours.items():
        assert x.dtype == theirs[name].dtype, name
        np.testing.assert_allclose(x, theirs[name], atol=1e-4, err_msg=name)


def test_pooled_features_are_those_of_keras(model, engine_files) -> None:
    settings = InferenceSettings(pools=True)
    predictors = (
        KerasPredictor(model, settings, RANKING),
        NetworkPredictor(OnnxNetwork(*engine_files, pools=True), settings, RANKING),
    )
    found = []
    for predictor in predictors:
        (blocks,) = predictor.predict_blocks([predictor.prepare(picture(83, 121))])
        found.append([outputs for *_, outputs in blocks][-1]["pooled"])
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


def test_logits_that_are_no_numbers_are_a_fault_of_the_image(tmp_path: Path) -> None:
    model = lively(CLASSES)
    bias = model.get_layer("fine_logits").bias
    before = bias.numpy()
    bias.assign(np.where(np.arange(CLASSES) == 1, np.nan, before))
    try:
        files = tmp_path, written(model, tmp_path)
    finally:
        bias.assign(before)
    predictor = NetworkPredictor(OnnxNetwork(*files), InferenceSettings(), prediction_outputs(TEMPERATURE))
    with pytest.raises(NotNumbers):
        predictor.predict(picture(60, 70))


def test_a_batch_is_as_its_images_one_by_one(engine_files) -> None:
    predictor = NetworkPredictor(OnnxNetwork(*engine_files), InferenceSettings(), prediction_outputs(TEMPERATURE))
    images = [picture(60, 70), picture(60, 70)[::-1]]
    found = list(predictor.predict_batch([predictor.prepare(image) for image in images]))
    for image, outputs in zip(images, found, strict=True):
        np.testing.assert_allclose(outputs["difficulty"], predictor.predict(image)["difficulty"], atol=1e-5)
