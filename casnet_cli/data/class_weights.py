"""Weights of the classes in the losses, so that rare classes count beside common ones."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from casnet_cli.data.store import Subset
from casnet_cli.errors import DataError, RecipeError

LARGEST = 10.0
"""Upper bound of balanced weights."""


def class_weights(
    setting: Literal["none", "auto", "median_frequency", "effective_number"] | tuple[float, ...],
    images: Subset,
    fold: int | None,
) -> tuple[float, ...] | None:
    """The weight of each class, K numbers ≥ 0, by the setting `training.class_weights`; None if all are 1.

    images: the training images. The names use the pixels as they were counted when the data were prepared: of all
    stored training images without the fold's, `median_frequency` of these images alone. Raises RecipeError if there is
    not one weight for each class, or if all are 0, DataError if no pixel is labelled, or not known which image shows
    which class.
    """
    store = images.store
    if setting == "none":
        return None
    if setting == "median_frequency":
        return median_frequency(images.class_pixels())
    if isinstance(setting, str):
        rule = balanced if setting == "auto" else effective_number
        return rule(store.training_pixels(fold), str(store.path))
    classes = len(store.labels)
    if len(setting) != classes:
        raise RecipeError(
            f"training.class_weights: {len(setting)} weights for the {classes} classes of {store.name} "
            "(one each, in the order of their ids)"
        )
    if not any(setting):
        raise RecipeError("training.class_weights: all are 0 (nothing would be learnt)")
    return tuple(float(weight) for weight in setting)


def balanced(pixels: Sequence[int], where: str) -> tuple[float, ...]:
    """Weights proportional to 1 / √share, with 1 as their mean over the labelled pixels, then cut off at `LARGEST`.

    pixels: (K,) labelled pixels of each class; the weight of a class without any is 0. where: starts the message of
    the DataError raised if all are 0.
    """
    roots = [math.sqrt(share) for share in _shares(pixels, where)]
    # Σ share · weight = 1 with weight = c / √share: c · Σ √share = 1.
    return tuple(min(LARGEST, 1 / (root * sum(roots))) if root else 0.0 for root in roots)


def effective_number(pixels: Sequence[int], where: str) -> tuple[float, ...]:
    """The same with 1 over the effective number of the class's pixels (Cui et al. 2019) in place of 1 / √share.

    Of n of N pixels that is (1 − β^n) / (1 − β), with β = 1 − 1 / N proportional to 1 − e^−share.
    """
    shares = _shares(pixels, where)
    inverse = [-1 / math.expm1(-share) if share else 0.0 for share in shares]
    mean = sum(share * weight for share, weight in zip(shares, inverse, strict=True))
    return tuple(min(LARGEST, weight / mean) for weight in inverse)


def _shares(pixels: Sequence[int], where: str) -> list[float]:
    total = sum(pixels)
    if not total:
        raise DataError(f"{where}: no pixel of the training images is labelled (nothing to learn from)")
    return [count / total for count in pixels]


def median_frequency(pixels: np.ndarray) -> tuple[float, ...]:
    """Median of f over f of the class, f being its share of the labelled pixels in the images that show it.

    pixels: (N, K) labelled pixels of each class in each image; the weight of a class without any is 0. At most
    `LARGEST`.
    """
    around = ((pixels > 0) * pixels.sum(1, keepdims=True)).sum(0)
    frequency = pixels.sum(0) / np.maximum(1, around)
    found = frequency[frequency > 0]
    middle = float(np.median(found)) if len(found) else 0.0
    return tuple(min(LARGEST, middle / float(own)) if own else 0.0 for own in frequency)
