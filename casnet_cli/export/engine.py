"""The network of a run in files for ONNX Runtime, for prediction's own use: images to cells, and cells to pixels.

They share their work with `inference.predictor`, as the Keras network does: so all of its options work with them:
tiles, passes of test-time augmentation, images that do without the fine branch. An export for other programs is one
graph from an image to its mask instead (`export.graph`).
"""

from collections.abc import Mapping
from pathlib import Path

import keras
import onnx
import tensorflow as tf

from casnet_cli.export.onnx_format import OPSET
from casnet_cli.export.tracing import Traced
from casnet_cli.inference import postprocess
from casnet_cli.inference.inference_model import InferenceModel
from casnet_cli.inference.outputs import Outputs, choices
from casnet_cli.inference.pixel_outputs import pixel_function
from casnet_cli.inference.postprocess import PixelFunction
from casnet_cli.runs.engine_record import FINE, MEANS, NETWORK, PIXELS

AVERAGED = "evaluation"
"""The one choice of outputs that is computed from probabilities averaged over passes."""


def write(model: keras.Model, temperature: float | None, folder: Path) -> InferenceModel:
    """Write a network of `build_casnet` into a folder. temperature: of the confidence. Returns what was written."""
    attention = "attention" in model.output
    network = InferenceModel(model, easy_below=0.0 if attention else None, plain=True, pools=True)
    _save(network.first.model, folder / NETWORK)
    if attention:
        _save(network.second.model, folder / FINE)
    for name, outputs in choices(temperature).items():
        _save(postprocess.reader(*_of(network, outputs)), folder / PIXELS.format(name))
        if name == AVERAGED:
            _save(postprocess.of_means(*_of(network, outputs)), folder / MEANS.format(name))
    return network


def _of(network: InferenceModel, outputs: Outputs) -> tuple[tuple[str, ...], int, PixelFunction]:
    """Of the graphs that compute the quantities of a choice, by their own names."""
    names = dict.fromkeys(outputs.of(network.branches).values())
    function = pixel_function(Outputs({name: name for name in names}, outputs.temperature), network.branches)
    return network.branches, network.classes, function


def _save(model: keras.Model, file: Path) -> None:
    tensors = model.input if isinstance(model.input, dict) else {model.input.name: model.input}
    specs = [tf.TensorSpec(tensor.shape, tf.float32, name=name) for name, tensor in tensors.items()]

    def call(*given: tf.Tensor) -> Mapping[str, tf.Tensor]:
        return model(dict(zip(tensors, given, strict=True)) if isinstance(model.input, dict) else given[0])

    graph = Traced(call, specs).onnx(OPSET)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, file)
