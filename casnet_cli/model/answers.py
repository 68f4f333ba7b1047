"""Ask a network about images, on any Keras back end: answers and measures of doubt are computed inside the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from casnet_cli.model.averaging import averaged
from casnet_cli.model.fusion import EASY
from casnet_cli.model.sliding import sliding

Asked = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Protocol:
    """How a network is asked. tta: one of `averaging.PROTOCOLS`. scale: by which it sees every image enlarged. tile:
    side of the overlapping tiles it is asked about, in pixels of the image; None for whole images."""

    tta: str = "none"
    scale: float = 1.0
    tile: int | None = None


def answering(model: keras.Model, protocol: Protocol) -> Asked:
    """A function of an image (H, W, 3) uint8 RGB of any size: what `answers` says of it, without batch axis."""
    asked = _asked(model, protocol, answers)
    return lambda image: {name: values[0] for name, values in asked(image[None]).items()}


def measuring(model: keras.Model, protocol: Protocol, temperature: float | None) -> Asked:
    """A function of images of one size (B, H, W, 3) uint8 RGB: what `answers` and `measures` say of them."""
    return _asked(model, protocol, lambda found: answers(found) | measures(found, temperature))


def scoring(model: keras.Model, protocol: Protocol) -> Callable[[np.ndarray], np.ndarray]:
    """A function of an image (H, W, 3) uint8 RGB: the fused log-probabilities (H, W, K) float32."""
    asked = _asked(model, protocol, lambda found: {"fused": found["fused"]})
    return lambda image: asked(image[None])["fused"][0]


def _asked(model: keras.Model, protocol: Protocol, said: Callable[[dict[str, Any]], dict[str, Any]]) -> Asked:
    network = averaged(model, protocol.tta, protocol.scale)
    if protocol.tile is None:
        image = keras.Input((None, None, 3), name="image")
        return _calling(keras.Model(image, said(network(image))))
    inputs = {
        name: keras.Input((None, None, x.shape[-1]), dtype=x.dtype, name=name) for name, x in network.output.items()
    }
    in_tiles, judged = sliding(_calling(network), protocol.tile), _calling(keras.Model(inputs, said(inputs)))
    return lambda images: judged(in_tiles(images))


def _calling(model: keras.Model) -> Callable[[Any], dict[str, np.ndarray]]:
    # XLA compiles anew for every size, and on a processor its depthwise convolutions are many times slower.
    model.jit_compile = keras.backend.backend() != "tensorflow"

    def call(given: Any) -> dict[str, np.ndarray]:
        given = given if isinstance(given, dict) else given.astype(keras.config.floatx())
        return {name: np.asarray(values) for name, values in model.predict_on_batch(given).items()}

    return call


def answers(outputs: dict[str, Any]) -> dict[str, Any]:
    """What evaluation and prediction ask of a network, (B, H, W) each, from its log-probabilities (B, H, W, ·).

    `mask` int32, class ids of the answer; `confidence` its probability; `difficulty` 0..1: 1 − p_a, or without an
    attention branch entropy / log K; and `coarse`, `fine` int32 where there are such branches.
    """
    final = outputs["fused"]
    found: dict[str, Any] = {}
    for branch in ("coarse", "fine"):
        if branch in outputs:
            found[branch] = ops.argmax(outputs[branch], axis=-1)
    found["mask"] = ops.argmax(final, axis=-1)
    found["confidence"] = ops.exp(ops.max(final, axis=-1))
    found["difficulty"] = ops.exp(outputs["attention"][..., 1 - EASY]) if "attention" in outputs else entropy(final)
    return found


def measures(outputs: dict[str, Any], temperature: float | None) -> dict[str, Any]:
    """What measuring a network needs beside `answers`, (B, H, W) each.

    `coarse_…` of the coarse answer's softmax, if there is one, and `final_…` of the fused one's: the scores of
    `doubts`. `calibrated`: the largest probability of softmax(log p / temperature), where there is a temperature.
    """
    found: dict[str, Any] = {}
    for name, branch in (("coarse", "coarse"), ("final", "fused")):
        if branch in outputs:
            found |= {f"{name}_{score}": x for score, x in doubts(outputs[branch]).items()}
    if temperature:
        scaled = outputs["fused"] / temperature
        found["calibrated"] = ops.exp(ops.max(scaled, axis=-1) - ops.logsumexp(scaled, axis=-1))
    return found


def doubts(scores: Any) -> dict[str, Any]:
    """Log-probabilities (B, H, W, K) → (B, H, W) 0..1 each, high where a softmax is in doubt.

    `entropy` / log K; `max_softmax`, 1 − the largest probability; `margin`, 1 − its lead on the second.
    """
    winner = ops.equal(ops.expand_dims(ops.argmax(scores, axis=-1), -1), ops.arange(scores.shape[-1]))
    second = ops.max(ops.where(winner, -1e9, scores), axis=-1)  # many times faster than ops.top_k
    rest = -ops.expm1(ops.max(scores, axis=-1))
    return {"entropy": entropy(scores), "max_softmax": rest, "margin": rest + ops.exp(second)}


def entropy(scores: Any) -> Any:
    """−Σ p log p / log K of log-probabilities (..., K), 0..1."""
    return -ops.sum(ops.exp(scores) * scores, axis=-1) / max(1.0, float(np.log(scores.shape[-1])))
