"""What applies a trained network to images of any size: a Keras model, or a file in a runtime."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from casnet_cli.inference.outputs import Outputs

Cells = dict[str, np.ndarray]
"""Logits of a map's cells, (…, h, w, K) of `coarse` and of `fine`, and (…, h, w, 1) of `attention`: that of easy less
that of difficult."""

POOLED = "pooled"
"""Name of the output with the mean of the backbone's features over an image."""

Reader = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
"""From arrays by name to the outputs for pixels by name, (H, W) or (K, H, W) each."""


def with_fine(found: Cells, easy_below: float, fine: Callable[[np.ndarray], np.ndarray]) -> Cells:
    """The cells of all branches from `coarse`, `attention` and `features` of a batch of images.

    easy_below: an image none of whose cells is more difficult gets the coarse logits for the fine ones. fine: from the
    features of the others (B, h, w, C) to their fine logits.
    """
    features = found.pop("features")
    found["fine"] = found["coarse"].copy()
    hard = 1 / (1 + np.exp(found["attention"].min(axis=(1, 2, 3)))) > easy_below
    if hard.any():
        found["fine"][hard] = fine(features[hard])
    return found


class Network(Protocol):
    """A trained network that ends at the cells of its map, and what makes pixels of them."""

    stride: int
    """Pixels between two cells."""
    mean: tuple[float, ...]
    """Mean colour of the pictures that the backbone was trained on, 0..255 for each band."""
    branches: tuple[str, ...]
    """Those of `coarse`, `attention` and `fine` that it has."""
    classes: int
    """How many there are."""

    @property
    def bytes_per_pixel(self) -> int:
        """The most memory that a forward pass needs beside the weights, for a pixel of its image."""
        ...

    def cells(self, images: np.ndarray) -> Cells:
        """Images (B, H, W, bands) float32 0..255, sides multiples of `stride` plus 1 → the logits of their cells,
        (B, h, w, ·), and `pooled` (B, C) where that is demanded."""
        ...

    def reader(self, outputs: Outputs) -> Reader:
        """From the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w), which interpolate
        them, to the outputs for H x W pixels."""
        ...

    def of_means(self, outputs: Outputs) -> Reader:
        """From the probabilities of pixels, by the names of `probability_names`, to the outputs for them."""
        ...
