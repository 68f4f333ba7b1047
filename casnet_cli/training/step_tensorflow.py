"""The training step on TensorFlow: one device, several, or several processes."""

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from casnet_cli.errors import BackendError, OutOfMemory, WorkerLost
from casnet_cli.labels import VOID
from casnet_cli.recipe import TrainingSection
from casnet_cli.training import slurm
from casnet_cli.training.step import StepResult, step_result
from casnet_cli.training.update import Update, layers_of

SUM = tf.distribute.ReduceOp.SUM
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)
"""What a collective operation raises when another process is gone."""


def set_up(section: TrainingSection, strategy: str) -> "TensorFlowDevices":
    """Devices and determinism. `auto`: several workers where TF_CONFIG or Slurm name them, else every GPU there is."""
    devices = TensorFlowDevices(_strategy(strategy))  # before any other operation
    if section.deterministic:
        tf.config.experimental.enable_op_determinism()
    return devices


def _strategy(name: str) -> Any:
    tasks, named = slurm.task_count(), _named_workers()
    gpus = tf.config.list_physical_devices("GPU")
    if name == "auto":
        name = "multi-worker" if named > 1 or tasks > 1 else "mirrored" if len(gpus) > 1 else "single"
    try:
        if name == "multi-worker" and named:
            return tf.distribute.MultiWorkerMirroredStrategy()
        if name == "multi-worker" and tasks > 1:
            addresses, rank = slurm.workers()
            own = {"task_type": "worker", "task_id": rank, "num_accelerators": {"GPU": len(gpus)}}
            resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": addresses}), **own, rpc_layer="grpc"
            )
            return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise BackendError(f"--strategy {name}: the workers cannot be joined: {str(error).splitlines()[0]}") from None
    if name == "multi-worker":
        raise BackendError("--strategy multi-worker: no workers named (set TF_CONFIG, or start by srun under Slurm)")
    devices = [device.name for device in tf.config.list_logical_devices("GPU" if gpus else "CPU")]
    if name == "mirrored" and len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()


def _named_workers() -> int:
    """How many workers TF_CONFIG names; 0 without it. Raises BackendError."""
    if "TF_CONFIG" not in os.environ:
        return 0
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        workers, index = len(config["cluster"]["worker"]), config["task"]["index"]
        if config["task"]["type"] == "worker" and isinstance(index, int) and 0 <= index < workers:
            return workers
    except (ValueError, KeyError, TypeError):
        pass
    right = '{"cluster": {"worker": ["host0:12345", …]}, "task": {"type": "worker", "index": 0}}'
    raise BackendError(f"TF_CONFIG: names no worker of a cluster ({right})")


class TensorFlowDevices:
    """See `step.Devices`."""

    def __init__(self, strategy: Any):
        self.strategy = strategy
        self.replicas = strategy.num_replicas_in_sync
        resolver = strategy.cluster_resolver
        self.workers = max(1, len(resolver.cluster_spec().as_dict().get("worker", []))) if resolver else 1
        self.index = resolver.task_id or 0 if self.workers > 1 else 0

    @property
    def here(self) -> int:
        """Devices of this process."""
        return self.replicas // self.workers

    def scope(self) -> AbstractContextManager[object]:
        return self.strategy.scope() if self.replicas > 1 else contextlib.nullcontext()

    def sum(self, values: np.ndarray) -> np.ndarray:
        if self.workers == 1:
            return values

        def own(x: Any) -> Any:  # placed on a device by being computed there
            return tf.distribute.get_replica_context().all_reduce(SUM, tf.identity(x))

        reduced = tf.function(lambda given: self.strategy.run(own, (given,)), autograph=False)

        with _translated(self.workers):
            share = np.asarray(values, np.float64) / self.here  # every device of this process adds its share
            return self.strategy.experimental_local_results(reduced(tf.constant(share)))[0].numpy()

    def split(self, rows: np.ndarray, parts: int) -> list[tf.Tensor]:
        """Rows of this process as `parts` values, each spread over its devices."""
        cut = rows.reshape(parts, self.here, -1, *rows.shape[1:])
        if self.replicas == 1:
            return [tf.constant(part[0]) for part in cut]
        spread = self.strategy.experimental_distribute_values_from_function
        return [
            spread(lambda ctx, part=part: tf.constant(part[ctx.replica_id_in_sync_group % self.here])) for part in cut
        ]


