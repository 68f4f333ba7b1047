"""A Keras model for prediction only: arrays in, arrays out."""

import keras
import numpy as np

SMALL = 1 << 20
"""Values of an input up to which a model may run uncompiled: Keras then keeps all maps until the last is computed."""


class CompiledModel:
    """A Keras model with several named outputs, compiled at its first call.

    few: whether so few images follow that compiling takes longer than computing them without. In TensorFlow alone:
    where graphs are compiled for every size, so is each of their operations.
    """

    def __init__(self, model: keras.Model, few: bool = False):
        tensorflow = keras.backend.backend() == "tensorflow"
        # XLA compiles anew for every size, and on a processor its depthwise convolutions are many times slower.
        model.jit_compile = not tensorflow
        self.model, self._few = model, few and tensorflow

    def __call__(self, given: np.ndarray | dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of the model for arrays, by name."""
        values = sum(x.size for x in given.values()) if isinstance(given, dict) else given.size
        call = self.model if self._few and values <= SMALL else self.model.predict_on_batch
        return {name: np.asarray(x) for name, x in call(given).items()}
