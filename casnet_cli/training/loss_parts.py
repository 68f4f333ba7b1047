"""Parts that a branch's loss may have beside its cross entropy, for classes of few pixels.

Dice and Lovász count a class by the overlap of what is found with what is there, so that a class of few pixels weighs
as much as a common one. Both are of each image by itself, over the classes that its labels hold, and then the mean over
the images by their counted pixels: the parts of a batch add up to the whole, on any number of devices.

Arguments of all: p or log p (B, H, W, K), one_hot (B, H, W, K) of the labels, weight (B, H, W), the weight of each
pixel, 0 where it does not count, and count, the labelled pixels of the whole batch, of which these may be a part.
Dice and Lovász take the weights as counted or not counted only: all classes are alike to them.
"""

from collections.abc import Callable

import keras
from keras import ops

FOCUS = 2.0
"""γ of the focal part, as its authors chose it."""


def focal(
    log_p: keras.KerasTensor, one_hot: keras.KerasTensor, weight: keras.KerasTensor, count: keras.KerasTensor
) -> keras.KerasTensor:
    """−Σ weight · (1 − p[y])^γ · log p[y] / count (Lin et al. 2017): cross entropy where the label is not found yet."""
    picked = ops.sum(one_hot * log_p, axis=-1)
    return -ops.sum((1 - ops.exp(picked)) ** FOCUS * picked * weight) / count


def dice(
    log_p: keras.KerasTensor, one_hot: keras.KerasTensor, weight: keras.KerasTensor, count: keras.KerasTensor
) -> keras.KerasTensor:
    """1 − 2 · Σ p · y / Σ (p + y) of each class of an image, y its one-hot labels (Milletari et al. 2016)."""
    counted = ops.cast(weight > 0, log_p.dtype)[..., None]
    p, truth = ops.exp(log_p) * counted, one_hot * counted
    both = ops.sum(p + truth, axis=(1, 2))
    overlap = 2 * ops.sum(p * truth, axis=(1, 2))
    return _over_images(1 - overlap / ops.maximum(both, 1), truth, count)


def lovasz(
    log_p: keras.KerasTensor, one_hot: keras.KerasTensor, weight: keras.KerasTensor, count: keras.KerasTensor
) -> keras.KerasTensor:
    """The Lovász extension of 1 − IoU of each class of an image, of the errors |y − p| (Berman et al. 2018)."""
    counted = ops.cast(weight > 0, log_p.dtype)[..., None]
    truth = one_hot * counted
    errors = _by_class(ops.abs(one_hot - ops.exp(log_p)) * counted)
    own = _by_class(truth)
    order = ops.argsort(-errors, axis=-1)
    slopes = _jaccard_slopes(ops.take_along_axis(own, order, axis=-1))
    # Back in the order of the pixels, so that the gradient is the slope itself and nothing is scattered.
    slopes = ops.take_along_axis(slopes, ops.argsort(order, axis=-1), axis=-1)
    return _over_images(ops.sum(errors * ops.stop_gradient(slopes), axis=-1), truth, count)


PARTS: dict[str, Callable[..., keras.KerasTensor]] = {"dice": dice, "lovasz": lovasz, "focal": focal}
"""The parts by the names that `training.loss` has for them."""


def _over_images(values: keras.KerasTensor, truth: keras.KerasTensor, count: keras.KerasTensor) -> keras.KerasTensor:
    """Mean of (B, K) values over the classes that an image's truth (B, H, W, K) holds, then over the images."""
    pixels = ops.sum(truth, axis=(1, 2))
    present = ops.cast(pixels > 0, values.dtype)
    of_image = ops.sum(values * present, axis=-1) / ops.maximum(ops.sum(present, axis=-1), 1)
    return ops.sum(of_image * ops.sum(pixels, axis=-1)) / count


def _by_class(values: keras.KerasTensor) -> keras.KerasTensor:
    """(B, H, W, K) as (B, K, H · W)."""
    pixels = values.shape[1] * values.shape[2]
    return ops.transpose(ops.reshape(values, (-1, pixels, values.shape[3])), (0, 2, 1))


def _jaccard_slopes(own: keras.KerasTensor) -> keras.KerasTensor:
    """What each pixel adds to 1 − IoU when the pixels become errors one after the other. own: (B, K, N) of 0 and 1."""
    total = ops.sum(own, axis=-1, keepdims=True)
    intersection = total - ops.cumsum(own, axis=-1)
    union = total + ops.cumsum(1 - own, axis=-1)
    loss = 1 - intersection / union
    return ops.concatenate([loss[..., :1], loss[..., 1:] - loss[..., :-1]], axis=-1)
