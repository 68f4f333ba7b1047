"""Everything that a training works with: devices, network, compiled step and images, put together once."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import OutOfMemory, RunError
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.locate import RunLayout
from casnet_cli.runs.progress import Progress
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.training.schedule import Schedule
from casnet_cli.training.step import Devices, StepResult
from casnet_cli.training.train_state import TrainState
from casnet_cli.util import signals
from casnet_cli.util.text import count
from casnet_cli.workflows.train.pace import Extent, Pace
from casnet_cli.workflows.train.plan import RunPlan, Start

if TYPE_CHECKING:
    from casnet_cli.data.loader import Batch
    from casnet_cli.inference.keras_predictor import KerasPredictor


@dataclass(frozen=True)
class TrainingSetup:
    """A training that is ready to run."""

    plan: RunPlan
    """The recipe and its images."""
    start: Start
    """Where it starts."""
    devices: Devices
    """Devices and workers that share the work."""
    class_weights: tuple[float, ...] | None
    """Weight of each class in the losses; None: all alike."""
    state: TrainState
    """Network, optimizer and step."""
    predictor: "KerasPredictor"
    """The same network, for validation."""
    progress: Progress
    """How far training has come."""
    schedule: Schedule
    """Of the learning rate."""
    pace: Pace
    """How long its pieces take."""

    @property
    def is_chief(self) -> bool:
        """Whether this process is the worker that writes files."""
        return self.devices.index == 0

    def batches(self, worker: int | None = None, workers: int | None = None) -> "Iterator[Batch]":
        """Training images from the next step on: this worker's share of each batch, or that of another division."""
        from casnet_cli.data.loader import training_batches
        from casnet_cli.model.backbones import BACKBONES

        recipe, plan = self.plan.recipe, self.plan
        worker = self.devices.index if worker is None else worker
        workers = self.devices.workers if workers is None else workers
        mean = BACKBONES[recipe.model.backbone].means(recipe.model.input_bands)
        order = recipe.training.batch_size, recipe.training.seed
        return training_batches(plan.train_part, recipe.augmentation, mean, *order, self.progress.step, worker, workers)

    def step(self, image: np.ndarray, label: np.ndarray, rate: float, leaving: bool = False) -> StepResult:
        """One step. Raises OutOfMemory, naming a batch size that fits."""
        try:
            return self.state.step(image, label, rate, leaving)
        except OutOfMemory:
            from casnet_cli.workflows.train.memory import smaller_batch

            raise smaller_batch(self.state.step, image, label, self.plan.recipe.training) from None

    def meta(self) -> Meta:
        """Of a checkpoint written now."""
        plan, store = self.plan, self.plan.store
        data = store.labels, store.name, store.content_sha256
        schedule = self.schedule.state()
        return Meta(plan.recipe, *data, plan.fold, self.progress, schedule, intensities=store.intensities)


def set_up_training(plan: RunPlan, start: Start, strategy: str = "single") -> TrainingSetup:
    """Start the back end and put everything together. Raises CasnetError."""
    backend.start()
    from casnet_cli.data.class_weights import class_weights
    from casnet_cli.inference.loading import predictor_of
    from casnet_cli.inference.outputs import BRANCHES
    from casnet_cli.training.step import set_up
    from casnet_cli.training.train_state import assemble

    recipe, store = plan.recipe, plan.store
    if strategy in ("auto", "multi-worker") and {"TF_CONFIG", "SLURM_STEP_NUM_TASKS"} & set(os.environ):
        console.message("joining the other workers, if there are any …")
    with signals.interruptible(), backend.silence():
        devices = set_up(recipe.training, strategy)
    if devices.index:
        console.configure(quiet=True)
    weights = class_weights(recipe.training.class_weights, plan.train_part, plan.fold)
    fresh = start.saved is None and start.init is None
    began = time.monotonic()
    state = assemble(recipe, len(store.labels), devices, fresh, weights)
    building = time.monotonic() - began
    _check_memory(plan, devices, state)
    _load_weights(plan, start, devices, state)
    predictor = predictor_of(state.model, recipe, BRANCHES, intensities=store.intensities)
    _announce(plan, devices, state, weights)
    progress, schedule = start.progress(), start.schedule(plan)
    begun = replace(progress, history=list(progress.history))
    pace = Pace(plan, begun, Extent.of(plan), state.model.count_params(), building)
    return TrainingSetup(plan, start, devices, weights, state, predictor, progress, schedule, pace)


def _check_memory(plan: RunPlan, devices: Devices, state: TrainState) -> None:
    from casnet_cli.workflows.train.memory import check_memory

    training = plan.recipe.training
    if not backend.has_gpu():
        rows = training.batch_size // (devices.workers * training.accumulation)
        check_memory(state, training, plan.recipe.augmentation.crop, rows)


def _load_weights(plan: RunPlan, start: Start, devices: Devices, state: TrainState) -> None:
    from casnet_cli.runs import checkpoint
    from casnet_cli.training import transfer

    if start.saved and start.run:
        checkpoint.restore(RunLayout(start.run).last, state.model, state.optimizer)
    elif start.init:
        console.message(f"{start.init}: {transfer.adopt(start.init, state.model, plan.store.labels).sentence()}")
        begun = checkpoint.read_meta(start.init)
        console.notes(TrainedRun(start.init, begun, None).remarks)
        if seen := plan.held_out_in_vain(begun):
            console.message(
                f"note: {start.init} was trained on {count(seen, 'image')} that this run holds out, whose figures will "
                "be too good (training.seed, data.validation_fraction and --fold as there hold out the same)"
            )
    done = start.progress().step
    steps = devices.sum(np.asarray([done]))
    if steps[0] != done * devices.workers:
        raise RunError("the workers do not see the same run folder (put it where all of them can read it)")


def _announce(plan: RunPlan, devices: Devices, state: TrainState, weights: tuple[float, ...] | None) -> None:
    console.detail(f"{plan.recipe.model.backbone}: {state.model.count_params():,} parameters in all")
    if weights:
        named = zip(plan.store.labels.names, weights, strict=True)
        console.message("class weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in named))
    spread = ""
    if devices.replicas > 1:
        workers = f" in {devices.workers} processes" if devices.workers > 1 else ""
        spread = f", spread over {devices.replicas} devices{workers}"
    steps, epochs = count(plan.length.steps_per_epoch, "step"), count(plan.length.epochs, "epoch")
    images = f"{len(plan.train_part)} training and {len(plan.val_part)} validation images"
    console.message(f"{images}, {steps} an epoch, {epochs}{spread}")
