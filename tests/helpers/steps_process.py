"""Steps on made batches in a process of its own: python steps_process.py OUT.npz STRATEGY CHECKPOINT [virtual].

Leaves in OUT the losses of steps in float64 and the weights after the last, and in float32 the losses of three and
the weights after the first, all without dropout and from one checkpoint: twenty steps,
with JAX ten. `virtual` cuts the processor into two devices.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from casnet_cli import recipe
from casnet_cli.runs import checkpoint
from casnet_cli.training.step import Devices, set_up
from casnet_cli.training.train_state import assemble

SETTINGS = [
    "model.output_stride=16",
    "model.branch_channels=8",
    "model.dropout=0.0",
    "model.pyramid_bins=[2, 3]",  # statistics of a 1 x 1 bin over two rows are all sign, no number
    "training.batch_size=2",
    "optimizer.clip_norm=5.0",
    "training.loss='dice'",  # cross entropy, and a part that must add up over devices too
]
ROWS, SIDE, CLASSES = 2, 17, 3


def batch(k: int) -> tuple[np.ndarray, np.ndarray]:
    """(2, 17, 17, 3) and (2, 17, 17) uint8; the rows differ in how many of their pixels are labelled."""
    rng = np.random.default_rng(k)
    label = np.repeat(np.repeat(rng.integers(0, CLASSES, (ROWS, 3, 3)), 6, 1), 6, 2)[:, :SIDE, :SIDE].astype(np.uint8)
    image = (label[..., None] * 80 + rng.integers(0, 60, (ROWS, SIDE, SIDE, 3))).astype(np.uint8)
    for row in range(ROWS):
        label[row, : 6 * row] = 255
    return image, label


def run(devices: Devices, file: Path, precision: str, steps: int, weighed: int) -> dict[str, np.ndarray]:
    """Losses of `steps` steps, and the weights after `weighed` of them."""
    own = slice(devices.index * ROWS // devices.workers, (devices.index + 1) * ROWS // devices.workers)
    chosen = recipe.load(recipe.find("demo"), [*SETTINGS, f"training.precision='{precision}'"])
    state = assemble(chosen, CLASSES, devices, pretrained=False)
    checkpoint.restore(file, state.model, state.optimizer)
    found = {}
    losses = []
    for k in range(steps):
        result = state.step(*(rows[own] for rows in batch(k)), 0.01)
        assert result.finite
        losses.append(result.losses["loss"])
        if k + 1 == weighed:
            state.step.sync()
            weights = enumerate(state.model.weights)
            found = {f"weights-{precision}/{i:03d}": np.array(weight.numpy()) for i, weight in weights}
    return {f"losses-{precision}": np.asarray(losses), **found}


def main(out: Path, strategy: str, file: Path, virtual: bool) -> None:
    if virtual:
        import tensorflow as tf

        half = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], half)
    training = recipe.load(recipe.find("demo"), [*SETTINGS, "training.precision='float64'"]).training
    devices = set_up(training, strategy)
    steps = 10 if os.environ.get("KERAS_BACKEND") == "jax" else 20
    found = run(devices, file, "float64", steps, steps)
    set_precision_32()
    found |= run(devices, file, "float32", 3, 1)
    if devices.index == 0:
        np.savez(out, replicas=devices.replicas, **found)


def set_precision_32() -> None:
    """As `set_up` does; it cannot be called twice where workers were joined."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), "virtual" in sys.argv[4:])
