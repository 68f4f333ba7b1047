"""Ask a network about one image, on any Keras back end."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from casnet_cli.model.averaging import averaged
from casnet_cli.model.casnet import with_answers


def answering(model: keras.Model, scale: float, tta: str = "none") -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """A function of an image (H, W, 3) uint8 RGB of any size: what `with_answers` says of it, without batch axis.

    scale: the recipe's `evaluation.scale`, by which the network sees every image enlarged. tta: one of
    `averaging.PROTOCOLS`.
    """
    asked = with_answers(averaged(model, tta, scale))
    # XLA compiles anew for every size, and on a processor its depthwise convolutions are many times slower.
    asked.jit_compile = keras.backend.backend() != "tensorflow"

    def answer(image: np.ndarray) -> dict[str, Any]:
        said = asked.predict_on_batch(image[None].astype(keras.config.floatx()))
        return {name: np.asarray(values)[0] for name, values in said.items()}

    return answer
