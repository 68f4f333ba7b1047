"""The training itself: each report of the loop is saved, shown, and checked for the end."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import typer

from casnet_cli import console
from casnet_cli.errors import WorkerLost
from casnet_cli.runs import checkpoint
from casnet_cli.runs.progress import score_words
from casnet_cli.training.loop import EpochReport, Report, StepReport
from casnet_cli.training.step import StepResult
from casnet_cli.util import signals
from casnet_cli.util.shell import typed
from casnet_cli.util.text import percent
from casnet_cli.workflows import engine
from casnet_cli.workflows.train.calibrate import calibrate
from casnet_cli.workflows.train.deadline import Deadline
from casnet_cli.workflows.train.progress_view import TrainingView
from casnet_cli.workflows.train.setup import TrainingSetup
from casnet_cli.workflows.train.validation import validate
from casnet_cli.workflows.train.writer import RunWriter

if TYPE_CHECKING:
    from casnet_cli.inference.keras_predictor import KerasPredictor


def run_training(setup: TrainingSetup, deadline: Deadline) -> Path | None:
    """Train to the end. Returns the run folder, if this process wrote it.

    Exits 130 when stopped by a signal or the deadline, 1 on a loss that is not finite. Raises CasnetError.
    """
    with ExitStack() as stack:
        writer = stack.enter_context(RunWriter(setup.plan, setup.start, setup.progress)) if setup.is_chief else None
        if writer:
            console.message(f"run folder {writer.path}")
        stopped = stack.enter_context(_stop_signals())
        folder = writer.folder if writer else None
        view = stack.enter_context(TrainingView(setup.plan, setup.progress, setup.pace, folder))
        trainer = Trainer(setup, view, writer, deadline, stopped)
        trainer.train()
        if writer is None:
            return None
        if deadline.near(setup.pace.ahead_of_calibration()):
            later = f"casnet train --run {typed(writer.path)} --finish"
            console.message(f"not calibrated, for which --max-time leaves no time; do it by: {later}")
        else:
            view.doing("calibrating")
            calibrate(writer.folder.best, setup.plan.val_part, trainer.best_predictor)
            if not deadline.near(setup.pace.ahead_of_engine()):  # else they are written when they are first needed
                view.doing("writing for ONNX Runtime")
                engine.prepare(writer.path)
    best = score_words(setup.plan.recipe.evaluation.best)
    console.result(f"{writer.path}: best validation {best} {percent(setup.schedule.best)} %")
    if stopped:
        raise typer.Exit(130)  # in its last validation: whoever called may have more to do
    return writer.path


class Trainer:
    """A training under way."""

    def __init__(
        self,
        setup: TrainingSetup,
        view: TrainingView,
        writer: RunWriter | None,
        deadline: Deadline,
        stopped: list[int],
    ):
        """writer: None for a worker that writes no files. stopped: receives the number of a signal to stop."""
        self.setup, self.view, self.writer = setup, view, writer
        self.deadline, self.stopped = deadline, stopped
        self.saved_at = time.monotonic()

    def train(self) -> None:
        """Run the loop to its end, or to a reason to stop: then the state is saved, and the process exits."""
        from casnet_cli.training.loop import training_reports

        setup = self.setup

        def step(image: np.ndarray, label: np.ndarray, rate: float) -> StepResult:
            return setup.step(image, label, rate, self._should_stop(setup.progress.step + 1, 2))

        reports = training_reports(
            step,
            setup.batches(),
            setup.schedule,
            setup.plan.length,
            lambda: validate(setup, self.view.sampler),
            setup.progress,
        )
        for report in reports:
            self._end_epoch(report) if isinstance(report, EpochReport) else self._end_step(report)
            if self._stops_after(report):
                self._stop()

    def best_predictor(self) -> "KerasPredictor":
        """The predictor of the validations, with the weights of the best checkpoint."""
        assert self.writer is not None
        checkpoint.fill(self.writer.folder.best, self.setup.state.model)
        self.setup.predictor.refresh()
        return self.setup.predictor

    def _should_stop(self, step: int, ahead: int = 1) -> bool:
        """Whether a signal came or the deadline is near.

        step: how many are done by then. ahead: how many more are done in any case before the next time to stop.
        """
        length = self.setup.plan.length
        ends = length.ends_epoch(step, self.setup.progress.epochs)
        validates = ends and length.validates(step // length.steps_per_epoch)
        return bool(self.stopped) or self.deadline.near(self.setup.pace.ahead(validates, ahead))

    def _stops_after(self, report: Report) -> bool:
        """Several workers agree in the step itself, so that none waits for one that has stopped."""
        setup = self.setup
        if setup.devices.workers > 1:
            return isinstance(report, StepReport) and report.result.leaving
        finished = setup.schedule.finished or setup.progress.epochs >= setup.plan.length.epochs
        return not finished and self._should_stop(setup.progress.step)

    def _stop(self) -> NoReturn:
        self._save()
        if self.writer:
            again = f"casnet train --run {typed(self.writer.path)}"
            in_time = not self.stopped and self.deadline.limit is not None  # else another worker was stopped
            why = "stopped before --max-time," if in_time else "stopped"
            console.message(f"{why} after step {self.setup.progress.step}; go on: {again} --resume")
            console.message(f"or close it as it is, which also calibrates it: {again} --finish")
            self.writer.close()
        raise typer.Exit(130)

    def _end_step(self, report: StepReport) -> None:
        self.view.step(report)
        if not (report.result.finite or report.result.overflow):
            self._fail(report)
        training = self.setup.plan.recipe.training
        every, minutes = training.checkpoint_every_steps, training.checkpoint_every_minutes
        late = minutes and time.monotonic() - self.saved_at >= 60 * minutes
        if late or (every and report.step % every == 0):
            self._save()

    def _end_epoch(self, report: EpochReport) -> None:
        """Save first: what is shown has then happened."""
        self._save(report.best)
        began = time.monotonic()
        if self.writer:
            self.writer.folder.write_history(self.setup.progress.history)
            self.view.epoch(report)
        if report.validation:
            self.setup.pace.validations.append(report.row["val_seconds"] + time.monotonic() - began)

    def _save(self, best: bool = False) -> None:
        self.saved_at = time.monotonic()
        if self.writer:
            self.setup.state.step.sync()
            self.writer.save(self.setup.state, self.setup.meta(), best)
            self.setup.pace.saves.append(time.monotonic() - self.saved_at)

    def _fail(self, report: StepReport) -> NoReturn:
        """Keep a step whose loss is not finite, so that it can be repeated."""
        from casnet_cli.workflows.train.replay import keep

        setup, result = self.setup, report.result
        if self.writer is None:
            raise WorkerLost(f"step {report.step}: the loss is not finite (the first worker keeps the batch)")
        setup.state.step.sync()
        batch = report.batch if setup.devices.workers == 1 else next(setup.batches(0, 1))
        folder = keep(self.writer.path, report, batch, setup.state, setup.meta(), setup.class_weights)
        found = f"the loss is {result.losses['loss']}, the gradients' norm {result.gradient_norm}"
        again = f"casnet train --replay {typed(folder)}"
        console.error(f"{self.writer.path}: step {report.step}: {found} ({again})")
        raise typer.Exit(1)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that receives the number of the first signal to stop; a second Ctrl-C interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        received.append(number)
        console.message("stopping after this step …")

    with signals.handling(signals.settled(handle)):
        yield received
