"""The training loop as a generator of reports. It knows neither model nor files: the consumer saves and draws."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from casnet_cli.runs.progress import EpochRow, Progress, Validation
from casnet_cli.training.schedule import Schedule
from casnet_cli.training.step import StepResult


class TrainingBatch(Protocol):
    """Images of a step."""

    @property
    def image(self) -> np.ndarray:
        """(B, H, W, 3) uint8 RGB."""

    @property
    def label(self) -> np.ndarray:
        """(B, H, W) uint8 class ids, 255 void."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the images in the data set."""


@dataclass(frozen=True)
class TrainingLength:
    """How long a run is, and when it is validated."""

    steps_per_epoch: int
    """Steps of an epoch."""
    epochs: int
    """Epochs of the run."""
    every_epochs: int = 1
    """The network is validated after so many epochs each time, and after the last."""

    @property
    def steps(self) -> int:
        """Steps of the run."""
        return self.steps_per_epoch * self.epochs

    def validates(self, epoch: int) -> bool:
        """Whether the network is validated at the end of an epoch."""
        return epoch % self.every_epochs == 0 or epoch == self.epochs

    def ends_epoch(self, step: int, ended: int) -> bool:
        """Whether after so many steps, `ended` epochs being over, another one is to be ended before the next step."""
        return step % self.steps_per_epoch == 0 and step // self.steps_per_epoch > ended


@dataclass(frozen=True)
class StepReport:
    """What happened in a step."""

    step: int
    """Number of the step, from 1."""
    epoch: int
    """Number of the epoch, from 1."""
    batch: TrainingBatch
    """Its images."""
    result: StepResult
    """Losses, and whether they are finite."""
    rate: float
    """Learning rate."""
    seconds: float
    """Time of the step."""
    wait_seconds: float
    """How long it waited for its batch."""


@dataclass(frozen=True)
class EpochReport:
    """What happened at the end of an epoch."""

    epoch: int
    """Number of the epoch, from 1."""
    row: EpochRow
    """Its line in the history."""
    validation: Validation | None
    """The validation; None: there was none."""
    best: bool
    """Whether its score is the best so far."""


Report = StepReport | EpochReport


def training_reports(
    step: Callable[[np.ndarray, np.ndarray, float], StepResult],
    batches: Iterator[TrainingBatch],
    schedule: Schedule,
    length: TrainingLength,
    validate: Callable[[], Validation],
    progress: Progress,
) -> Iterator[Report]:
    """Run from `progress.step` to the end of the length or the schedule, updating `progress` before each report.

    It may be left after any report and begun again with the same progress. `batches` begins with batch number
    `progress.step`. A step that is not finite is reported and ends the run; it does not count, as it changed nothing,
    while an overflow of float16 does.
    """
    while not schedule.finished:
        if length.ends_epoch(progress.step, progress.epochs):
            yield _end_epoch(schedule, length, validate, progress)
            continue
        if progress.step >= length.steps:
            return
        began = time.perf_counter()
        batch = next(batches)
        fetched = time.perf_counter()
        rate = schedule.rate(progress.step)
        result = step(batch.image, batch.label, rate)
        ended = time.perf_counter()
        epoch = progress.step // length.steps_per_epoch + 1
        report = StepReport(progress.step + 1, epoch, batch, result, rate, ended - began, fetched - began)
        if not (result.finite or result.overflow):
            yield report
            return
        progress.step += 1
        progress.seconds += report.seconds
        for name, value in result.losses.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        yield report


def _end_epoch(
    schedule: Schedule, length: TrainingLength, validate: Callable[[], Validation], progress: Progress
) -> EpochReport:
    epoch, rate = progress.step // length.steps_per_epoch, schedule.rate(progress.step - 1)
    row: EpochRow = {"epoch": epoch, "step": progress.step, "learning_rate": rate}
    row |= {_column(name): total / length.steps_per_epoch for name, total in progress.sums.items()}
    row["train_seconds"] = round(progress.seconds, 3)
    validation, best = None, False
    if length.validates(epoch):
        began = time.perf_counter()
        validation = validate()
        row |= {f"val_{name}": value for name, value in validation.metrics.items()}
        row["val_seconds"] = round(time.perf_counter() - began, 3)
        best = schedule.observe(validation.score)
    progress.history.append(row)
    progress.sums, progress.seconds = {}, 0.0
    return EpochReport(epoch, row, validation, best)


def _column(name: str) -> str:
    return name if name == "loss" else f"loss_{name}"
