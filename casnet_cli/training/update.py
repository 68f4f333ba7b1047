"""The arithmetic of a training step as pure functions of tensors, the same on every back end."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
from keras import ops

from casnet_cli.training.losses import branch_losses
from casnet_cli.training.optimizer import CaffeSGD, global_norm

State = tuple[list[Any], list[Any], list[Any], list[Any]]
"""Values of: weights that train, other variables of the network (batch statistics, random states), velocities, scaling
of the loss."""


class Update:
    """Loss of a batch, and the state after its gradients. variables: where the state of a step is kept."""

    def __init__(
        self, model: keras.Model, optimizer: CaffeSGD, class_weights: tuple[float, ...] | None, fine_loss: float
    ):
        self.model, self.optimizer = model, optimizer
        self.losses = partial(branch_losses, class_weights=class_weights, fine_loss=fine_loss)
        fixed = model.non_trainable_variables
        self.variables: State = (optimizer.variables, fixed, optimizer.velocities, optimizer.scaling)
        self.random = [variable.path.endswith("seed_generator_state") for variable in fixed]

    def loss(
        self, weights: list[Any], fixed: list[Any], scale: Any, image: Any, label: Any, count: Any, replica: Any = None
    ) -> tuple[Any, tuple[dict[str, Any], list[Any]]]:
        """Scaled total loss of these rows, its parts by branch, and the other variables afterwards.

        count: N, the labelled pixels of the whole batch. replica: number of the device, so that each draws its own
        dropout.
        """
        image = ops.cast(image, keras.config.floatx())
        outputs, after = self.model.stateless_call(weights, self._shifted(fixed, replica, 1), image, training=True)
        losses = self.losses(outputs, label, count)
        values = list(losses.values())
        total = sum(values[1:], values[0])
        return total * ops.cast(scale, total.dtype), (losses, self._shifted(after, replica, -1))

    def _shifted(self, fixed: list[Any], replica: Any, sign: int) -> list[Any]:
        if replica is None:
            return fixed
        shift = sign * 1_000_003 * ops.stack([replica, ops.zeros_like(replica)])
        return [v + ops.cast(shift, v.dtype) if random else v for v, random in zip(fixed, self.random, strict=True)]

    def advance(
        self, state: State, gradients: list[Any], after: list[Any], losses: dict[str, Any], rate: Any
    ) -> tuple[State, Any, Any]:
        """The state one step on, norm of the true gradients, and whether loss and norm are finite.

        gradients: of the scaled loss, summed over the batch. after: the other variables behind the batch. Where
        anything is not finite the state stays, but for the scale.
        """
        weights, fixed, velocities, scaling = state
        gradients = [g / ops.cast(scaling[0], g.dtype) for g in gradients]
        norm = global_norm(gradients)
        finite = ops.isfinite(norm)
        for value in losses.values():
            finite = ops.logical_and(finite, ops.isfinite(value))
        moved, speeds = self.optimizer.moved(weights, velocities, gradients, rate)

        def kept(new: list[Any], old: list[Any]) -> list[Any]:
            return [n if n is o else ops.where(finite, n, o) for n, o in zip(new, old, strict=True)]

        scaling = self.optimizer.rescaled(scaling, finite)
        return (kept(moved, weights), kept(after, fixed), kept(speeds, velocities), scaling), norm, finite


def layers_of(model: keras.Model) -> Iterator[Any]:
    """Every layer, those of nested networks included."""
    for layer in model.layers:
        yield from layers_of(layer) if isinstance(layer, keras.Model) else (layer,)
