"""What a training shows and draws: progress, expected time, log, TensorBoard events and sample pictures."""

import contextlib
import itertools
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.data.pixels.take import shown
from casnet_cli.data.store import Subset
from casnet_cli.evaluation.lost_classes import remedy
from casnet_cli.inference.protocol import LabelledImage, PixelOutputs
from casnet_cli.paths import RUNS
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.progress import Progress, Validation
from casnet_cli.training.loop import EpochReport, StepReport
from casnet_cli.util import memory
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count, duration, percent
from casnet_cli.workflows.train.pace import Pace
from casnet_cli.workflows.train.plan import RunPlan

if TYPE_CHECKING:
    from PIL import Image

    from casnet_cli.reports.loggers import Loggers
    from casnet_cli.reports.tensorboard import Events

SHOWN_EVERY = 10
"""Steps between two points of TensorBoard's curves."""

MEASURED = 6
"""Steps after which the expected time is shown."""


class TrainingView:
    """Shows a training. In a `with` block it also writes what it shows into the run folder."""

    def __init__(self, plan: RunPlan, progress: Progress, pace: Pace, folder: RunFolder | None = None):
        """pace: receives the times of the steps. folder: for events, log and pictures; None: nothing is written, or
        another process writes it.
        """
        self.plan, self.progress, self.pace, self.folder = plan, progress, pace, folder
        self.hinted = False
        self.strips: list[tuple[str, Image.Image]] = []
        self.bar: console.Bar | None = None
        self.events: Events | None = None
        self.loggers: Loggers | None = None

    def __enter__(self) -> "TrainingView":
        from casnet_cli.reports.tensorboard import Events

        self.stack = ExitStack()
        if self.folder:
            self.loggers = self._open_loggers(self.folder)
            self.bar = self.stack.enter_context(console.bar("training"))
            compiling = f"compiling, about {duration(self.pace.compiling)}"
            self.bar.update(self.progress.step, self.plan.length.steps, compiling)
            self.events = Events(self.folder.path, self.progress.step)
            self.stack.callback(self.events.close)
            console.message(f"its curves: {board(self.folder.path)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()
        if self.loggers:
            self.loggers.close(finished=error is None)
            self._show_faults(self.loggers)

    def _open_loggers(self, folder: RunFolder) -> "Loggers | None":
        """The loggers of the recipe; None: it names none."""
        if not self.plan.recipe.training.loggers:
            return None
        from casnet_cli.reports.loggers import LoggedRun, Loggers

        recipe = self.plan.recipe.model_dump(mode="json")
        name = folder.path.relative_to(RUNS) if folder.path.is_relative_to(RUNS) else folder.path.name
        names, logged = self.plan.recipe.training.loggers, len(self.progress.history)
        loggers = Loggers(names, LoggedRun(folder.path, str(name), recipe), folder.logged(), logged)
        with contextlib.suppress(OSError):
            folder.keep_logged(loggers.identities)
        for logger_name, logger in loggers.open.items():
            console.message(f"{logger_name}: {logger.place}")
        self._show_faults(loggers)
        return loggers

    def _show_faults(self, loggers: "Loggers") -> None:
        """Show what went wrong at loggers since the last time, here and in the log."""
        while loggers.faults:
            line = loggers.faults.pop(0)
            console.message(f"warning: {line}")
            if self.folder:
                with contextlib.suppress(OSError):
                    self.folder.log(line)

    def step(self, report: StepReport) -> None:
        """One more step: progress now and then, and after a few of them the expected time."""
        self.pace.step(report.seconds)
        if not self.pace.steps:
            return  # it compiled
        if self.events and report.step == self.pace.begun.step + MEASURED:
            self.estimate()
        if self.bar:
            self.bar.update(report.step, self.plan.length.steps, self._note(report), self.pace.left(self.progress))
        if self.events and report.step % SHOWN_EVERY == 0:
            result = report.result
            values = {f"train/{name}": value for name, value in result.losses.items()}
            values |= {"train/learning_rate": report.rate, "train/gradient_norm": result.gradient_norm}
            values |= {"speed/step_seconds": report.seconds, "speed/wait_seconds": report.wait_seconds}
            self.events.scalars(report.step, values | {"memory/resident_bytes": float(memory.memory_now())})

    def _note(self, report: StepReport) -> str:
        rate = self.plan.recipe.training.batch_size / self.pace.step_seconds
        losses = " ".join(f"{name} {value:.3f}" for name, value in report.result.losses.items())
        overflow = "  overflow" if report.result.overflow else ""
        resident = f"{memory.memory_now() / 2**30:.1f} GiB"
        return f"epoch {report.epoch}  {losses}  rate {report.rate:.1e}  {rate:.1f} images/s  {resident}{overflow}"

    def estimate(self) -> None:
        """Show how long the command takes, from its call to its end."""
        schedule, epochs = self.plan.recipe.schedule, self.plan.length.epochs - self.progress.epochs
        early = ", less if it ends early" if schedule.early_stop or schedule.kind == "plateau" else ""
        resident = f"{memory.memory_peak() / 2**30:.1f} GiB at most so far"
        console.message(
            f"expected time: about {duration(self.pace.total())} for {count(epochs, 'epoch')}{early} "
            f"({self.pace.step_seconds:.2f} s a step, {resident})"
        )

    def doing(self, what: str) -> None:
        """Show what is being done in place of a step."""
        if self.bar:
            self.bar.update(self.progress.step, self.plan.length.steps, what, self.pace.left(self.progress))

    def sampler(self, part: Subset) -> Callable[[LabelledImage, PixelOutputs], None]:
        """A function that takes each image of a validation with its outputs, shows how many there were, and draws the
        samples among them.
        """
        from casnet_cli.reports import panels

        self.strips = []
        samples = set(_spread(part, self.plan.recipe.evaluation.samples)) if self.folder else set()
        labels, done = self.plan.store.labels, itertools.count(1)
        self.doing(f"validating 0/{len(part)}")

        def draw(image: LabelledImage, outputs: PixelOutputs) -> None:
            self.doing(f"validating {next(done)}/{len(part)}")
            if image.name in samples:
                pixels = shown(image.image, self.plan.store.intensities)
                self.strips.append((image.name, panels.strip(pixels, image.label, outputs, labels)))

        return draw

    def epoch(self, report: EpochReport) -> None:
        """Log line, pictures and curves of an epoch."""
        from casnet_cli.reports import panels

        assert self.folder is not None and self.events is not None
        for line in _epoch_lines(report):
            self.folder.log(line)
            console.message(line)
        if report.validation and report.validation.lost and 2 * report.epoch >= self.plan.length.epochs:
            self._hint()
        step = int(report.row["step"])
        metrics = {name: value for name, value in report.row.items() if name.startswith("val_")}
        self.events.scalars(step, {f"val/{name.removeprefix('val_')}": value for name, value in metrics.items()})
        if report.validation and self.strips:
            picture = self.folder.samples / f"epoch-{report.epoch:04d}.jpg"
            panels.stack([strip for _, strip in self.strips]).save(picture, quality=92, subsampling=0)
            for name, strip in self.strips:
                self.events.picture(step, f"samples/{name}", strip)
        self.events.flush()
        if self.events.fault:
            console.detail(self.events.fault)
        if self.loggers:
            self.loggers.write(self.progress.history)
            self._show_faults(self.loggers)

    def _hint(self) -> None:
        """Show once what is to be done about classes of which no pixel is found."""
        if not self.hinted:
            self.hinted = True
            console.message(f"classes are lost: {remedy(self.plan.recipe)}")


def board(folder: Path) -> str:
    """The command that shows TensorBoard's events of a folder."""
    lacking = "" if find_spec("tensorboard") else " (pip install tensorboard)"
    return f"tensorboard --logdir {typed(folder)}{lacking}"


def _spread(part: Subset, most: int) -> list[str]:
    """Names of so many images at most, spread over all of them."""
    names = [part.store.names[part.group][row] for row in part.positions]
    return names[:: max(1, len(names) // max(1, most))][:most]


def _epoch_lines(report: EpochReport) -> list[str]:
    """An epoch in a line, with figures of the validation if there was one; classes that it lost in another."""
    row, validation = report.row, report.validation
    line = f"epoch {report.epoch}: loss {row['loss']:.3f}"
    if validation is None:
        return [line]
    pixels, mean = (percent(row[f"val_{name}"]) for name in ("pixel_accuracy", "mean_iou"))
    best = " (best)" if report.best else ""
    line += f", pixel accuracy {pixels}, mean IoU {mean}{best}{_weakest(validation)}"
    return [line, f"  {validation.lost}"] if validation.lost else [line]


def _weakest(validation: Validation) -> str:
    """The classes of the lowest IoU, three at most."""
    shown = {name: iou for name, iou in validation.class_iou.items() if iou is not None}
    lowest = sorted(shown, key=lambda name: shown[name])[:3]
    return ", lowest " + ", ".join(f"{name} {percent(shown[name])}" for name in lowest)
