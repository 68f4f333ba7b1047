"""`casnet train --dry-run`: a few steps on real batches, written nowhere."""

import time
from itertools import islice

from casnet_cli import console
from casnet_cli.training.loop import StepReport
from casnet_cli.workflows.train.progress_view import TrainingView
from casnet_cli.workflows.train.setup import TrainingSetup

STEPS = 4
"""The first compiles."""


def rehearse(setup: TrainingSetup) -> None:
    """Show whether the training runs, and the time and memory that it takes. Raises OutOfMemory."""
    view = TrainingView(setup.plan, setup.progress, setup.pace)
    for number, batch in enumerate(islice(setup.batches(), STEPS), 1):
        began = time.perf_counter()
        result = setup.step(batch.image, batch.label, setup.schedule.rate(setup.progress.step))
        view.step(StepReport(number, 1, batch, result, 0.0, time.perf_counter() - began, 0.0))
    if setup.is_chief:
        view.estimate()
        console.result(f"dry run: {STEPS} steps done, last loss {result.losses['loss']:.3f}; nothing written")
