"""What is read off the probabilities of each pixel: classes, difficulty, confidence."""

from typing import Any

import numpy as np
from keras import ops

from casnet_cli.inference.postprocess import PixelFunction, PixelTensors


def mask_outputs(told: PixelTensors) -> PixelTensors:
    """What prediction asks, (H, W) each: `mask` uint8, class ids of the answer; `confidence`, its probability; and
    `difficulty` 0..1."""
    best = ops.max(told["fused"], axis=0)
    return {"mask": argmax_classes(told["fused"], best), "confidence": best, "difficulty": difficulty(told)}


def difficulty(told: PixelTensors) -> Any:
    """1 − p_a, or without an attention branch entropy / log K."""
    return told["difficult"] if "difficult" in told else entropy(told["fused"])


def prediction_outputs(temperature: float | None, probabilities: bool = False) -> PixelFunction:
    """`answers` with the calibrated confidence, if there is a temperature, and, if asked, `probabilities` (K, H, W)."""

    def said(told: PixelTensors) -> PixelTensors:
        found = mask_outputs(told)
        if temperature:
            found["confidence"] = calibrated(told["fused"], temperature)
        return found | ({"probabilities": told["fused"]} if probabilities else {})

    return said


def branch_outputs(told: PixelTensors) -> PixelTensors:
    """`answers`, and the classes that `coarse` and `fine` say by themselves where there are such branches."""
    return mask_outputs(told) | {name: argmax_classes(told[name]) for name in ("coarse", "fine") if name in told}


def ranking_outputs(told: PixelTensors) -> PixelTensors:
    """What images are ranked by, (H, W) each: `mask`, `difficulty`, `entropy` and `margin`."""
    said, scores = mask_outputs(told), uncertainty_scores(told["fused"])
    return {name: said[name] for name in ("mask", "difficulty")} | {
        name: scores[name] for name in ("entropy", "margin")
    }


def evaluation_outputs(temperature: float | None) -> PixelFunction:
    """`branch_outputs`, and what else measuring needs, (H, W) each: `coarse_…` of the coarse answer's softmax, if there
    is one, and `final_…` of the fused one's, the scores of `doubts`; and `calibrated`, if there is a temperature."""

    def said(told: PixelTensors) -> PixelTensors:
        found = branch_outputs(told)
        for name, branch in (("coarse", "coarse"), ("final", "fused")):
            if branch in told:
                found |= {f"{name}_{score}": x for score, x in uncertainty_scores(told[branch]).items()}
        return found | ({"calibrated": calibrated(told["fused"], temperature)} if temperature else {})

    return said


def calibrated(p: Any, temperature: float) -> Any:
    """The largest probability of softmax(log p / temperature), (K, H, W) → (H, W)."""
    cooled = p ** (1 / temperature)
    return ops.max(cooled, axis=0) / ops.sum(cooled, axis=0)


def argmax_classes(p: Any, best: Any = None, counted_in: str = "uint8") -> Any:
    """The first class of the largest value, (K, …) → (…) of that dtype. Many times faster than ops.argmax here."""
    best = ops.max(p, axis=0) if best is None else best
    return ops.min(ops.where(p >= best, _classes(p, counted_in), ops.cast(255, counted_in)), axis=0)


def _classes(p: Any, dtype: str) -> Any:
    """(K, 1, …): the number of each class, to be compared with (K, …)."""
    return ops.cast(np.arange(p.shape[0]).reshape(-1, *[1] * (len(p.shape) - 1)), dtype)


def uncertainty_scores(p: Any) -> PixelTensors:
    """Probabilities (K, H, W) → (H, W) 0..1 each, high where a softmax is in doubt.

    `entropy` / log K; `max_softmax`, 1 − the largest probability; `margin`, 1 − its lead on the second.
    """
    best = ops.max(p, axis=0)
    others = ops.where(_classes(p, "uint8") != argmax_classes(p, best), p, 0.0)
    rest = ops.sum(others, axis=0)
    return {"entropy": entropy(p), "max_softmax": rest, "margin": rest + ops.max(others, axis=0)}


def entropy(p: Any) -> Any:
    """−Σ p log p / log K of probabilities (K, …), 0..1."""
    tiny = 1e-30
    return -ops.sum(p * ops.log(ops.maximum(p, tiny)), axis=0) / max(1.0, float(np.log(p.shape[0])))
