"""Weights of the classes in the losses, so that rare classes count beside common ones."""

import math
from collections.abc import Sequence
from typing import Literal

from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, RecipeError

LARGEST = 10.0
"""Upper bound of balanced weights."""


def class_weights(
    setting: Literal["none", "auto"] | tuple[float, ...], store: Store, fold: int | None
) -> tuple[float, ...] | None:
    """The weight of each class, K numbers ≥ 0, by the setting `training.class_weights`; None if all are 1.

    `auto` uses the pixels of the training images, without the fold's, as they were counted when the data were prepared.
    Raises RecipeError if there is not one weight for each class, or if all are 0, DataError if no pixel is labelled.
    """
    if setting == "none":
        return None
    if setting == "auto":
        return balanced(store.training_pixels(fold), str(store.path))
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
    total = sum(pixels)
    if not total:
        raise DataError(f"{where}: no pixel of the training images is labelled (nothing to learn from)")
    roots = [math.sqrt(count / total) for count in pixels]
    # Σ share · weight = 1 with weight = c / √share: c · Σ √share = 1.
    return tuple(min(LARGEST, 1 / (root * sum(roots))) if root else 0.0 for root in roots)
