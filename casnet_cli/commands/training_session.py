"""What `casnet train` does: choose, set up, run the loop, and save and show what it reports."""

import math
import shlex
import signal
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from casnet_cli import console, engine, paths
from casnet_cli import recipe as recipes
from casnet_cli.choice import Choice, choose
from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, RunError
from casnet_cli.runs import Checkpoint, RunFolder, open_data
from casnet_cli.training.checkpoint import Meta, read_meta
from casnet_cli.training.loop import SCORE, EpochReport, Plan, Progress, Report, StepReport
from casnet_cli.training.schedule import Schedule


def train(
    recipe: str | None, data: Path | None, run: Path | None, overrides: list[str], resume: bool, fold: int | None
) -> Path:
    """Train, or continue, and return the run folder. Exits 130 on SIGINT or SIGTERM, 1 on a loss that is no number."""
    if resume and run is None and (begun := paths.runs_with("last.h5")):
        run = begun[-1].parents[1]
    saved = read_meta(RunFolder(run).last) if run and RunFolder(run).last.exists() else None
    if saved and run and not resume:
        raise RunError(f"{run}: holds a run already (continue it by --resume, or choose another --run)")
    if saved and run:
        choice = _continued(saved, run, recipe, data, overrides)
        fold = saved.fold
    else:
        choice = choose(recipe, data, overrides)
    store = Store(choice.data)
    if saved and store.content_sha256 != saved.data_sha256:
        raise RunError(f"{choice.data}: not the data that {run} was trained on (name those by --data)")
    session = Session(choice, store, run, fold)
    console.say(choice.reason)
    if run and saved and (saved.schedule["finished"] or saved.progress.step >= session.plan.steps):
        console.say(f"{run}: finished already, after {len(saved.progress.history)} epochs")
        return run
    session.prepare(saved)
    with _stop_signals() as stopped:
        session.consume(stopped)
    return session.folder.path


def _continued(saved: Meta, run: Path, recipe: str | None, data: Path | None, overrides: list[str]) -> Choice:
    resolved = recipes.changed(saved.recipe, overrides)
    if recipe is not None:
        changes = recipes.differences(resolved, recipes.load(recipes.find(recipe), overrides))
        if changes:
            raise RunError(
                *(f"{run}: the recipe has changed: {change} (name the change by --set)" for change in changes)
            )
    path = open_data(Checkpoint(RunFolder(run).last, saved, run), data).path
    return Choice(run.name, resolved, path, f"continuing {run} after step {saved.progress.step} on {path}")


