"""The training step as the loop sees it: a batch in, losses out; one file for each back end does the work."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, SupportsFloat

import numpy as np

from casnet_cli.errors import BackendError
from casnet_cli.recipe import TrainingSection

if TYPE_CHECKING:
    import keras

    from casnet_cli.training.optimizer import CaffeSGD

TRAINING_BACK_ENDS = ("tensorflow", "jax")
"""Those of Keras's back ends for which there is a training step."""

LOSSES = ("coarse", "attention", "refine", "fine")
POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@dataclass(frozen=True)
class StepResult:
    """What came of a step."""

    losses: dict[str, float]
    """The loss of each branch, and their sum as `loss`."""
    gradient_norm: float
    """Norm of all gradients together, before clipping."""
    finite: bool
    """Whether losses and gradients are finite and the weights were moved; else the state is what it was."""
    overflow: bool = False
    """Whether float16 skipped the step and halved its loss scale."""
    leaving: bool = False
    """Whether any worker stops after this step."""


class Step(Protocol):
    """The compiled training step."""

    def __call__(self, image: np.ndarray, label: np.ndarray, rate: float, leaving: bool = False) -> StepResult:
        """Move the state by one batch: image (b, H, W, 3) uint8 RGB, label (b, H, W) uint8, this worker's rows.

        leaving: whether this worker stops after the step. Raises OutOfMemory, WorkerLost.
        """

    def sync(self) -> None:
        """Put the state into the model's and the optimizer's variables, before these are read."""


class Devices(Protocol):
    """The devices that share the work."""

    replicas: int
    """Devices in all processes together."""
    workers: int
    """Processes."""
    index: int
    """Number of this process, from 0; that one writes the files."""

    def scope(self) -> AbstractContextManager[object]:
        """Variables are made in here."""

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Over all workers, in float64; each must call it."""


def set_up(section: TrainingSection, strategy: str = "single") -> Devices:
    """Seeds, determinism, arithmetic and devices of this process, before any variable is made. Raises BackendError."""
    import keras

    devices = _back_end().set_up(section, strategy)
    parts = devices.replicas * section.accumulation
    if section.batch_size % parts:
        parted = f"{devices.replicas} devices × training.accumulation = {section.accumulation}"
        raise BackendError(
            f"training.batch_size: {section.batch_size} cannot be cut into {parts} equal parts ({parted})"
        )
    keras.utils.set_random_seed(section.seed)
    keras.config.set_floatx("float64" if section.precision == "float64" else "float32")
    keras.config.set_dtype_policy(POLICIES.get(section.precision, section.precision))
    return devices


def make_step(
    model: "keras.Model",
    optimizer: "CaffeSGD",
    section: TrainingSection,
    devices: Devices,
    class_weights: tuple[float, ...] | None = None,
) -> Step:
    """The compiled step of the back end in use."""
    from casnet_cli.training.update import Update

    return _back_end().make_step(Update(model, optimizer, class_weights, section), section, devices)


def step_result(
    losses: Mapping[str, SupportsFloat],
    norm: SupportsFloat,
    finite: np.bool_ | bool,
    scale: SupportsFloat,
    leaving: SupportsFloat,
) -> StepResult:
    """From the scalars a back end computed. Overflow at a loss scale of 1 or less is no matter of the scale."""
    by_branch: dict[str, float] = {name: float(losses[name]) for name in LOSSES if name in losses}
    total = sum(by_branch.values())
    overflow = not finite and math.isfinite(total) and float(scale) > 1
    return StepResult({"loss": total, **by_branch}, float(norm), bool(finite), overflow, float(leaving) > 0)


def _back_end() -> Any:
    import keras

    name = keras.backend.backend()
    if name not in TRAINING_BACK_ENDS:
        raise BackendError(f"KERAS_BACKEND={name}: cannot train (one of {', '.join(TRAINING_BACK_ENDS)})")
    return import_module(f"casnet_cli.training.step_{name}")
