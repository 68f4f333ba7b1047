"""The training step on JAX: one device, compiled by XLA."""

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

from casnet_cli.errors import BackendError, OutOfMemory
from casnet_cli.labels import VOID
from casnet_cli.recipe import TrainingSection
from casnet_cli.training.step import StepResult, step_result
from casnet_cli.training.update import Update


def set_up(section: TrainingSection, strategy: str) -> "JaxDevices":
    """One device; float64 must be allowed before the first array."""
    if strategy not in ("auto", "single"):
        raise BackendError(f"--strategy {strategy}: needs TensorFlow (KERAS_BACKEND=jax trains on one device)")
    if section.precision == "float64":
        jax.config.update("jax_enable_x64", True)
        BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # on JAX Keras narrows every promoted type, batch norm's first
    if section.deterministic:
        flags = os.environ.get("XLA_FLAGS", "")  # read when the first device is opened; processors need none
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
    return JaxDevices()


class JaxDevices:
    """See `step.Devices`."""

    replicas = workers = 1
    index = 0

    def scope(self) -> AbstractContextManager[object]:
        return contextlib.nullcontext()

    def sum(self, values: np.ndarray) -> np.ndarray:
        return values


def make_step(update: Update, section: TrainingSection, devices: JaxDevices) -> "JaxStep":
    """See `step.make_step`."""
    return JaxStep(update, section.accumulation)


class JaxStep:
    """See `step.Step`. Holds the state as arrays between steps; `sync` hands it back to the variables."""

    def __init__(self, update: Update, parts: int):
        self.update, self.parts = update, parts
        self.differentiate = jax.value_and_grad(update.loss, has_aux=True)
        self.compiled = jax.jit(self._step, donate_argnums=0)
        self.state: Any = None

    def __call__(self, image: np.ndarray, label: np.ndarray, rate: float, leaving: bool = False) -> StepResult:
        if self.state is None:
            self.state = jax.tree.map(jnp.copy, tuple([v.value for v in group] for group in self.update.variables))
        count = max(1, np.count_nonzero(label != VOID))
        rows = [values.reshape(self.parts, -1, *values.shape[1:]) for values in (image, label)]
        kind = keras.config.floatx()
        try:
            self.state, found = self.compiled(self.state, *rows, np.asarray(count, kind), np.asarray(rate, kind))
            losses, norm, finite, scale = jax.device_get(found)
            return step_result(losses, norm, finite, scale, leaving)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" in str(error):
                raise OutOfMemory() from None
            raise

    def sync(self) -> None:
        if self.state is None:
            return
        for group, values in zip(self.update.variables, self.state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(jnp.copy(value))

    def _step(self, state: Any, images: Any, labels: Any, count: Any, rate: Any) -> Any:
        weights, fixed, _, scaling = state

        def add(done: Any, rows: Any) -> Any:
            gradients, losses, fixed = done
            (_, (more_losses, fixed)), more = self.differentiate(weights, fixed, scaling[0], *rows, count)
            return jax.tree.map(jnp.add, (gradients, losses), (more, more_losses)) + (fixed,), None

        (_, (losses, after)), gradients = self.differentiate(weights, fixed, scaling[0], images[0], labels[0], count)
        if self.parts > 1:
            (gradients, losses, after), _ = jax.lax.scan(add, (gradients, losses, after), (images[1:], labels[1:]))
        new, norm, finite = self.update.advance(state, gradients, after, losses, rate)
        return new, (losses, norm, finite, scaling[0])
