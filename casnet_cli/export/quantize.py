"""Convolutions in integers of eight bits: weights by channel, activations by their ranges on training images.

What follows the cells, and what pools, stays in single precision: a softmax of 256 steps is of no use.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from casnet_cli import backend

if TYPE_CHECKING:
    import onnx as onnx_package

LARGEST = 1 << 25
"""Bytes of weights up to which LiteRT's quantizer can divide them by channel."""

Images = Iterable[np.ndarray]
"""(H, W, N) as stored."""


def onnx(file: Path, images: Images, body: str, bands: int = 3) -> None:
    """Quantize an ONNX file in place. body: in the names of the backbone's nodes, whose sums are quantized too. bands:
    of the images."""
    import onnx as models
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._images = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._images, None)
            return None if image is None else {"image": image[None]}

    with _quietly():
        quantize_static(
            file,
            file,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_too_fine(models.load(file).graph, body, bands),
        )


def _too_fine(graph: "onnx_package.GraphProto", body: str, bands: int) -> list[str]:
    """Names of nodes that eight bits are too few for: the first convolution, the logits, and sums outside the body; and
    of depthwise convolutions, which in integers are both less exact and slower there."""
    inputs = {weight.name: weight.dims[1] for weight in graph.initializer if len(weight.dims) == 4}
    return [
        node.name
        for node in graph.node
        if (node.op_type == "Conv" and ("logits" in node.name or inputs[node.input[1]] in (1, bands)))
        or (node.op_type == "Add" and body not in node.name)
    ]


def litert(content: bytes, images: Images, body: str, too_large: Sequence[str] = ()) -> bytes:
    """A LiteRT file with its convolutions quantized. body: as above. too_large: in the names of operations with weights
    of more than `LARGEST` bytes, which the quantizer cannot divide by channel."""
    from ai_edge_quantizer import qtyping, quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    weights = qtyping.TensorQuantizationConfig(8, granularity=qtyping.QuantGranularity.CHANNELWISE)
    activations = qtyping.TensorQuantizationConfig(8, symmetric=False)
    integers = qtyping.OpQuantizationConfig(activations, weights, compute_precision=qtyping.ComputePrecision.INTEGER)
    operations = qtyping.TFLOperationName
    with _quietly():
        work = quantizer.Quantizer(bytearray(content))
        for operation in (operations.CONV_2D, operations.DEPTHWISE_CONV_2D):
            work.update_quantization_recipe(".*", operation, integers)
        work.update_quantization_recipe(f".*{body}.*", operations.ADD, integers)
        for name in too_large:
            work.update_quantization_recipe(f".*{name}.*", operations.CONV_2D, algorithm_key=AlgorithmName.NO_QUANTIZE)
        found = work.calibrate({"serving_default": [{"image": image[None]} for image in images]})
        return bytes(work.quantize(found).quantized_model)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the quantizers' reports of every step, on both streams and in the log."""
    logging.disable(logging.WARNING)
    try:
        with backend.silence(), redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
