"""A network asked several times about one image, mirrored and at other scales, and its answers averaged."""

from typing import Any

import keras
from keras import ops

from casnet_cli.model.resize import aligned_step, along_axes, hat

PROTOCOLS: dict[str, tuple[tuple[float, ...], bool]] = {
    "none": ((1.0,), False),
    "flip": ((1.0,), True),
    "multiscale": ((0.75, 1.0, 1.25, 1.5), True),
}
"""Relative scales, and whether each is also asked mirrored: 1, 2 and 8 passes."""


@keras.saving.register_keras_serializable("casnet")
class Rescale(keras.layers.Layer):
    """Bilinear, corners aligned: [(B, h, w, C), (B, H, W, *)] → (B, factor · H, factor · W, C), whole, at least 2."""

    def __init__(self, factor: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs: Any) -> Any:
        x, image = inputs
        left, right = (
            hat(size, cells, aligned_step(cells, size), x.dtype)
            for size, cells in zip(map(self._scaled, ops.shape(image)[1:3]), ops.shape(x)[1:3], strict=True)
        )
        return along_axes(x, left, right)

    def _scaled(self, size: Any) -> Any:
        if self.factor == 1.0:
            return size
        return ops.maximum(ops.cast(ops.round(ops.cast(size, "float32") * self.factor), "int32"), 2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        x, image = input_shape
        return (*(image if self.factor == 1.0 else (image[0], None, None))[:3], x[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("casnet")
class LogMean(keras.layers.Layer):
    """The logarithm of the mean of a list of probabilities (B, H, W, C) each."""

    def call(self, inputs: Any) -> Any:
        tiny = keras.config.epsilon() ** 4  # no probability of a softmax is zero, but its exponential may round to it
        return ops.log(ops.maximum(sum(inputs) / len(inputs), tiny))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


def averaged(model: keras.Model, protocol: str, scale: float = 1.0) -> keras.Model:
    """`build_casnet`'s network with the same inputs and outputs, averaged over the passes of a protocol.

    scale: what the protocol's scales are relative to.
    """
    relative, mirrored = PROTOCOLS[protocol]
    scales = tuple(scale * factor for factor in relative)
    if (scales, mirrored) == ((1.0,), False):
        return model
    image = keras.Input((None, None, 3), name="image")
    found: dict[str, list[Any]] = {}
    for scale in scales:
        scaled = image if scale == 1.0 else Rescale(scale)([image, image])
        for turned in (False, True)[: 1 + mirrored]:
            outputs = model(ops.flip(scaled, axis=2) if turned else scaled)
            for name, x in outputs.items():
                p = ops.exp(ops.flip(x, axis=2) if turned else x)
                found.setdefault(name, []).append(p if scale == 1.0 else Rescale(dtype=p.dtype)([p, image]))
    return keras.Model(image, {name: LogMean(dtype=each[0].dtype)(each) for name, each in found.items()})
