"""The three losses, eqs. 3, 6 and 9, each the mean over the labelled pixels."""

from typing import Any

import keras
from keras import ops

from casnet_cli.labels import VOID


def branch_losses(outputs: dict[str, Any], label: Any) -> dict[str, Any]:
    """The loss of each output that the variant has, scalars in float32 or wider; their plain sum is minimized.

    outputs: log-probabilities (B, H, W, ·) as `build_casnet` names them. label: (B, H, W) integers 0..K−1 or 255.
    `coarse` is eq. 3, `attention` eq. 6 with the labels of eq. 5, `refine` eq. 9 (of the fused answer, which without
    a coarse branch is the fine one). Without a labelled pixel all are 0.
    """
    label = ops.cast(label, "int32")
    weight = labelled(label)
    target = ops.where(ops.equal(label, VOID), 0, label)
    losses = {}
    if "coarse" in outputs:
        losses["coarse"] = negative_log_likelihood(outputs["coarse"], target, weight)
    if "attention" in outputs:
        easy = attention_target(outputs["coarse"], target)
        losses["attention"] = negative_log_likelihood(outputs["attention"], easy, weight)
    if "fine" in outputs:
        losses["refine"] = negative_log_likelihood(outputs["fused"], target, weight)
    return losses


def attention_target(coarse: Any, target: Any) -> Any:
    """Eq. 5: 1 where the coarse branch's argmax is the label, else 0. (B, H, W) int32; no gradient passes."""
    best = ops.argmax(ops.stop_gradient(coarse), axis=-1)
    return ops.cast(ops.equal(ops.cast(best, "int32"), target), "int32")


def labelled(label: Any) -> Any:
    """1 where a pixel is labelled, 0 at void: (B, H, W) in Keras's default float type."""
    return ops.cast(ops.not_equal(label, VOID), keras.config.floatx())


def negative_log_likelihood(log_probabilities: Any, target: Any, weight: Any) -> Any:
    """−Σ weight · log p[target] / max(Σ weight, 1). log p (B, H, W, C), target (B, H, W) in 0..C−1."""
    # A sum over one-hot classes: its gradient is one product, while that of a gather scatters, eight times slower.
    one_hot = ops.one_hot(target, log_probabilities.shape[-1], dtype=log_probabilities.dtype)
    picked = ops.sum(one_hot * log_probabilities, axis=-1)
    weight = ops.cast(weight, picked.dtype)
    return -ops.sum(picked * weight) / ops.maximum(ops.sum(weight), 1)
