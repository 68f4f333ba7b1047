"""What every predictor offers, whatever runs the network: Keras, an exported file's runtime, or another one.

A new runtime is one class in one file with the four methods of `Predictor`, and a small class of prepared inputs with
the three attributes of `PreparedInput`. Neither has to inherit from anything here. Labelling folders and videos,
evaluating, ranking and auditing then work with it. Nothing here needs Keras.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

WHOLE_PIXELS = 2049 * 2049
"""The largest image, in pixels as the network receives it, that is given to a network in one piece. The pyramid pools
over the whole input, and a larger one has nothing in common with what it pooled over in training."""

PixelOutputs = dict[str, np.ndarray]
"""Outputs for the pixels of an image or of a block of it, by name, (H, W) or (K, H, W) each."""

Block = tuple[slice, slice, PixelOutputs]
"""Rows and columns of an image, and the outputs for its pixels there."""


class PreparedInput(Protocol):
    """An image that is ready to be given to the predictor that prepared it."""

    @property
    def image(self) -> np.ndarray:
        """The image as it was given to `Predictor.prepare`, (H, W, N)."""
        ...

    @property
    def batch_key(self) -> Hashable | None:
        """Inputs of equal keys may share a batch; None: this one makes a batch of its own."""
        ...

    @property
    def batch_limit(self) -> int:
        """The largest number of inputs of this key in a batch, at least 1."""
        ...


class Predictor(Protocol):
    """A trained network that gives outputs for every pixel of an image.

    The batches that its methods take are sequences of what its own `prepare` returned, all of one `batch_key` and at
    most `batch_limit` of them, never empty. Labelling needs the outputs `mask` and `difficulty`, (H, W) each.
    """

    def prepare(self, image: np.ndarray) -> PreparedInput:
        """Make an image ready: (H, W, N) of the run's type and bands, mostly uint8 RGB. Called from several threads,
        beside a running prediction. An image that is larger than memory comes as an object with `shape`, `ndim`,
        `dtype` and `[rows, columns]` alone, which reads the part that it is sliced to.

        Raises ValueError for an image that this predictor cannot take, in words that follow the name of a file.
        """
        ...

    def predict_blocks(self, batch: Sequence[Any]) -> Iterator[Iterator[Block]]:
        """For each image of a batch, in order, the blocks that cover it, top to bottom and left to right.

        Each image's blocks are to be taken before those of the next. When they are, they may raise MemoryError, and
        `sound.NotNumbers` where that image's outputs are none.
        """
        ...

    def predict_batch(self, batch: Sequence[Any]) -> Iterator[PixelOutputs]:
        """For each image of a batch, in order, the outputs for all of its pixels."""
        ...

    def predict(self, image: np.ndarray) -> PixelOutputs:
        """The outputs for all pixels of one image, as `prepare` takes it."""
        ...


class LabelledImage(Protocol):
    """An image and its true classes, as evaluation needs them."""

    @property
    def name(self) -> str:
        """Its name in the data set."""
        ...

    @property
    def image(self) -> np.ndarray:
        """(H, W, N) of the type and bands of the data, mostly uint8 RGB."""
        ...

    @property
    def label(self) -> np.ndarray:
        """(H, W) uint8 class ids, and void where there is none."""
        ...


LabelledOutputs = tuple[int, LabelledImage, PixelOutputs]
"""An image's place in the order of the data, the image, and the outputs for its pixels."""
