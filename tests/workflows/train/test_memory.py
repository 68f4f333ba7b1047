"""Errors for a batch that is too large."""

import numpy as np
import pytest

from casnet_cli import recipe
from casnet_cli.errors import OutOfMemory
from casnet_cli.model.flops import activations
from casnet_cli.recipe import TrainingSection
from casnet_cli.training.step import set_up
from casnet_cli.training.train_state import assemble
from casnet_cli.util import memory as system_memory
from casnet_cli.workflows.train import memory

SETTINGS = ["model.weights='none'", "model.output_stride=32", "model.branch_channels=8"]


def test_a_batch_beyond_the_memory_is_refused_with_one_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = recipe.load(recipe.find("demo"), SETTINGS)
    state = assemble(chosen, 3, set_up(chosen.training))
    fixed = memory.LIBRARIES + 4 * 4 * state.model.count_params()
    row = memory.WORKING * 4 * activations(state.model, 65, 65)
    for rows_free, batch, message in (
        (9.0, 8, None),
        (5.5, 8, "needs about .* are free .training.batch_size = 5 fits; training.accumulation = 2 cuts the batch"),
        (3.5, 12, "training.batch_size = 3 fits; training.accumulation = 4 cuts"),
        (0.5, 8, "even a batch of 1 needs about .* .lower augmentation.crop"),
    ):
        monkeypatch.setattr(system_memory, "memory_available", lambda free=fixed + rows_free * row: int(free))
        section = TrainingSection(batch_size=batch)
        if message is None:
            memory.check_memory(state, section, 65, batch)
        else:
            with pytest.raises(OutOfMemory, match=message):
                memory.check_memory(state, section, 65, batch)


def test_after_running_out_smaller_parts_are_tried() -> None:
    tried = []

    def step(image: np.ndarray, label: np.ndarray, rate: float) -> None:
        tried.append((len(image), rate))
        if len(image) > 2:
            raise OutOfMemory

    images, labels = np.zeros((16, 9, 9, 3), np.uint8), np.zeros((16, 9, 9), np.uint8)
    found = memory.smaller_batch(step, images, labels, TrainingSection(batch_size=16))  # type: ignore[arg-type]
    assert tried == [(8, 0.0), (4, 0.0), (2, 0.0)]
    assert "training.batch_size = 2 fits; training.accumulation = 8 cuts the batch" in found.faults[0]
