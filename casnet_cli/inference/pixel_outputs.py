"""Outputs for every pixel, computed from its probabilities: classes, difficulty, confidence.

They are computed from `PixelTensors` as `postprocess.probabilities` makes them: `fused` and, where the network has such
branches, `coarse` and `fine`, (K, H, W) each, and `difficult`, 1 − p_a, (H, W).
"""

import keras
import numpy as np
from keras import ops

from casnet_cli.inference.outputs import BRANCH_PREFIX, CLASS_PREFIX, Outputs
from casnet_cli.inference.postprocess import PixelFunction, PixelTensors


def pixel_function(outputs: Outputs, branches: tuple[str, ...]) -> PixelFunction:
    """The function that computes a choice of outputs from the probabilities of a network with those branches."""
    names = outputs.of(branches)

    def computed(pixels: PixelTensors) -> PixelTensors:
        found = _Quantities(pixels, outputs.temperature)
        return {name: found[quantity] for name, quantity in names.items()}

    return computed


class _Quantities(dict[str, keras.KerasTensor]):
    """The quantities of `outputs.quantities`, each computed when it is first taken."""

    def __init__(self, pixels: PixelTensors, temperature: float | None):
        super().__init__({f"{BRANCH_PREFIX}{name}": x for name, x in pixels.items()})
        self._pixels, self._temperature = pixels, temperature

    def __missing__(self, name: str) -> keras.KerasTensor:
        fused = self._pixels["fused"]
        if name == "confidence":
            self[name] = ops.max(fused, axis=0)
        elif name == "mask":
            self[name] = argmax_classes(fused, self["confidence"])
        elif name == "difficulty":
            self[name] = difficulty(self._pixels)
        elif name == "calibrated":
            assert self._temperature
            self[name] = calibrated(fused, self._temperature)
        elif name.startswith(CLASS_PREFIX):
            self[name] = argmax_classes(self._pixels[name.removeprefix(CLASS_PREFIX)])
        else:
            branch = name.partition("_")[0]
            scores = uncertainty_scores(self._pixels["coarse" if branch == "coarse" else "fused"])
            self.update({f"{branch}_{score}": x for score, x in scores.items()})
        return self[name]


def difficulty(pixels: PixelTensors) -> keras.KerasTensor:
    """1 − p_a, or without an attention branch entropy / log K; (H, W)."""
    return pixels["difficult"] if "difficult" in pixels else entropy(pixels["fused"])


def calibrated(p: keras.KerasTensor, temperature: float) -> keras.KerasTensor:
    """The largest probability of softmax(log p / temperature), (K, H, W) → (H, W)."""
    cooled = p ** (1 / temperature)
    return ops.max(cooled, axis=0) / ops.sum(cooled, axis=0)


def argmax_classes(
    p: keras.KerasTensor, best: keras.KerasTensor | None = None, counted_in: str = "uint8"
) -> keras.KerasTensor:
    """The first class of the largest value, (K, …) → (…) of that dtype. Many times faster than ops.argmax here.

    best: the largest values, (…), where they are known already.
    """
    best = ops.max(p, axis=0) if best is None else best
    return ops.min(ops.where(p >= best, _classes(p, counted_in), ops.cast(255, counted_in)), axis=0)


def _classes(p: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """(K, 1, …): the number of each class, to be compared with (K, …)."""
    return ops.cast(np.arange(p.shape[0]).reshape(-1, *[1] * (len(p.shape) - 1)), dtype)


def uncertainty_scores(p: keras.KerasTensor) -> PixelTensors:
    """Probabilities (K, H, W) → (H, W) 0..1 each, high where a softmax is uncertain.

    `entropy` / log K; `max_softmax`, 1 − the largest probability; `margin`, 1 − its lead on the second.
    """
    best = ops.max(p, axis=0)
    others = ops.where(_classes(p, "uint8") != argmax_classes(p, best), p, 0.0)
    rest = ops.sum(others, axis=0)
    return {"entropy": entropy(p), "max_softmax": rest, "margin": rest + ops.max(others, axis=0)}


def entropy(p: keras.KerasTensor) -> keras.KerasTensor:
    """−Σ p log p / log K of probabilities (K, …), 0..1."""
    tiny = 1e-30
    return -ops.sum(p * ops.log(ops.maximum(p, tiny)), axis=0) / max(1.0, float(np.log(p.shape[0])))