class Session:
    """One run: its parts, and what is done with each report of the loop."""

    def __init__(self, choice: Choice, store: Store, run: Path | None, fold: int | None):
        self.name, self.recipe, self.store, self.run = choice.name, choice.recipe, store, run
        self.fold = 1 if store.folds and fold is None else fold
        training = self.recipe.training
        parts = store.parts(fold, self.recipe.data.validation_fraction, training.seed)
        for split in ("train", "val"):
            if split not in parts:
                raise DataError(f"{store.path}: has no {split} images left (at least two are needed to train)")
        self.train_part, self.val_part = parts["train"], parts["val"]
        if not any(store.statistics()["class_pixels"]):
            raise DataError(f"{store.path}: no pixel of it is labelled (nothing to learn from)")
        if training.batch_size > len(self.train_part):
            few = f"{len(self.train_part)} training images"
            raise DataError(f"{store.path}: {few}, fewer than training.batch_size = {training.batch_size} (lower it)")
        steps = max(1, round(len(self.train_part) / training.batch_size))
        self.plan = Plan(steps, training.epochs, self.recipe.evaluation.every_epochs)
        self.schedule = Schedule(self.recipe.schedule, self.recipe.optimizer.learning_rate, self.plan.steps)
        self.progress = Progress()

    def prepare(self, saved: Meta | None) -> None:
        """Build the network, its step and its input, from the start or from the run's last checkpoint."""
        engine.start()
        from casnet_cli.data.pipeline import training_batches
        from casnet_cli.model.answers import answering
        from casnet_cli.model.backbones import BACKBONES
        from casnet_cli.model.casnet import build_casnet
        from casnet_cli.training import checkpoint
        from casnet_cli.training.optimizer import CaffeSGD
        from casnet_cli.training.step import make_update, set_up

        settings = self.recipe
        set_up(settings.training)
        self.model = build_casnet(settings.model, len(self.store.labels), pretrained=saved is None)
        console.detail(f"{settings.model.backbone}: {self.model.count_params():,} parameters in all")
        self.optimizer = CaffeSGD(self.model, settings.optimizer, settings.model.backbone)
        self.folder = RunFolder(self.run or paths.claim_run(self.name))
        if saved:
            checkpoint.restore(self.folder.last, self.model, self.optimizer)
            self.progress = saved.progress
            self.schedule.restore(saved.schedule)
        self.folder.create(settings, self.store, self.fold)
        self.update = make_update(self.model, self.optimizer)
        self.answer = answering(self.model)
        mean = BACKBONES[settings.model.backbone].mean
        training = settings.training
        self.batches = training_batches(
            self.train_part, settings.augmentation, mean, training.batch_size, training.seed, self.progress.step
        )
        console.say(
            f"{len(self.train_part)} training and {len(self.val_part)} validation images, {self.plan.steps_per_epoch} "
            f"steps an epoch, {self.plan.epochs} epochs; run folder {self.folder.path}"
        )

    def reports(self) -> Iterator[Report]:
        from casnet_cli.training.loop import train as loop

        return loop(self.update, self.batches, self.schedule, self.plan, self.validate, self.progress)

    def consume(self, stopped: list[int]) -> None:
        """Run the loop to its end, saving and showing. `stopped` gets a signal's number when one came."""
        times: list[float] = []
        batch = self.recipe.training.batch_size
        with console.bar("training") as bar:
            for report in self.reports():
                if isinstance(report, EpochReport):
                    self.end_epoch(report)
                else:
                    times.append(report.seconds)
                    if len(times) == 6:
                        self.estimate(times[1:])
                    bar.update(report.step, self.plan.steps, _note(report, times, batch))
                    self.check_finite(report)
                    every = self.recipe.training.checkpoint_every_steps
                    if every and report.step % every == 0:
                        self.save(best=False)
                if stopped:
                    self.save(best=False)
                    again = f"casnet train --run {shlex.quote(str(self.folder.path))} --resume"
                    console.say(f"stopped after step {self.progress.step}; go on: {again}")
                    raise typer.Exit(130)
        console.result(f"{self.folder.path}: best validation accuracy {console.percent(self.schedule.best)} %")

    def end_epoch(self, report: EpochReport) -> None:
        """Save first: what is shown has then happened."""
        self.save(report.best)
        self.folder.write_history(self.progress.history)
        line = _epoch_line(report)
        self.folder.log(line)
        console.say(line)

    def save(self, best: bool) -> None:
        from casnet_cli.training import checkpoint

        meta = Meta(
            self.recipe,
            self.store.labels,
            self.store.name,
            self.store.content_sha256,
            self.fold,
            self.progress,
            self.schedule.state(),
        )
        checkpoint.save(self.folder.last, self.model, self.optimizer, meta)
        if best:
            checkpoint.keep(self.folder.last, self.folder.best)

    def validate(self) -> dict[str, float]:
        """Figures on the held-out images, and sample pictures of some of them."""
        from casnet_cli import figures
        from casnet_cli.data.pipeline import whole_images
        from casnet_cli.evaluation.scores import evaluate

        wanted = set(_spread(self.val_part, self.recipe.evaluation.samples))
        strips: list[Any] = []

        def draw(sample: Any, said: Any) -> None:
            if sample.name in wanted:
                strips.append(figures.strip(sample.image, sample.label, said, self.store.labels))

        scores = evaluate(self.answer, whole_images(self.val_part), self.store.labels, on_image=draw)
        if strips:
            epoch = self.progress.step // self.plan.steps_per_epoch
            picture = self.folder.path / "samples" / f"epoch-{epoch:04d}.jpg"
            figures.stack(strips).save(picture, quality=92, subsampling=0)
        metrics = scores.metrics()
        if metrics[SCORE] is None:
            raise DataError(f"{self.store.path}: the validation images have no labelled pixel")
        coarse = metrics["branches"]["coarse"]
        extra = {"coarse_pixel_accuracy": coarse[SCORE]} if coarse and "fine" in scores.matrices else {}
        return {key: metrics[key] for key in (SCORE, "class_accuracy", "mean_iou")} | extra

    def estimate(self, times: list[float]) -> None:
        """Say how long the run will take: its steps, and a forward pass (a third of a step) per validation image."""
        step = statistics.median(times)
        epochs = self.plan.epochs - len(self.progress.history)
        width, height = decode_label(self.val_part[0].label).size
        crops = len(self.val_part) * width * height / self.recipe.augmentation.crop**2
        validation = crops * step / self.recipe.training.batch_size / 3
        left = (self.plan.steps - self.progress.step) * step + epochs * validation / self.plan.every_epochs
        console.say(
            f"expected time: about {console.duration(left)} for {console.count(epochs, 'epoch')} ({step:.2f} s a step)"
        )

    def check_finite(self, report: StepReport) -> None:
        if not math.isfinite(report.losses["loss"]):
            console.error(
                f"{self.folder.path}: step {report.step}: the loss is {report.losses['loss']} (lower the rate)"
            )
            raise typer.Exit(1)


def _spread(part: Subset, count: int) -> list[str]:
    names = [part.store.names[part.group][row] for row in part.positions]
    return names[:: max(1, len(names) // max(1, count))][:count]


def _note(report: StepReport, times: list[float], batch: int) -> str:
    rate = batch / statistics.median(times[-20:])
    losses = " ".join(f"{name} {value:.3f}" for name, value in report.losses.items())
    return f"epoch {report.epoch}  {losses}  rate {report.rate:.1e}  {rate:.1f} images/s"


def _epoch_line(report: EpochReport) -> str:
    row = report.row
    losses = " ".join(
        f"{key.removeprefix('loss_')} {value:.3f}" for key, value in row.items() if key.startswith("loss")
    )
    if not report.validated:
        return f"epoch {report.epoch}: {losses}"
    pixels, classes = (console.percent(row[f"val_{name}"]) for name in (SCORE, "class_accuracy"))
    best = " (best)" if report.best else ""
    return f"epoch {report.epoch}: {losses}; validation pixel accuracy {pixels}, class {classes}{best}"


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that receives the number of the first SIGINT or SIGTERM; a second one interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        console.say("stopping after this step …")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
