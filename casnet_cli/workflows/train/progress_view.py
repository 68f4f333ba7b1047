"""What is seen of a training run: progress, estimate, log, TensorBoard events and sample pictures."""

import statistics
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from casnet_cli import console
from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store, Subset
from casnet_cli.recipe import Recipe
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.progress import SCORE, Progress
from casnet_cli.training.loop import EpochReport, Plan, StepReport
from casnet_cli.util import memory
from casnet_cli.util.text import count, duration, percent

SHOWN_EVERY = 10
"""Steps between two points of TensorBoard's curves."""


class TrainingView:
    """folder: where events, log and pictures go; None where nothing is to be written, or another process does."""

    def __init__(
        self,
        recipe: Recipe,
        plan: Plan,
        store: Store,
        val_part: Subset,
        folder: RunFolder | None = None,
        progress: Progress | None = None,
    ):
        self.recipe, self.plan, self.labels, self.val_part = recipe, plan, store.labels, val_part
        self.folder, self.progress = folder, progress or Progress()
        self.times: deque[float] = deque(maxlen=20)
        self.first = True
        self.strips: list[tuple[str, Any]] = []
        self.bar: console.Bar | None = None
        self.events: Any = None

    def __enter__(self) -> "TrainingView":
        from casnet_cli.reports.tensorboard import Events

        self.stack = ExitStack()
        if self.folder:
            self.bar = self.stack.enter_context(console.bar("training"))
            self.events = Events(self.folder.path, self.progress.step)
            self.stack.callback(self.events.close)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.close()

    def step(self, report: StepReport) -> None:
        """One more step: progress now and then, and after a few of them the expected time."""
        if self.first:
            self.first = False  # it compiled
            return
        self.times.append(report.seconds)
        if self.events and len(self.times) == 5 and report.step == self.progress.step:
            self.estimate()
        if self.bar:
            self.bar.update(report.step, self.plan.steps, self._note(report), self._seconds_left())
        if self.events and report.step % SHOWN_EVERY == 0:
            measured = report.measured
            values = {f"train/{name}": value for name, value in measured.losses.items()}
            values |= {"train/learning_rate": report.rate, "train/gradient_norm": measured.gradient_norm}
            values |= {"speed/step_seconds": report.seconds, "speed/wait_seconds": report.wait_seconds}
            self.events.scalars(report.step, values | {"memory/resident_bytes": float(memory.memory_now())})

    def _note(self, report: StepReport) -> str:
        rate = self.recipe.training.batch_size / statistics.median(self.times)
        losses = " ".join(f"{name} {value:.3f}" for name, value in report.measured.losses.items())
        overflow = "  overflow" if report.measured.overflow else ""
        resident = f"{memory.memory_now() / 2**30:.1f} GiB"
        return f"epoch {report.epoch}  {losses}  rate {report.rate:.1e}  {rate:.1f} images/s  {resident}{overflow}"

    @property
    def validation_seconds(self) -> float:
        """Expected for one validation: a forward pass, a third of a step, per image of the size of the first."""
        step = statistics.median(self.times) if self.times else 0.0
        return self._validation_crops * step / self.recipe.training.batch_size / 3

    @cached_property
    def _validation_crops(self) -> float:
        """Pixels of the validation images, all of the size of the first, in training crops."""
        width, height = decode_label(self.val_part[0].label).size
        return len(self.val_part) * width * height * self.recipe.evaluation.scale**2 / self.recipe.augmentation.crop**2

    def _seconds_left(self) -> float:
        """For the steps that are left, and their validations."""
        validations = (self.plan.epochs - self.progress.epochs) / self.plan.every_epochs
        steps = self.plan.steps - self.progress.step
        return steps * statistics.median(self.times) + validations * self.validation_seconds

    def estimate(self) -> None:
        """Say how long the run will take."""
        step, left = statistics.median(self.times), self._seconds_left()
        epochs = self.plan.epochs - self.progress.epochs
        resident = f"{memory.memory_peak() / 2**30:.1f} GiB at most so far"
        console.say(
            f"expected time: about {duration(left)} for {count(epochs, 'epoch')} ({step:.2f} s a step, {resident})"
        )

    def sampler(self, part: Subset) -> Callable[[Any, Any], None]:
        """Takes each validated image with its answer, and draws those chosen as samples."""
        from casnet_cli.reports import panels

        self.strips = []
        wanted = set(_spread(part, self.recipe.evaluation.samples)) if self.folder else set()

        def draw(sample: Any, said: Any) -> None:
            if sample.name in wanted:
                self.strips.append((sample.name, panels.strip(sample.image, sample.label, said, self.labels)))

        return draw

    def epoch(self, report: EpochReport) -> None:
        """Log line, pictures and curves of an epoch."""
        from casnet_cli.reports import panels

        assert self.folder is not None
        line = _epoch_line(report)
        self.folder.log(line)
        console.say(line)
        step = int(report.row["step"])
        figures_found = {name: value for name, value in report.row.items() if name.startswith("val_")}
        self.events.scalars(step, {f"val/{name.removeprefix('val_')}": value for name, value in figures_found.items()})
        if report.validated and self.strips:
            picture = self.folder.path / "samples" / f"epoch-{report.epoch:04d}.jpg"
            panels.stack([strip for _, strip in self.strips]).save(picture, quality=92, subsampling=0)
            for name, strip in self.strips:
                self.events.picture(step, f"samples/{name}", strip)
        self.events.flush()
        if self.events.fault:
            console.detail(self.events.fault)


def _spread(part: Subset, count: int) -> list[str]:
    names = [part.store.names[part.group][row] for row in part.positions]
    return names[:: max(1, len(names) // max(1, count))][:count]


def _epoch_line(report: EpochReport) -> str:
    row = report.row
    losses = " ".join(
        f"{key.removeprefix('loss_')} {value:.3f}" for key, value in row.items() if key.startswith("loss")
    )
    if not report.validated:
        return f"epoch {report.epoch}: {losses}"
    pixels, classes = (percent(row[f"val_{name}"]) for name in (SCORE, "class_accuracy"))
    best = " (best)" if report.best else ""
    return f"epoch {report.epoch}: {losses}; validation pixel accuracy {pixels}, class {classes}{best}"
