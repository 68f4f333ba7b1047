"""One training run: its parts put together, and what is done with each report of the loop."""

import dataclasses
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import typer

from casnet_cli import backend, console
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, OutOfMemory, RunBusy, RunError, WorkerLost
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.progress import SCORE, Progress
from casnet_cli.training.loop import EpochReport, Plan, StepReport
from casnet_cli.training.schedule import Schedule
from casnet_cli.training.step import StepResult
from casnet_cli.util import signals
from casnet_cli.util.text import percent
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train.calibrate import calibrate
from casnet_cli.workflows.train.deadline import Deadline
from casnet_cli.workflows.train.progress_view import TrainingView

REHEARSAL = 4
"""Steps of a dry run; the first compiles."""


class TrainingRun:
    """A recipe on its data. saved: the meta of the run's last checkpoint if it goes on."""

    def __init__(self, choice: Choice, store: Store, run: Path | None, fold: int | None, saved: Meta | None):
        self.name, self.recipe, self.store, self.run, self.saved = choice.name, choice.recipe, store, run, saved
        self.fold = 1 if store.folds and fold is None else fold
        training = self.recipe.training
        section = self.recipe.data
        parts = store.parts(fold, section.validation_fraction, training.seed, section.validation == "stored")
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
        if saved:
            self.progress = saved.progress
            self.schedule.restore(saved.schedule)

    @property
    def finished(self) -> bool:
        return self.schedule.finished or self.progress.epochs >= self.plan.epochs

    def prepare(self, strategy: str = "single", init: Path | None = None) -> None:
        """Devices, network, step and input, from the start, from the run's last checkpoint, or from another run's."""
        self.init = init
        backend.start()
        from casnet_cli.data.class_weights import class_weights
        from casnet_cli.inference.pixel_outputs import branch_answers
        from casnet_cli.inference.predictor import InferenceSettings, KerasPredictor
        from casnet_cli.training.step import set_up
        from casnet_cli.training.train_state import assemble

        settings, training = self.recipe, self.recipe.training
        if strategy in ("auto", "multi-worker") and {"TF_CONFIG", "SLURM_STEP_NUM_TASKS"} & set(os.environ):
            console.say("joining the other workers, if there are any …")
        with signals.interruptible(), backend.silence():
            self.devices = set_up(training, strategy)
        if self.devices.index:
            console.configure(quiet=True)
        self.class_weights = class_weights(training.class_weights, self.store, self.fold)
        fresh = self.saved is None and init is None
        self.trainee = assemble(settings, len(self.store.labels), self.devices, fresh, self.class_weights)
        self._check_memory()
        self._fill(init)
        self.network = KerasPredictor(
            self.trainee.model, InferenceSettings(scale=settings.evaluation.scale), branch_answers
        )
        self.batches = self._batches(self.devices.index, self.devices.workers)
        self._introduce()

    def _batches(self, worker: int, workers: int) -> Iterator[Any]:
        from casnet_cli.data.loader import training_batches
        from casnet_cli.model.backbones import BACKBONES

        training, mean = self.recipe.training, BACKBONES[self.recipe.model.backbone].mean
        order = training.batch_size, training.seed, self.progress.step
        return training_batches(self.train_part, self.recipe.augmentation, mean, *order, worker, workers)

    def _check_memory(self) -> None:
        from casnet_cli.workflows.train.memory import check_memory

        training = self.recipe.training
        if not backend.has_gpu():
            rows = training.batch_size // (self.devices.workers * training.accumulation)
            check_memory(self.trainee, training, self.recipe.augmentation.crop, rows)

    def _fill(self, init: Path | None) -> None:
        from casnet_cli.runs import checkpoint
        from casnet_cli.training import transfer

        model, optimizer = self.trainee.model, self.trainee.optimizer
        if self.saved and self.run:
            checkpoint.restore(RunFolder(self.run).last, model, optimizer)
        elif init:
            console.say(f"{init}: {transfer.adopt(init, model, self.store.labels).sentence()}")
        steps = self.devices.sum(np.asarray([self.progress.step]))
        if steps[0] != self.progress.step * self.devices.workers:
            raise RunError("the workers do not see the same run folder (put it where all of them can read it)")

    def _introduce(self) -> None:
        model, devices = self.trainee.model, self.devices
        console.detail(f"{self.recipe.model.backbone}: {model.count_params():,} parameters in all")
        if self.class_weights:
            weights = zip(self.store.labels.names, self.class_weights, strict=True)
            console.say("class weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in weights))
        spread = ""
        if devices.replicas > 1:
            workers = f" in {devices.workers} processes" if devices.workers > 1 else ""
            spread = f", spread over {devices.replicas} devices{workers}"
        console.say(
            f"{len(self.train_part)} training and {len(self.val_part)} validation images, {self.plan.steps_per_epoch} "
            f"steps an epoch, {self.plan.epochs} epochs{spread}"
        )

    def rehearse(self) -> None:
        """A few steps on real batches, written nowhere: does it run, in what time and memory?"""
        view = TrainingView(self.recipe, self.plan, self.store, self.val_part, None, self.progress)
        for step, batch in enumerate(islice(self.batches, REHEARSAL), 1):
            began = time.perf_counter()
            measured = self._step(batch.image, batch.label, self.schedule.rate(self.progress.step))
            view.step(StepReport(step, 1, batch, measured, 0.0, time.perf_counter() - began, 0.0))
        if self.devices.index == 0:
            view.estimate()
            console.result(f"dry run: {REHEARSAL} steps done, last loss {measured.losses['loss']:.3f}; nothing written")

    def _step(self, image: np.ndarray, label: np.ndarray, rate: float, leaving: bool = False) -> StepResult:
        try:
            return self.trainee.step(image, label, rate, leaving)
        except OutOfMemory:
            from casnet_cli.workflows.train.memory import smaller_batch

            raise smaller_batch(self.trainee.step, image, label, self.recipe.training) from None

    def train(self, deadline: Deadline) -> Path | None:
        """Run the loop to its end, saving and showing. Returns the run folder, if this process wrote it."""
        from casnet_cli.training.loop import train as loop

        self.chief = self.devices.index == 0
        if self.chief:
            self.folder = RunFolder(self.run or locate.claim_run(self.name))
            self.held = self.folder.lock()
            self._check_unchanged()
            self.folder.create(self.recipe, self.store, self.fold, self.init, self.saved)
            self.folder.recall_times(self.progress.history)
            self.folder.write_history(self.progress.history)
            console.say(f"run folder {self.folder.path}")
        self.deadline, self.saved_at = deadline, time.monotonic()
        deadline.begin()
        with _stop_signals() as self.stopped, self._view() as self.view:

            def step(image: np.ndarray, label: np.ndarray, rate: float) -> StepResult:
                return self._step(image, label, rate, self._wants_to_leave(self.progress.step + 1))

            for report in loop(step, self.batches, self.schedule, self.plan, self.validate, self.progress):
                self.end_epoch(report) if isinstance(report, EpochReport) else self.end_step(report)
                deadline.lap()
                if self._leaves(report):
                    self._stop()
            if not self.chief:
                return None
            if not deadline.near(self.view.validation_seconds):
                calibrate(self.folder.best, self.val_part, self._best)
        self.held.close()
        console.result(f"{self.folder.path}: best validation accuracy {percent(self.schedule.best)} %")
        if self.stopped:
            raise typer.Exit(130)  # in its last validation: whoever called may have more to do
        return self.folder.path

    def _check_unchanged(self) -> None:
        """Raises RunBusy if the run has gone on since its checkpoint was read: only now nobody else trains it."""
        found = self.folder.resumable()
        if (found and found.progress.timeless()) != (self.saved and self.saved.progress.timeless()):
            self.held.close()
            raise RunBusy(f"{self.folder.path}: another process has just trained it (go on once more by --resume)")

    def _best(self) -> Any:
        """The network that validation asked, with the weights of the best checkpoint."""
        from casnet_cli.runs import checkpoint

        checkpoint.fill(self.folder.best, self.trainee.model)
        self.network.refresh()
        return self.network

    def calibrate(self) -> None:
        """Of a finished run whose end was cut short."""
        assert self.run
        best = RunFolder(self.run).best

        def network() -> Any:
            from casnet_cli.inference.predictor import InferenceSettings, KerasPredictor
            from casnet_cli.runs.checkpoint import load_model

            return KerasPredictor(load_model(best)[0], InferenceSettings())

        calibrate(best, self.val_part, network)

    @contextmanager
    def _view(self) -> Iterator[TrainingView]:
        folder = self.folder if self.chief else None
        with TrainingView(self.recipe, self.plan, self.store, self.val_part, folder, self.progress) as view:
            yield view

    def _wants_to_leave(self, step: int) -> bool:
        """step: how many are done by then."""
        validates = self.plan.ends_epoch(step, self.progress.epochs)
        return bool(self.stopped) or self.deadline.near(self.view.validation_seconds if validates else 0.0)

    def _leaves(self, report: Any) -> bool:
        """Several workers agree in the step itself, so that none waits for one that has left."""
        if self.devices.workers > 1:
            return isinstance(report, StepReport) and report.measured.leaving
        return not self.finished and self._wants_to_leave(self.progress.step)

    def _stop(self) -> None:
        self.save()
        if self.chief:
            again = f"casnet train --run {shlex.quote(str(self.folder.path))} --resume"
            in_time = not self.stopped and self.deadline.limit is not None  # else another worker was stopped
            why = "stopped before --max-time," if in_time else "stopped"
            console.say(f"{why} after step {self.progress.step}; go on: {again}")
            self.held.close()
        raise typer.Exit(130)

    def end_step(self, report: StepReport) -> None:
        self.view.step(report)
        if not (report.measured.finite or report.measured.overflow):
            self._not_finite(report)
        training = self.recipe.training
        every, minutes = training.checkpoint_every_steps, training.checkpoint_every_minutes
        late = minutes and time.monotonic() - self.saved_at >= 60 * minutes
        if late or (every and report.step % every == 0):
            self.save()

    def end_epoch(self, report: EpochReport) -> None:
        """Save first: what is shown has then happened."""
        self.save(report.best)
        if self.chief:
            self.folder.write_history(self.progress.history)
            self.view.epoch(report)

    def meta(self) -> Meta:
        """What a checkpoint of this moment says."""
        data = self.store.labels, self.store.name, self.store.content_sha256
        return Meta(self.recipe, *data, self.fold, self.progress, self.schedule.state())

    def save(self, best: bool = False) -> None:
        from casnet_cli.runs import checkpoint

        self.saved_at = time.monotonic()
        if self.chief:
            self.trainee.step.sync()
            model, optimizer = self.trainee.model, self.trainee.optimizer
            checkpoint.save(self.folder.last, model, optimizer, self.meta(), self.folder.best if best else None)

    def validate(self) -> dict[str, float]:
        """Figures on the held-out images, shared among the workers; the chief draws samples of its own."""
        from casnet_cli.data.loader import whole_images
        from casnet_cli.evaluation.evaluator import evaluate, predict_samples

        self.trainee.step.sync()
        self.network.refresh()
        part = self.val_part
        share = Subset(part.store, part.group, part.positions[self.devices.index :: self.devices.workers])
        asked = predict_samples(self.network, whole_images(share))
        scores = evaluate(asked, self.store.labels, on_image=self.view.sampler(share))
        metrics = dataclasses.replace(scores, matrices=self._summed(scores.matrices)).metrics()
        if metrics[SCORE] is None:
            raise DataError(f"{self.store.path}: the validation images have no labelled pixel")
        coarse = metrics["branches"]["coarse"]
        extra = {"coarse_pixel_accuracy": coarse[SCORE]} if coarse and metrics["branches"]["fine"] else {}
        return {key: metrics[key] for key in (SCORE, "class_accuracy", "mean_iou")} | extra

    def _summed(self, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.devices.workers == 1:
            return own
        from casnet_cli.model.casnet import BRANCHES

        shape = own["fused"].shape
        names = [name for name in BRANCHES[self.recipe.model.variant] if name != "attention"]
        stacked = np.stack([own.get(name, np.zeros(shape)) for name in (*names, "fused")])
        return dict(zip((*names, "fused"), self.devices.sum(stacked).astype(np.int64), strict=True))

    def _not_finite(self, report: StepReport) -> None:
        from casnet_cli.workflows.train.replay import keep

        if self.devices.workers > 1 and not self.chief:
            raise WorkerLost(f"step {report.step}: the loss is not finite (the first worker keeps the batch)")
        self.trainee.step.sync()
        batch = report.batch if self.devices.workers == 1 else next(self._batches(0, 1))
        kept = keep(self.folder.path, report, batch, self.trainee, self.meta(), self.class_weights)
        told = f"the loss is {report.measured.losses['loss']}, the gradients' norm {report.measured.gradient_norm}"
        console.error(
            f"{self.folder.path}: step {report.step}: {told} (casnet train --replay {shlex.quote(str(kept))})"
        )
        raise typer.Exit(1)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that receives the number of the first SIGINT or SIGTERM; a second one interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        console.say("stopping after this step …")

    with signals.handling(handle):
        yield received
