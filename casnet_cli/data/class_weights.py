"""How much a pixel of each class counts in the losses, so that rare classes are not drowned by common ones."""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from casnet_cli.data.images import UNREADABLE, decode_label
from casnet_cli.data.store import Subset
from casnet_cli.errors import DataError, RecipeError, reason
from casnet_cli.labels import VOID

LARGEST = 10.0


def class_weights(setting: Literal["none", "auto"] | tuple[float, ...], subset: Subset) -> tuple[float, ...] | None:
    """The weight of each class, K numbers ≥ 0, from `training.class_weights`; None if all pixels count alike.

    subset: the training images, whose labels `auto` counts. Raises RecipeError if the setting has not a weight for
    each class or only zeros, and DataError if a label is damaged or no pixel is labelled.
    """
    if setting == "none":
        return None
    if setting == "auto":
        return balanced(class_pixels(subset), f"{subset.store.path}: {subset.group}")
    classes = len(subset.store.labels)
    if len(setting) != classes:
        raise RecipeError(
            f"training.class_weights: {len(setting)} weights for the {classes} classes of {subset.store.name} "
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


def class_pixels(subset: Subset) -> list[int]:
    """Pixels of each class over the labels of the subset, void left out. Raises DataError if a label is damaged."""
    # Not by the subset's records: those read the images too, which are nearly all of the file.
    stored, names = subset.store.file[subset.group]["label"], subset.store.names[subset.group]
    classes = len(subset.store.labels)

    def counted(row: int) -> np.ndarray:
        return _count(stored[row].tobytes(), classes, f"{subset.store.path}: {subset.group}/{names[row]}")

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return sum(pool.map(counted, subset.positions), np.zeros(classes, np.int64)).tolist()


def _count(encoded: bytes, classes: int, where: str) -> np.ndarray:
    try:
        label = decode_label(encoded)
    except UNREADABLE as error:
        raise DataError(f"{where}: damaged: {reason(error)} (prepare the data again)") from None
    counts = label.histogram()
    if label.mode != "L" or any(counts[classes:VOID]):
        raise DataError(f"{where}: damaged: its label is no image of ids 0..{classes - 1} and 255")
    return np.asarray(counts[:classes])
