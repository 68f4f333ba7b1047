"""From the cells of a map to the pixels of the image: resized, normalized, fused (eq. 8), and judged.

Arrays are (K, H, W) or (H, W): sums over classes then run along the rows of memory. The resize (eqs. 2, 4, 7) is the
product with two matrices of `grid.Axis`, so any part of an image, enlarged in whatever way, is one graph's work.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

Told = dict[str, Any]
Said = Callable[[Told], Told]


def reader(branches: tuple[str, ...], classes: int, said: Said) -> keras.Model:
    """A network from the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w) to what
    `said` makes of the probabilities of H x W pixels: `coarse`, `fine`, `fused` (K, H, W), `difficult`, 1 − p_a (H, W).
    """
    channels = {name: 1 if name == "attention" else classes for name in branches}
    inputs = {name: _open_input((None, None, count), name) for name, count in channels.items()}
    inputs |= {name: _open_input((None, None), name) for name in ("left", "right")}
    return keras.Model(inputs, _Reading(said, dtype=_wide())(inputs))


def judge(branches: tuple[str, ...], classes: int, said: Said) -> keras.Model:
    """A network from probabilities, as `reader` makes them, to what `said` makes of them."""
    inputs = {
        name: _open_input((None, None) if name == "difficult" else (classes, None, None), name)
        for name in told_of(branches)
    }
    return keras.Model(inputs, _Judging(said, dtype=_wide())(inputs))


def told_of(branches: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what a network of those branches tells of a pixel."""
    return (*("difficult" if name == "attention" else name for name in branches), "fused")


class _Judging(keras.layers.Layer):
    def __init__(self, said: Said, **kwargs: Any):
        super().__init__(**kwargs)
        self._said = said

    def call(self, inputs: Told) -> Told:
        return self._said(inputs)


class _Reading(_Judging):
    def call(self, inputs: Told) -> Told:
        left, right = inputs["left"], ops.transpose(inputs["right"])
        cells = {name: ops.cast(x, self.compute_dtype) for name, x in inputs.items() if name not in ("left", "right")}
        return self._said(probabilities(cells, lambda x: ops.matmul(ops.matmul(left, x), right)))


def probabilities(cells: Told, resize: Callable[[Any], Any]) -> Told:
    """Of every pixel, from the cells of each branch (…, h, w, ·): `coarse`, `fine`, `fused` (K, …, H, W), and
    `difficult` (…, H, W). resize: takes a map (·, …, h, w) to its pixels."""

    def spread(name: str) -> Any:
        x = ops.moveaxis(cells[name], -1, 0)
        # A softmax is the same whatever is taken from all classes of a pixel: this keeps exp from overflowing.
        return resize(x - ops.max(x, axis=0, keepdims=True))

    found: Told = {name: ops.exp(spread(name)) for name in ("coarse", "fine") if name in cells}
    sums = {name: ops.sum(x, axis=0) for name, x in found.items()}
    told: Told = {name: x / sums[name] for name, x in found.items()}
    if "attention" in cells:
        easy = resized_attention(cells["attention"], resize)
        told["difficult"] = ops.sigmoid(-easy)
        shares = ops.sigmoid(easy) / sums["coarse"], told["difficult"] / sums["fine"]
        told["fused"] = found["coarse"] * shares[0] + found["fine"] * shares[1]
    elif len(found) == 2:
        told["fused"] = (told["coarse"] + told["fine"]) / 2
    else:
        told["fused"] = next(iter(told.values()))
    return told


def resized_attention(cells: Any, resize: Callable[[Any], Any]) -> Any:
    """(…, h, w, 1) → (…, H, W)."""
    return resize(cells[..., 0][None])[0]  # tf2onnx moves an axis of 1 wrongly where there are several images


def _open_input(shape: tuple[int | None, ...], name: str) -> Any:
    return keras.Input(batch_shape=shape, name=name, dtype=_wide())