def make_step(update: Update, section: TrainingSection, devices: TensorFlowDevices) -> "TensorFlowStep":
    """See `step.make_step`."""
    if devices.replicas > 1:
        for layer in layers_of(update.model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True  # statistics of the global batch
    return TensorFlowStep(update, section, devices)


class TensorFlowStep:
    """See `step.Step`. The gradients of the parts of a batch are added up, then those of all devices."""

    def __init__(self, update: Update, section: TrainingSection, devices: TensorFlowDevices):
        self.update, self.devices, self.parts = update, devices, section.accumulation
        self.differentiate = tf.function(self._differentiate, jit_compile=True) if section.xla else self._differentiate
        run = devices.strategy.run
        self.part = tf.function(lambda *values: run(self._part, values), autograph=False)
        self.finish = tf.function(lambda *values: run(self._finish, values), autograph=False)
        self.whole = tf.function(lambda *values: run(self._whole, values), autograph=False)

    def __call__(self, image: np.ndarray, label: np.ndarray, rate: float, leaving: bool = False) -> StepResult:
        kind = keras.config.floatx()
        images, labels = (self.devices.split(rows, self.parts) for rows in (image, label))
        labelled = tf.constant(np.count_nonzero(label != VOID) / self.devices.here, tf.float64)
        ending = tf.constant(rate, kind), tf.constant(float(leaving), kind)
        with _translated(self.devices.workers):
            if self.parts == 1:
                found = self.whole(images[0], labels[0], labelled, *ending)
            else:
                done = None
                for rows, classes in zip(images, labels, strict=True):
                    done = self.part(rows, classes, labelled, done)
                found = self.finish(done, *ending)
            local = tf.nest.map_structure(lambda v: self.devices.strategy.experimental_local_results(v)[0], found)
            return step_result(*tf.nest.map_structure(lambda v: v.numpy(), local))

    def sync(self) -> None:
        pass  # the state lives in the variables

    def _state(self) -> Any:
        return tuple([tf.convert_to_tensor(v.value) for v in group] for group in self.update.variables)

    def _whole(self, image: Any, label: Any, labelled: Any, rate: Any, leaving: Any) -> Any:
        return self._finish(self._part(image, label, labelled, None), rate, leaving)

    def _part(self, image: Any, label: Any, labelled: Any, done: Any) -> Any:
        """Gradients and losses of one part of the batch, added to those of the parts `done`."""
        context = tf.distribute.get_replica_context()
        count = tf.maximum(context.all_reduce(SUM, tf.identity(labelled)), 1)  # a tensor with no device cannot be
        replica = context.replica_id_in_sync_group if self.devices.replicas > 1 else None
        weights, fixed, _, scaling = self._state()
        if done is None:
            return self.differentiate(weights, fixed, scaling[0], image, label, count, replica)
        gradients, losses, fixed = done
        more, more_losses, fixed = self.differentiate(weights, fixed, scaling[0], image, label, count, replica)
        return *tf.nest.map_structure(tf.add, (gradients, losses), (more, more_losses)), fixed

    def _differentiate(self, weights: list[Any], fixed: list[Any], scale: Any, *batch: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            total, (losses, after) = self.update.loss(weights, fixed, scale, *batch)
        return tape.gradient(total, weights), losses, after

    def _finish(self, done: Any, rate: Any, leaving: Any) -> Any:
        """Sum over the devices, then move every device's variables alike."""
        gradients, losses, after = done
        context = tf.distribute.get_replica_context()
        if self.devices.replicas > 1:
            gradients, losses, leaving = context.all_reduce(SUM, (gradients, losses, tf.identity(leaving)))
        state = self._state()
        new, norm, finite = self.update.advance(state, gradients, after, losses, rate)
        targets = [v.value for group in self.update.variables for v in group]
        context.merge_call(_assign, args=(targets, [value for group in new for value in group]))
        return losses, norm, finite, state[3][0], leaving


def _assign(strategy: Any, targets: list[Any], values: list[Any]) -> None:
    for target, value in zip(targets, values, strict=True):
        strategy.extended.update(target, lambda variable, new: variable.assign(new), (value,), group=False)


@contextlib.contextmanager
def _translated(workers: int) -> Iterator[None]:
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise OutOfMemory() from None
    except LOST:
        if workers == 1:
            raise
        again = "start all of them again with --resume"
        raise WorkerLost(f"another of the {workers} workers is gone ({again})") from None
