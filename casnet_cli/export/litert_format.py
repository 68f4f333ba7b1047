"""LiteRT files (once TensorFlow Lite): written from the traced graph, and opened in ai_edge_litert."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.errors import RunError, reason
from casnet_cli.export.base import ExportFormat, ExportSpec, Session

if TYPE_CHECKING:
    import keras
    import numpy as np

    from casnet_cli.export.metadata import Description


def write(model: "keras.Model", spec: ExportSpec, folder: Path) -> Path:
    """The network in model.tflite, with its description behind it and in model.json."""
    import numpy as np

    from casnet_cli.export import quantize
    from casnet_cli.export.graph import Graph
    from casnet_cli.export.metadata import put_behind
    from casnet_cli.export.tracing import Traced, image_input
    from casnet_cli.inference.inference_model import InferenceModel

    network = InferenceModel(model, plain=True)
    graph = Graph(network, spec.scale, spec.probabilities, spec.intensities)
    content = Traced(graph.whole, [image_input(spec.size, spec.intensities)]).litert(spec.precision == "float16")
    if spec.precision == "int8":
        layers = [layer for layer in network.first.model.layers if hasattr(layer, "kernel")]
        large = [layer.name for layer in layers if np.prod(layer.kernel.shape) * 4 > quantize.LARGEST]
        content = quantize.litert(content, spec.images, network.body, large)
    file = folder / FORMAT.file
    file.write_bytes(content)
    put_behind(file, spec.description)
    (folder / "model.json").write_text(json.dumps(spec.description, indent=2) + "\n", encoding="utf-8")
    return file


def open_session(file: Path) -> "tuple[Session, Description]":
    """A model for ai_edge_litert, and its description. Raises RunError."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    from casnet_cli import backend
    from casnet_cli.export.metadata import intensities_of, of_litert

    description = of_litert(file)
    try:
        with backend.silence():
            interpreter = Interpreter(str(file), num_threads=os.cpu_count())
            runner = interpreter.get_signature_runner()
            height, width = description["size"] or (1, 1)
            own = intensities_of(description, file)
            runner(
                image=np.zeros((1, height, width, len(own.bands)), own.dtype)
            )  # it writes to the terminal at its first call
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{file}: not a readable LiteRT model: {reason(error)}") from None

    def run(inputs: "Mapping[str, np.ndarray]") -> "dict[str, np.ndarray]":
        return runner(**inputs)

    return run, description


FORMAT = ExportFormat(
    name="litert",
    file="model.tflite",
    write=write,
    packages=("ai_edge_litert",),
    int8_packages=("ai_edge_quantizer",),
    runtime="ai_edge_litert",
    open_session=open_session,
)
