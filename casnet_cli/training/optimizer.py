"""SGD as Caffe does it (section 4.2): momentum, L2 decay added to the gradient, a rate multiplier for the branches."""

import keras
from keras import ops

from casnet_cli.recipe import OptimizerSection

Tensors = list[keras.KerasTensor]
"""Values of variables, or gradients of them."""

GROWTH = 2000
"""Steps without overflow after which the loss scale of float16 doubles."""


class CaffeSGD:
    """V ← μ·V − rate·m·(g + λ·w), w ← w + V, with λ on kernels only and m the multiplier of the branches.

    Pure but for the variables it owns: a velocity per weight, the loss scale (1 unless `scaled`), and the steps since
    it last changed. Keras's own SGD decays decoupled from the gradient, and offers no multiplier.
    """

    def __init__(self, model: keras.Model, section: OptimizerSection, backbone: str, scaled: bool = False):
        self.section, self.scaled = section, scaled
        self.variables = list(model.trainable_variables)
        own = {id(variable) for variable in model.get_layer(backbone).trainable_variables}
        self.multipliers = [1.0 if id(v) in own else section.head_lr_multiplier for v in self.variables]
        self.decays = [section.weight_decay if v.path.endswith("kernel") else 0.0 for v in self.variables]
        self.velocities = [_variable(ops.zeros(v.shape, v.dtype)) for v in self.variables]
        self.scaling = [_variable(2.0**15 if scaled else 1.0), _variable(0.0)]

    def named(self) -> dict[str, keras.Variable]:
        """All its variables, by the names a checkpoint gives them."""
        velocities = {v.path: own for v, own in zip(self.variables, self.velocities, strict=True)}
        return {**velocities, "loss_scale": self.scaling[0], "loss_scale_age": self.scaling[1]}

    def moved(
        self, weights: Tensors, velocities: Tensors, gradients: Tensors, rate: keras.KerasTensor
    ) -> tuple[Tensors, Tensors]:
        """Weights and velocities one step on, `clip_norm` applied. All lists in the order of `variables`."""
        if self.section.clip_norm:
            norm = global_norm(gradients)
            shrink = self.section.clip_norm / ops.maximum(norm, self.section.clip_norm)
            gradients = [g * ops.cast(shrink, g.dtype) for g in gradients]
        rules = zip(gradients, weights, velocities, self.multipliers, self.decays, strict=True)
        after = []
        for g, w, v, multiplier, decay in rules:
            g = multiplier * (g + decay * w) if decay else multiplier * g
            after.append(self.section.momentum * v - ops.cast(rate, g.dtype) * g)
        return [w + v for w, v in zip(weights, after, strict=True)], after

    def rescaled(self, scaling: Tensors, finite: keras.KerasTensor) -> Tensors:
        """The loss scale after a step: halved on overflow, doubled after `GROWTH` steps without."""
        if not self.scaled:
            return scaling
        scale, age = scaling
        grown = ops.greater_equal(age + 1, GROWTH)
        return [
            ops.where(finite, ops.where(grown, 2 * scale, scale), scale / 2),
            ops.where(ops.logical_and(finite, ops.logical_not(grown)), age + 1, ops.zeros_like(age)),
        ]


def global_norm(gradients: Tensors) -> keras.KerasTensor:
    """√Σ g² over all gradients, in the default float type."""
    squares = [ops.sum(ops.square(ops.cast(g, keras.config.floatx()))) for g in gradients]
    return ops.sqrt(sum(squares[1:], squares[0]))


def _variable(value: keras.KerasTensor | float) -> keras.Variable:
    return keras.Variable(value, dtype=keras.config.floatx(), trainable=False)
