"""TensorFlow's SavedModel: a folder, for TensorFlow Serving and other programs that have TensorFlow."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.export.base import ExportFormat, ExportSpec, PredictFunction

if TYPE_CHECKING:
    import keras


def write(model: "keras.Model", spec: ExportSpec, folder: Path) -> Path:
    """The network in saved_model/, with its description among its extra assets and in model.json."""
    from casnet_cli.export.graph import Graph
    from casnet_cli.export.metadata import INSIDE
    from casnet_cli.export.tracing import Traced, image_input
    from casnet_cli.inference.inference_model import InferenceModel

    graph = Graph(InferenceModel(model, plain=True), spec.scale, spec.probabilities, spec.intensities)
    target = folder / FORMAT.file
    Traced(graph.whole, [image_input(spec.size, spec.intensities)]).save(target)
    text = json.dumps(spec.description, indent=2) + "\n"
    (target / "assets.extra").mkdir()
    (target / "assets.extra" / INSIDE).write_text(text, encoding="utf-8")
    (folder / "model.json").write_text(text, encoding="utf-8")
    return target


def load(folder: Path) -> PredictFunction:
    """A function of images, one by one."""
    from casnet_cli import backend

    backend.start()
    from casnet_cli.export.tracing import saved_model

    return saved_model(folder)


FORMAT = ExportFormat(name="savedmodel", file="saved_model", write=write, precisions=("float32",), load=load)