def _wide() -> str:
    """float64 where the network computes in it, else float32: half precision is too coarse for a softmax."""
    return "float64" if keras.config.floatx() == "float64" else "float32"


def answers(told: Told) -> Told:
    """What prediction asks, (H, W) each: `mask` uint8, class ids of the answer; `confidence`, its probability; and
    `difficulty` 0..1."""
    best = ops.max(told["fused"], axis=0)
    return {"mask": winner(told["fused"], best), "confidence": best, "difficulty": difficulty(told)}


def difficulty(told: Told) -> Any:
    """1 − p_a, or without an attention branch entropy / log K."""
    return told["difficult"] if "difficult" in told else entropy(told["fused"])


def prediction(temperature: float | None, probabilities: bool = False) -> Said:
    """`answers` with the calibrated confidence, if there is a temperature, and, if asked, `probabilities` (K, H, W)."""

    def said(told: Told) -> Told:
        found = answers(told)
        if temperature:
            found["confidence"] = calibrated(told["fused"], temperature)
        return found | ({"probabilities": told["fused"]} if probabilities else {})

    return said


def branch_answers(told: Told) -> Told:
    """`answers`, and the classes that `coarse` and `fine` say by themselves where there are such branches."""
    return answers(told) | {name: winner(told[name]) for name in ("coarse", "fine") if name in told}


def ranks(told: Told) -> Told:
    """What images are ranked by, (H, W) each: `mask`, `difficulty`, `entropy` and `margin`."""
    said, scores = answers(told), doubts(told["fused"])
    return {name: said[name] for name in ("mask", "difficulty")} | {
        name: scores[name] for name in ("entropy", "margin")
    }


def measures(temperature: float | None) -> Said:
    """`branch_answers`, and what else measuring needs, (H, W) each: `coarse_…` of the coarse answer's softmax, if there
    is one, and `final_…` of the fused one's, the scores of `doubts`; and `calibrated`, if there is a temperature."""

    def said(told: Told) -> Told:
        found = branch_answers(told)
        for name, branch in (("coarse", "coarse"), ("final", "fused")):
            if branch in told:
                found |= {f"{name}_{score}": x for score, x in doubts(told[branch]).items()}
        return found | ({"calibrated": calibrated(told["fused"], temperature)} if temperature else {})

    return said


def calibrated(p: Any, temperature: float) -> Any:
    """The largest probability of softmax(log p / temperature), (K, H, W) → (H, W)."""
    cooled = p ** (1 / temperature)
    return ops.max(cooled, axis=0) / ops.sum(cooled, axis=0)


def winner(p: Any, best: Any = None, counted_in: str = "uint8") -> Any:
    """The first class of the largest value, (K, …) → (…) of that dtype. Many times faster than ops.argmax here."""
    best = ops.max(p, axis=0) if best is None else best
    return ops.min(ops.where(p >= best, _classes(p, counted_in), ops.cast(255, counted_in)), axis=0)


def _classes(p: Any, dtype: str) -> Any:
    """(K, 1, …): the number of each class, to be compared with (K, …)."""
    return ops.cast(np.arange(p.shape[0]).reshape(-1, *[1] * (len(p.shape) - 1)), dtype)


def doubts(p: Any) -> Told:
    """Probabilities (K, H, W) → (H, W) 0..1 each, high where a softmax is in doubt.

    `entropy` / log K; `max_softmax`, 1 − the largest probability; `margin`, 1 − its lead on the second.
    """
    best = ops.max(p, axis=0)
    others = ops.where(_classes(p, "uint8") != winner(p, best), p, 0.0)
    rest = ops.sum(others, axis=0)
    return {"entropy": entropy(p), "max_softmax": rest, "margin": rest + ops.max(others, axis=0)}


def entropy(p: Any) -> Any:
    """−Σ p log p / log K of probabilities (K, …), 0..1."""
    tiny = 1e-30
    return -ops.sum(p * ops.log(ops.maximum(p, tiny)), axis=0) / max(1.0, float(np.log(p.shape[0])))
