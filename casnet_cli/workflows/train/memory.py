"""Whether a batch fits into memory, and which one would."""

from typing import TYPE_CHECKING

import numpy as np

from casnet_cli.errors import OutOfMemory
from casnet_cli.recipe import TrainingSection
from casnet_cli.util import memory

if TYPE_CHECKING:
    from casnet_cli.training.step import Step
    from casnet_cli.training.train_state import TrainState


WORKING = 1.3
"""Memory of a step on a processor over that of the values that its layers put out; 1.1 to 1.3 where it was measured."""

LIBRARIES = 700 * 2**20
"""Bytes that TensorFlow and the other libraries take."""

BYTES = {"float64": 8, "float32": 4, "bfloat16": 3, "float16": 3}
"""Of a value in memory; with half precision the largest maps, those of the softmaxes, are float32."""

COPIES = 4
"""Of each weight: itself, its velocity, its gradient, and the new value."""


def check_memory(state: "TrainState", section: TrainingSection, crop: int, rows: int) -> None:
    """Refuse a batch that does not fit into the machine's memory, before the system kills the process.

    rows: of the batch on this machine at a time. Raises OutOfMemory. Nothing is known of a GPU's memory here.
    """
    from casnet_cli.model.flops import activations

    free = memory.memory_available()
    row = WORKING * BYTES[section.precision] * activations(state.model, crop, crop)
    fixed = LIBRARIES + COPIES * max(4, BYTES[section.precision]) * state.model.count_params()
    if free is None or fixed + rows * row <= free:
        return
    share = max(0, int((free - fixed) // row)) / rows
    need = f"about {(fixed + rows * row) / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
    raise _too_large(section, share, need)


def smaller_batch(step: "Step", image: np.ndarray, label: np.ndarray, section: TrainingSection) -> OutOfMemory:
    """The error for a step that did not fit, after trying smaller parts of its batch."""
    rows = len(image) // 2
    while rows:
        try:
            step(image[:rows], label[:rows], 0.0)
            break
        except OutOfMemory:
            rows //= 2
        except ValueError:  # the devices cannot share so few
            rows = 0
    return _too_large(section, rows / len(image), "more memory than there is")


def _too_large(section: TrainingSection, share: float, need: str) -> OutOfMemory:
    """share: of the batch that fits, 0 to 1."""
    fits = int(section.batch_size * share)
    if not fits:
        return OutOfMemory(f"training.batch_size: even a batch of 1 needs {need} (lower augmentation.crop)")
    most = section.batch_size // section.accumulation  # parts of one row
    ways = (n for n in range(1, most) if section.batch_size % (n * section.accumulation) == 0)
    parts = next((n for n in ways if section.batch_size / n <= fits), most)
    advice = f"training.batch_size = {fits} fits; training.accumulation = {parts * section.accumulation} cuts the batch"
    return OutOfMemory(f"training.batch_size: {section.batch_size} needs {need} ({advice})")
