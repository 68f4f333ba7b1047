"""The three losses, eqs. 3, 6 and 9, each the mean over the labelled pixels, with a further part where one is set."""

import keras
from keras import ops

from casnet_cli.labels import VOID
from casnet_cli.training.loss_parts import PARTS


def branch_losses(
    outputs: dict[str, keras.KerasTensor],
    label: keras.KerasTensor,
    count: keras.KerasTensor,
    class_weights: tuple[float, ...] | None = None,
    fine_loss: float = 0.0,
    loss: str = "cross_entropy",
) -> dict[str, keras.KerasTensor]:
    """The loss of each output that the variant has, scalars in float32 or wider; their plain sum is minimized.

    outputs: log-probabilities (B, H, W, ·) as `build_casnet` names them. label: (B, H, W) integers 0..K−1 or 255.
    count: N, the labelled pixels of the whole batch, of which these may be a part. class_weights: (K,), multiply the
    terms of eqs. 3 and 9 by the weight of their label.

    `coarse` is eq. 3, `attention` eq. 6 with the labels of eq. 5, `refine` eq. 9: of the fused output, which without a
    coarse branch is the fine one. fine_loss: weight of a loss `fine` that the paper does not have, −mean log p_f[y],
    where p_f is not the final output itself: eq. 9 trains the fine branch by 1 − p_a only, a seventh of what the coarse
    one gets. loss: `training.loss`, a part of `loss_parts.PARTS` that is added to the cross entropy of the classes, or
    none of them.
    """
    label = ops.cast(label, "int32")
    weight = ops.cast(ops.not_equal(label, VOID), keras.config.floatx())
    target = ops.where(ops.equal(label, VOID), 0, label)
    by_class = weight if class_weights is None else weight * ops.take(ops.cast(class_weights, weight.dtype), target)

    def of_classes(name: str) -> keras.KerasTensor:
        return class_loss(outputs[name], target, by_class, count, loss)

    losses = {}
    if "coarse" in outputs:
        losses["coarse"] = of_classes("coarse")
    if "attention" in outputs:
        easy = attention_target(outputs["coarse"], target)
        losses["attention"] = negative_log_likelihood(outputs["attention"], easy, weight, count)
    if "fine" in outputs:
        losses["refine"] = of_classes("fused")
        if fine_loss and "coarse" in outputs:
            losses["fine"] = fine_loss * of_classes("fine")
    return losses


def attention_target(coarse: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
    """Eq. 5: 1 where the coarse branch's argmax is the label, else 0. (B, H, W) int32; no gradient passes."""
    best = ops.argmax(ops.stop_gradient(coarse), axis=-1)
    return ops.cast(ops.equal(ops.cast(best, "int32"), target), "int32")


def class_loss(
    log_probabilities: keras.KerasTensor,
    target: keras.KerasTensor,
    weight: keras.KerasTensor,
    count: keras.KerasTensor,
    loss: str,
) -> keras.KerasTensor:
    """Cross entropy, with the part that `training.loss` names. Arguments are those of `negative_log_likelihood`."""
    found = negative_log_likelihood(log_probabilities, target, weight, count)
    if loss not in PARTS:
        return found
    one_hot = ops.one_hot(target, log_probabilities.shape[-1], dtype=log_probabilities.dtype)
    scale = ops.cast(weight, one_hot.dtype), ops.cast(count, one_hot.dtype)
    return found + PARTS[loss](log_probabilities, one_hot, *scale)


def negative_log_likelihood(
    log_probabilities: keras.KerasTensor, target: keras.KerasTensor, weight: keras.KerasTensor, count: keras.KerasTensor
) -> keras.KerasTensor:
    """−Σ weight · log p[target] / count. log p (B, H, W, C), target (B, H, W) in 0..C−1."""
    # A sum over one-hot classes: its gradient is one product, while that of a gather scatters, eight times slower.
    one_hot = ops.one_hot(target, log_probabilities.shape[-1], dtype=log_probabilities.dtype)
    picked = ops.sum(one_hot * log_probabilities, axis=-1)
    return -ops.sum(picked * ops.cast(weight, picked.dtype)) / ops.cast(count, picked.dtype)
