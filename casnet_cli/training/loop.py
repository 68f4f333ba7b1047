"""The training loop as a generator of reports. It knows neither model nor files: the consumer saves and draws."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from casnet_cli.runs.progress import SCORE, Progress
from casnet_cli.training.schedule import Schedule
from casnet_cli.training.step import StepResult


class TrainingBatch(Protocol):
    @property
    def image(self) -> Any: ...
    @property
    def label(self) -> Any: ...
    @property
    def names(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Plan:
    """Length of a run: epochs of so many steps, validated after every `every_epochs` of them and after the last."""

    steps_per_epoch: int
    epochs: int
    every_epochs: int = 1

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    def ends_epoch(self, step: int, ended: int) -> bool:
        """Whether after so many steps, `ended` epochs being over, another one is to be ended before the next step."""
        return step % self.steps_per_epoch == 0 and step // self.steps_per_epoch > ended


@dataclass(frozen=True)
class StepReport:
    """After step number `step` (counted from 1). wait_seconds: how long the step waited for its batch."""

    step: int
    epoch: int
    batch: TrainingBatch
    measured: StepResult
    rate: float
    seconds: float
    wait_seconds: float


@dataclass(frozen=True)
class EpochReport:
    """After an epoch. row: its line in the history. validated: the row has validation figures. best: the best yet."""

    epoch: int
    row: dict[str, Any]
    validated: bool
    best: bool


Report = StepReport | EpochReport


def train(
    step: Callable[[Any, Any, float], StepResult],
    batches: Iterator[TrainingBatch],
    schedule: Schedule,
    plan: Plan,
    validate: Callable[[], dict[str, float]],
    progress: Progress,
) -> Iterator[Report]:
    """Run from `progress.step` to the end of the plan or the schedule, updating `progress` before each report.

    It may be left after any report and begun again with the same progress. `batches` begins with batch number
    `progress.step`. A step that is not finite is reported and ends the run; it does not count, as it changed nothing,
    while an overflow of float16 does.
    """
    while not schedule.finished:
        if plan.ends_epoch(progress.step, progress.epochs):
            yield _end_epoch(schedule, plan, validate, progress)
            continue
        if progress.step >= plan.steps:
            return
        began = time.perf_counter()
        batch = next(batches)
        fetched = time.perf_counter()
        rate = schedule.rate(progress.step)
        measured = step(batch.image, batch.label, rate)
        ended = time.perf_counter()
        epoch = progress.step // plan.steps_per_epoch + 1
        report = StepReport(progress.step + 1, epoch, batch, measured, rate, ended - began, fetched - began)
        if not (measured.finite or measured.overflow):
            yield report
            return
        progress.step += 1
        progress.seconds += report.seconds
        for name, value in measured.losses.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        yield report


def _end_epoch(
    schedule: Schedule, plan: Plan, validate: Callable[[], dict[str, float]], progress: Progress
) -> EpochReport:
    epoch, rate = progress.step // plan.steps_per_epoch, schedule.rate(progress.step - 1)
    row: dict[str, Any] = {"epoch": epoch, "step": progress.step, "learning_rate": rate}
    row |= {_column(name): total / plan.steps_per_epoch for name, total in progress.sums.items()}
    row["train_seconds"] = round(progress.seconds, 3)
    validated = epoch % plan.every_epochs == 0 or epoch == plan.epochs
    best = False
    if validated:
        began = time.perf_counter()
        figures = validate()
        row |= {f"val_{name}": value for name, value in figures.items()}
        row["val_seconds"] = round(time.perf_counter() - began, 3)
        best = schedule.observe(figures[SCORE])
    progress.history.append(row)
    progress.sums, progress.seconds = {}, 0.0
    return EpochReport(epoch, row, validated, best)


def _column(name: str) -> str:
    return name if name == "loss" else f"loss_{name}"
