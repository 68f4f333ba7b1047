"""How much a pixel of each class counts in the losses, so that rare classes are not drowned by common ones."""

import math
from collections.abc import Sequence
from typing import Literal

from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, RecipeError

LARGEST = 10.0


def class_weights(
    setting: Literal["none", "auto"] | tuple[float, ...], store: Store, fold: int | None
) -> tuple[float, ...] | None:
    """The weight of each class, K numbers ≥ 0, from `training.class_weights`; None if all pixels count alike.

    `auto` takes what was counted over the training images when the data were prepared, those of the fold left out.
    Raises RecipeError if the setting has not a weight for each class or only zeros, DataError if no pixel is labelled.
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
    """Weights ∝ 1 / √share, their mean over the labelled pixels 1, then cut at `LARGEST`; 0 without pixels.

    pixels: (K,) labelled pixels of each class. where: begins the DataError raised if there are none.
    """
    total = sum(pixels)
    if not total:
        raise DataError(f"{where}: no pixel of the training images is labelled (nothing to learn from)")
    roots = [math.sqrt(count / total) for count in pixels]
    # Σ share · weight = 1 with weight = c / √share: c · Σ √share = 1.
    return tuple(min(LARGEST, 1 / (root * sum(roots))) if root else 0.0 for root in roots)
