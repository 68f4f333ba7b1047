"""One training step on TensorFlow: state and batch in, measurements out. The one file that names a back end."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from casnet_cli.recipe import Training
from casnet_cli.training.losses import branch_losses
from casnet_cli.training.optimizer import CaffeSGD

Update = Callable[[np.ndarray, np.ndarray, float], dict[str, float]]
"""(image (B, H, W, 3) uint8 RGB, label (B, H, W) uint8, learning rate) → losses by name, and their sum as `loss`."""


_POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def set_up(section: Training) -> None:
    """Seeds, determinism and arithmetic of this process, before any variable is made."""
    keras.utils.set_random_seed(section.seed)
    keras.config.set_floatx("float64" if section.precision == "float64" else "float32")
    keras.config.set_dtype_policy(_POLICIES.get(section.precision, section.precision))
    if section.deterministic:
        tf.config.experimental.enable_op_determinism()


def make_update(model: keras.Model, optimizer: CaffeSGD) -> Update:
    """The compiled step. It changes the model's and the optimizer's variables in place."""

    @tf.function(reduce_retracing=True)
    def step(image: Any, label: Any, rate: Any) -> dict[str, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in optimizer.variables])
            losses = branch_losses(model(tf.cast(image, keras.config.floatx()), training=True), label)
            total = tf.add_n([tf.cast(loss, tf.float64) for loss in losses.values()])
        gradients = tape.gradient(total, [variable.value for variable in optimizer.variables])
        optimizer.apply(gradients, rate)
        return {"loss": total, **losses}

    def update(image: np.ndarray, label: np.ndarray, rate: float) -> dict[str, float]:
        measured = step(image, label, tf.constant(rate, keras.config.floatx()))
        return {name: float(value) for name, value in measured.items()}

    return update
