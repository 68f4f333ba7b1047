"""Graphs in TensorFlow's hands: traced, and written as SavedModel, ONNX and LiteRT."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from casnet_cli import backend
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import BackendError, reason
from casnet_cli.export.base import PredictFunction

if TYPE_CHECKING:
    import onnx
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

LARGE = 1 << 16
"""Bytes of a weight from which on it is kept from the converter, which would copy it many times."""

OUTPUT_PREFIX = "said/"
"""Before the names of outputs while they may clash with those of inputs and operations."""


def image_input(size: tuple[int, int] | None, intensities: Intensities = PLAIN) -> tf.TensorSpec:
    """Of `Graph.whole` and `Graph.coarse`: images of those intensities, of that height and width, or of any."""
    shape = (None, *(size or (None, None)), len(intensities.bands))
    return tf.TensorSpec(shape, tf.as_dtype(intensities.dtype), name="image")


def cell_inputs(channels: dict[str, int]) -> list[tf.TensorSpec]:
    """Of `Graph.fine`: `features`, `coarse`, `attention` with so many channels, and `size`."""
    cells = [tf.TensorSpec((None, None, None, count), tf.float32, name=name) for name, count in channels.items()]
    return [*cells, tf.TensorSpec((2,), tf.int32, name="size")]


class Traced:
    """A function of tensors by name with its weights as constants, ready to be written."""

    def __init__(self, call: Callable[..., Mapping[str, tf.Tensor]], inputs: list[tf.TensorSpec]):
        with _quietly():
            traced = tf.function(call, input_signature=inputs, autograph=False).get_concrete_function()
            self._frozen = convert_variables_to_constants_v2(traced)
        self._inputs, self._names = inputs, sorted(traced.structured_outputs)

    def save(self, folder: Path) -> None:
        """As a SavedModel: its signature `serving_default` takes and gives tensors by name."""
        module = tf.Module()

        def call(*given: tf.Tensor) -> dict[str, tf.Tensor]:
            return dict(zip(self._names, self._frozen(*given), strict=True))

        with _quietly():
            module.call = tf.function(call, input_signature=self._inputs, autograph=False)
            tf.saved_model.save(module, str(folder), signatures=module.call)

    def onnx(self, opset: int) -> "onnx.ModelProto":
        """As an ONNX model: inputs and outputs by name, of open sizes where they are open here."""
        import tf2onnx

        graph = self._frozen.graph.as_graph_def()
        _dilate(graph)
        weights = _taken_out(graph)
        for name, tensor in zip(self._names, self._frozen.outputs, strict=True):
            node = graph.node.add(name=f"{OUTPUT_PREFIX}{name}", op="Identity", input=[tensor.name])
            node.attr["T"].type = tensor.dtype.as_datatype_enum
        inputs = [f"{name}:0" for name in (*(spec.name for spec in self._inputs), *weights)]
        outputs = [f"{OUTPUT_PREFIX}{name}:0" for name in self._names]
        with _quietly():
            model, _ = tf2onnx.convert.from_graph_def(graph, input_names=inputs, output_names=outputs, opset=opset)
        _put_back(model.graph, weights)
        _name_plainly(model.graph)
        return model

    def litert(self, half: bool = False) -> bytes:
        """As a LiteRT file; half: its weights in half precision. Raises BackendError."""
        with TemporaryDirectory(prefix="casnet-export-") as name, _quietly():
            self.save(Path(name))
            converter = tf.lite.TFLiteConverter.from_saved_model(name)
            if half:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            try:
                return converter.convert()
            except Exception as error:  # ConverterError is not public
                raise BackendError(f"LiteRT: its converter refuses the network: {reason(error)}") from None


def saved_model(folder: Path) -> PredictFunction:
    """A SavedModel as a function of images (H, W, N), one by one."""
    with _quietly():
        loaded = tf.saved_model.load(str(folder))

    def predict(image: np.ndarray) -> dict[str, np.ndarray]:
        # The signature alone would not keep what was loaded alive.
        outputs = loaded.signatures["serving_default"](image=tf.constant(image[None]))
        return {name: np.asarray(x)[0] for name, x in outputs.items()}

    return predict


def _taken_out(graph: "GraphDef") -> dict[str, np.ndarray]:
    """Make inputs of the large weights, by name: tf2onnx keeps a dozen copies of what it converts. Kernels of depthwise
    convolutions stay, as it needs their values."""
    nodes = {node.name: node for node in graph.node}
    depthwise = [node.input[1] for node in graph.node if node.op == "DepthwiseConv2dNative"]
    kept = set(depthwise) | {name for kernel in depthwise for name in nodes[kernel].input}
    weights = {}
    for node in graph.node:
        if node.op != "Const" or node.name in kept or len(node.attr["value"].tensor.tensor_content) < LARGE:
            continue
        weights[node.name] = tf.make_ndarray(node.attr["value"].tensor)
        dtype, shape = node.attr["dtype"].type, node.attr["value"].tensor.tensor_shape
        node.op = "Placeholder"
        node.attr["shape"].shape.CopyFrom(shape)
        del node.attr["value"]
        node.attr["dtype"].type = dtype
    return weights


def _put_back(graph: "onnx.GraphProto", weights: dict[str, np.ndarray]) -> None:
    """Make initializers of those inputs, in the layout that the operator at hand takes."""
    from onnx import numpy_helper

    values = {f"{name}:0": value for name, value in weights.items()}
    inputs = [tensor for tensor in graph.input if tensor.name not in values]
    del graph.input[:]
    graph.input.extend(inputs)
    nodes = []
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in values:
            values[node.output[0]] = np.transpose(values[node.input[0]], node.attribute[0].ints)
        else:
            nodes.append(node)
    needed = {name for node in nodes for name in node.input}
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in values.items() if name in needed
    )


def _name_plainly(graph: "onnx.GraphProto") -> None:
    """Inputs and outputs by the names that they have here, without what TensorFlow and `OUTPUT_PREFIX` add to them."""
    tensors = (*graph.input, *graph.output)
    names = {tensor.name: tensor.name.removeprefix(OUTPUT_PREFIX).partition(":")[0] for tensor in tensors}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in tensors:
        tensor.name = names[tensor.name]


def _dilate(graph: "GraphDef") -> None:
    """Make dilated depthwise convolutions of what TensorFlow makes of them: it has none on a processor, and takes the
    map apart into one for each offset."""
    nodes = {node.name: node for node in graph.node}

    def source(node: "NodeDef", place: int) -> "NodeDef":
        found = nodes[node.input[place].partition(":")[0]]
        return source(found, 0) if found.op == "Identity" else found

    for joined in [node for node in graph.node if node.op == "BatchToSpaceND"]:
        convolution = source(joined, 0)
        apart = source(convolution, 0)
        rates, kernel = (tf.make_ndarray(source(node, 1).attr["value"].tensor) for node in (apart, convolution))
        around = [
            side for rate, size in zip(rates, kernel.shape[:2], strict=True) for side in [rate * (size - 1) // 2] * 2
        ]
        convolution.input[0] = apart.input[0]
        convolution.attr["dilations"].list.i[:] = [1, *map(int, rates), 1]
        convolution.attr["padding"].s = b"EXPLICIT"
        convolution.attr["explicit_paddings"].list.i[:] = [0, 0, *map(int, around), 0, 0]
        joined.op = "Identity"
        del joined.input[:]
        joined.input.append(convolution.name)
        dtype = joined.attr["T"].type
        joined.attr.clear()
        joined.attr["T"].type = dtype


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the converters' reports of every step, on both streams and past them."""
    levels = {name: logging.getLogger(name).level for name in ("tensorflow", "tf2onnx", "absl")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with (
            backend.silence(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
