"""The files of an export, written into a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.export import quantize
from casnet_cli.export.graph import Graph
from casnet_cli.export.metadata import INSIDE, SAYS, put_behind, put_into_onnx
from casnet_cli.export.tracing import OPSET, Traced, cell_inputs, image_input
from casnet_cli.inference.inference_model import InferenceModel

ONNX, LITERT, SAVED, FIRST, SECOND = "model.onnx", "model.tflite", "saved_model", "coarse.onnx", "fine.onnx"
HALF_FROM = 1024
"""Numbers from which on an array of weights is kept in half precision."""


@dataclass(frozen=True)
class ExportSpec:
    """precision: float32, float16 or int8. size: height and width, or any. images: to calibrate integers by."""

    precision: str
    size: tuple[int, int] | None
    scale: float
    tells: bool
    description: dict[str, Any]
    images: Sequence[np.ndarray] = ()


def onnx(model: Any, wanted: ExportSpec, folder: Path) -> Path:
    """model: as `build_casnet` makes it."""
    deployed = InferenceModel(model, plain=True)
    graph = Graph(deployed, wanted.scale, wanted.tells)
    file = folder / ONNX
    _write_onnx(Traced(graph.whole, [image_input(wanted.size)]), file, wanted, ("image",), deployed.body)
    return file


def two_onnx(model: Any, wanted: ExportSpec, folder: Path) -> Path:
    """The coarse branch and attention in one file, the fine branch in another, which goes on from the first's cells."""
    deployed = InferenceModel(model, easy_below=0.0, plain=True)
    graph = Graph(deployed, wanted.scale, wanted.tells)
    first, second = (replace(wanted, description=wanted.description | {"part": part}) for part in ("coarse", "fine"))
    _write_onnx(Traced(graph.coarse, [image_input(wanted.size)]), folder / FIRST, first, ("image",), deployed.body)
    channels = {name: deployed.first.model.output[name].shape[-1] for name in ("features", "coarse", "attention")}
    inputs = cell_inputs(channels)
    _write_onnx(Traced(graph.fine, inputs), folder / SECOND, second, (*channels, "size"), deployed.body)
    return folder / FIRST


def _write_onnx(traced: Traced, file: Path, wanted: ExportSpec, inputs: tuple[str, ...], body: str) -> None:
    import onnx as models

    model = traced.onnx()
    _rename(model.graph, inputs)
    if wanted.precision == "float16":
        _halve(model.graph)
    if wanted.precision == "int8":
        models.save(model, file)
        quantize.onnx(file, wanted.images, body)
        model = models.load(file)
    put_into_onnx(model, wanted.description | {"opset": OPSET})
    models.checker.check_model(model, full_check=True)
    models.save(model, file)


def _rename(graph: Any, inputs: tuple[str, ...]) -> None:
    """Inputs and outputs by their plain names, their open sides by what they are."""
    names = {
        tensor.name: tensor.name.removeprefix("said/").partition(":")[0] for tensor in (*graph.input, *graph.output)
    }
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    order = [*SAYS, "features", "coarse", "attention"]
    outputs = sorted(graph.output, key=lambda tensor: order.index(names[tensor.name]))
    del graph.output[:]
    graph.output.extend(outputs)
    for tensor in (*graph.input, *graph.output):
        tensor.name = names[tensor.name]
        grid = tensor.name in ("features", "coarse", "attention")
        sides = ("batch", "rows", "columns") if grid else ("batch", "height", "width")
        for axis, side in zip(tensor.type.tensor_type.shape.dim, sides, strict=False):
            if not axis.dim_value:
                axis.dim_param = side


def _halve(graph: Any) -> None:
    """Keep large weights in half precision; they are widened when the file is loaded."""
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


def litert(model: Any, wanted: ExportSpec, folder: Path) -> Path:
    deployed = InferenceModel(model, plain=True)
    graph = Graph(deployed, wanted.scale, wanted.tells)
    content = Traced(graph.whole, [image_input(wanted.size)]).litert(wanted.precision == "float16")
    if wanted.precision == "int8":
        layers = [layer for layer in deployed.first.model.layers if hasattr(layer, "kernel")]
        large = [layer.name for layer in layers if np.prod(layer.kernel.shape) * 4 > quantize.LARGEST]
        content = quantize.litert(content, wanted.images, deployed.body, large)
    file = folder / LITERT
    file.write_bytes(content)
    put_behind(file, wanted.description)
    (folder / "model.json").write_text(json.dumps(wanted.description, indent=2) + "\n", encoding="utf-8")
    return file


def saved_model(model: Any, wanted: ExportSpec, folder: Path) -> Path:
    graph = Graph(InferenceModel(model, plain=True), wanted.scale, wanted.tells)
    target = folder / SAVED
    Traced(graph.whole, [image_input(wanted.size)]).save(target)
    text = json.dumps(wanted.description, indent=2) + "\n"
    (target / "assets.extra").mkdir()
    (target / "assets.extra" / INSIDE).write_text(text, encoding="utf-8")
    (folder / "model.json").write_text(text, encoding="utf-8")
    return target


WRITERS = {"onnx": onnx, "litert": litert, "savedmodel": saved_model}
