"""A network of a few thousand weights in training, on batches made of a number."""

import numpy as np

from casnet_cli import recipe
from casnet_cli.labels import VOID, with_colors
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress, ScheduleState
from casnet_cli.training.step import StepResult, set_up
from casnet_cli.training.train_state import assemble

SMALL = [
    "model.backbone='tiny'",
    "model.weights='none'",
    "model.output_stride=32",
    "model.branch_channels=8",
    "optimizer.learning_rate=0.01",
    "optimizer.head_lr_multiplier=1.0",
    "training.batch_size=2",
]
"""Settings for the recipe `demo`; the fixture `tiny` makes the backbone."""


def batch(k: int, rows: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of step k."""
    rng = np.random.default_rng(k)
    label = np.repeat(np.repeat(rng.integers(0, 3, (rows, 1, 1)), 33, 1), 33, 2).astype(np.uint8)
    image = (label[..., None] * 80 + rng.integers(0, 60, (rows, 33, 33, 3))).astype(np.uint8)
    label[:, :3] = VOID
    return image, label


class TinyTraining:
    def __init__(self, *overrides: str):
        self.recipe: Recipe = recipe.load(recipe.find("demo"), [*SMALL, *overrides])
        state = assemble(self.recipe, 3, set_up(self.recipe.training))
        self.model, self.optimizer, self.step = state.model, state.optimizer, state.step

    def results(self, first: int, end: int) -> list[StepResult]:
        """Of the steps from `first` up to `end`."""
        return [self.step(*batch(k), 0.01) for k in range(first, end)]

    def losses(self, first: int, end: int) -> list[dict[str, float]]:
        return [result.losses for result in self.results(first, end)]

    def meta(self, step: int) -> Meta:
        labels = with_colors(("a", "b", "c"))
        schedule: ScheduleState = {"best": 0.5, "waited": 0, "since_best": 0, "dropped": 0, "finished": False}
        return Meta(self.recipe, labels, "blocks", "0" * 64, None, Progress(step), schedule)
