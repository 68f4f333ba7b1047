"""The arithmetic of a training step as pure functions of tensors, the same on every back end."""

from collections.abc import Iterator
from functools import partial

import keras
from keras import ops

from casnet_cli.recipe import TrainingSection
from casnet_cli.training.losses import branch_losses
from casnet_cli.training.optimizer import CaffeSGD, Tensors, global_norm

Losses = dict[str, keras.KerasTensor]
"""The loss of each branch, scalars."""

State = tuple[Tensors, Tensors, Tensors, Tensors]
"""Values of: weights that train, other variables of the network (batch statistics, random states), velocities, scaling
of the loss."""


class Update:
    """Loss of a batch, and the state after its gradients. `variables` keep the state between steps."""

    def __init__(
        self, model: keras.Model, optimizer: CaffeSGD, class_weights: tuple[float, ...] | None, section: TrainingSection
    ):
        self.model, self.optimizer = model, optimizer
        self.losses = partial(
            branch_losses, class_weights=class_weights, fine_loss=section.fine_loss, loss=section.loss
        )
        fixed = model.non_trainable_variables
        self.variables: State = (optimizer.variables, fixed, optimizer.velocities, optimizer.scaling)
        self.random = [variable.path.endswith("seed_generator_state") for variable in fixed]

    def loss(
        self,
        weights: Tensors,
        fixed: Tensors,
        scale: keras.KerasTensor,
        image: keras.KerasTensor,
        label: keras.KerasTensor,
        count: keras.KerasTensor,
        replica: keras.KerasTensor | None = None,
    ) -> tuple[keras.KerasTensor, tuple[Losses, Tensors]]:
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

    def _shifted(self, fixed: Tensors, replica: keras.KerasTensor | None, sign: int) -> Tensors:
        if replica is None:
            return fixed
        shift = sign * 1_000_003 * ops.stack([replica, ops.zeros_like(replica)])
        return [v + ops.cast(shift, v.dtype) if random else v for v, random in zip(fixed, self.random, strict=True)]

    def advance(
        self, state: State, gradients: Tensors, after: Tensors, losses: Losses, rate: keras.KerasTensor
    ) -> tuple[State, keras.KerasTensor, keras.KerasTensor]:
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

        def kept(new: Tensors, old: Tensors) -> Tensors:
            return [n if n is o else ops.where(finite, n, o) for n, o in zip(new, old, strict=True)]

        scaling = self.optimizer.rescaled(scaling, finite)
        return (kept(moved, weights), kept(after, fixed), kept(speeds, velocities), scaling), norm, finite


def layers_of(model: keras.Model) -> Iterator[keras.Layer]:
    """Every layer, those of nested networks included."""
    for layer in model.layers:
        yield from layers_of(layer) if isinstance(layer, keras.Model) else (layer,)
