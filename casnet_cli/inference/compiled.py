"""A Keras network that is only asked: arrays in, arrays out."""

from typing import Any

import keras
import numpy as np

SMALL = 1 << 20
"""Values given at once up to which a network may go uncompiled: Keras then keeps all maps until the last is made."""


class CompiledModel:
    """few: whether so little will be asked that compiling takes longer than asking. In TensorFlow alone: where graphs
    are compiled for every size, so is each of their operations."""

    def __init__(self, model: keras.Model, few: bool = False):
        tensorflow = keras.backend.backend() == "tensorflow"
        # XLA compiles anew for every size, and on a processor its depthwise convolutions are many times slower.
        model.jit_compile = not tensorflow
        self.model, self._few = model, few and tensorflow

    def __call__(self, given: Any) -> dict[str, np.ndarray]:
        """What the model makes of arrays, by the names of its outputs."""
        values = sum(x.size for x in given.values()) if isinstance(given, dict) else given.size
        asked = self.model if self._few and values <= SMALL else self.model.predict_on_batch
        return {name: np.asarray(x) for name, x in asked(given).items()}
