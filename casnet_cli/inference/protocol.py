"""What every predictor offers, whatever runs the network."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

PixelOutputs = dict[str, np.ndarray]


class LabelledImage(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def image(self) -> np.ndarray: ...
    @property
    def label(self) -> np.ndarray: ...


class Predictor(Protocol):
    """Of `casnet_cli.inference.predictor`: images are prepared one by one, and asked about in groups."""

    def prepare(self, image: np.ndarray) -> Any: ...
    def say(self, batch: list[Any]) -> Iterator[PixelOutputs]: ...


LabelledOutputs = tuple[int, LabelledImage, PixelOutputs]
"""An image's place in the order of the data, the image, and what the network says of it."""
