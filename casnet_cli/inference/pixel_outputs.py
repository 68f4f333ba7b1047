"""Outputs for every pixel, computed from its probabilities: classes, difficulty, confidence.

The functions that a predictor can be given take `PixelTensors` as `postprocess.probabilities` makes them: `fused` and,
where the network has such branches, `coarse` and `fine`, (K, H, W) each, and `difficult`, 1 − p_a, (H, W).
"""

import keras
import numpy as np
from keras import ops

from casnet_cli.inference.postprocess import PixelFunction, PixelTensors


def mask_outputs(pixels: PixelTensors) -> PixelTensors:
    """What prediction needs, (H, W): `mask` uint8, class ids; `confidence`, their probability; `difficulty` 0..1."""
    best = ops.max(pixels["fused"], axis=0)
    return {"mask": argmax_classes(pixels["fused"], best), "confidence": best, "difficulty": difficulty(pixels)}


def difficulty(pixels: PixelTensors) -> keras.KerasTensor:
    """1 − p_a, or without an attention branch entropy / log K; (H, W)."""
    return pixels["difficult"] if "difficult" in pixels else entropy(pixels["fused"])


def prediction_outputs(temperature: float | None, probabilities: bool = False) -> PixelFunction:
    """`mask_outputs`, the confidence calibrated if there is a temperature, and on request `probabilities` (K, H, W)."""

    def outputs(pixels: PixelTensors) -> PixelTensors:
        found = mask_outputs(pixels)
        if temperature:
            found["confidence"] = calibrated(pixels["fused"], temperature)
        return found | ({"probabilities": pixels["fused"]} if probabilities else {})

    return outputs


def branch_outputs(pixels: PixelTensors) -> PixelTensors:
    """`mask_outputs`, and the classes of the branches `coarse` and `fine` alone where there are such branches."""
    return mask_outputs(pixels) | {name: argmax_classes(pixels[name]) for name in ("coarse", "fine") if name in pixels}


def ranking_outputs(pixels: PixelTensors) -> PixelTensors:
    """What images are ranked by, (H, W) each: `mask`, `difficulty`, `entropy` and `margin`."""
    found, scores = mask_outputs(pixels), uncertainty_scores(pixels["fused"])
    return {name: found[name] for name in ("mask", "difficulty")} | {
        name: scores[name] for name in ("entropy", "margin")
    }


def evaluation_outputs(temperature: float | None) -> PixelFunction:
    """`branch_outputs`, and what else evaluation needs, (H, W) each.

    `coarse_…` and `final_…` are the `uncertainty_scores` of the coarse branch, if there is one, and of the fused
    probabilities; `calibrated` is the calibrated confidence, if there is a temperature.
    """

    def outputs(pixels: PixelTensors) -> PixelTensors:
        found = branch_outputs(pixels)
        for name, branch in (("coarse", "coarse"), ("final", "fused")):
            if branch in pixels:
                found |= {f"{name}_{score}": x for score, x in uncertainty_scores(pixels[branch]).items()}
        return found | ({"calibrated": calibrated(pixels["fused"], temperature)} if temperature else {})

    return outputs


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
