"""ONNX files: written from the traced graph, as one file or two, and opened in onnxruntime."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from casnet_cli.errors import RunError, reason
from casnet_cli.export.base import ExportFormat, ExportSpec, Session

if TYPE_CHECKING:
    import keras
    import onnx

    from casnet_cli.export.metadata import Description
    from casnet_cli.export.tracing import Traced

OPSET = 18
"""The first version of the operators whose reductions take their axes alike."""

FIRST, SECOND = "coarse.onnx", "fine.onnx"
HALF_FROM = 1024
"""Elements from which on an array of weights is stored in half precision."""

CELLS = ("features", "coarse", "attention")
"""Outputs of the first of two files that are inputs of the second, (B, h, w, ·)."""


def write(model: "keras.Model", spec: ExportSpec, folder: Path) -> Path:
    """The whole network in model.onnx."""
    from casnet_cli.export.graph import Graph
    from casnet_cli.export.tracing import Traced, image_input
    from casnet_cli.inference.inference_model import InferenceModel

    network = InferenceModel(model, plain=True)
    graph = Graph(network, spec.scale, spec.probabilities, spec.intensities)
    file = folder / FORMAT.file
    _write(Traced(graph.whole, [image_input(spec.size, spec.intensities)]), file, spec, network.body)
    return file


def write_parts(model: "keras.Model", spec: ExportSpec, folder: Path) -> Path:
    """The coarse branch and attention in one file, the fine branch in another, which starts from the first's cells."""
    from casnet_cli.export.graph import Graph
    from casnet_cli.export.tracing import Traced, cell_inputs, image_input
    from casnet_cli.inference.inference_model import InferenceModel

    network = InferenceModel(model, easy_below=0.0, plain=True)
    graph = Graph(network, spec.scale, spec.probabilities, spec.intensities)
    first, second = (
        replace(spec, description=cast("Description", spec.description | {"part": part})) for part in ("coarse", "fine")
    )
    _write(
        Traced(graph.coarse, [image_input(spec.size, spec.intensities)]),
        folder / FIRST,
        first,
        network.body,
    )
    channels = {name: network.first.model.output[name].shape[-1] for name in CELLS}
    inputs = cell_inputs(channels)
    _write(Traced(graph.fine, inputs), folder / SECOND, second, network.body)
    return folder / FIRST


def open_session(file: Path) -> "tuple[Session, Description]":
    """A model for onnxruntime, and its description. Raises RunError."""
    from casnet_cli.export.metadata import of_onnx
    from casnet_cli.inference.onnx_network import OnnxSession

    try:
        session = OnnxSession(file)
    except Exception as error:  # each kind of damage has a class of its own, with no base but this
        raise RunError(f"{file}: not a readable ONNX model: {reason(error)}") from None
    return session, of_onnx(session.metadata, file)


def _write(traced: "Traced", file: Path, spec: ExportSpec, body: str) -> None:
    import onnx as models

    from casnet_cli.export import quantize
    from casnet_cli.export.metadata import put_into_onnx

    model = traced.onnx(OPSET)
    _arrange(model.graph)
    if spec.precision == "float16":
        _halve(model.graph)
    if spec.precision == "int8":
        models.save(model, file)
        quantize.onnx(file, spec.images, body, len(spec.intensities.bands))
        model = models.load(file)
    put_into_onnx(model, cast("Description", spec.description | {"opset": OPSET}))
    models.checker.check_model(model, full_check=True)
    models.save(model, file)


def _arrange(graph: "onnx.GraphProto") -> None:
    """Outputs in their order; open sides by what they are."""
    from casnet_cli.export.metadata import OUTPUTS

    order = [*OUTPUTS, *CELLS]
    outputs = sorted(graph.output, key=lambda tensor: order.index(tensor.name))
    del graph.output[:]
    graph.output.extend(outputs)
    for tensor in (*graph.input, *graph.output):
        sides = ("batch", "rows", "columns") if tensor.name in CELLS else ("batch", "height", "width")
        for axis, side in zip(tensor.type.tensor_type.shape.dim, sides, strict=False):
            if not axis.dim_value:
                axis.dim_param = side


def _halve(graph: "onnx.GraphProto") -> None:
    """Store large weights in half precision; they are widened when the file is loaded."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in graph.initializer:
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= HALF_FROM:
            name = weight.name
            half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}/half")
            weight.CopyFrom(half)
            casts.append(helper.make_node("Cast", [half.name], [name], f"{name}/widened", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


FORMAT = ExportFormat(
    name="onnx",
    file="model.onnx",
    write=write,
    packages=("tf2onnx", "onnx", "onnxruntime"),
    opset=OPSET,
    write_parts=write_parts,
    runtime="onnxruntime",
    open_session=open_session,
)
