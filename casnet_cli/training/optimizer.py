"""SGD as Caffe does it (section 4.2): momentum, L2 decay added to the gradient, a rate multiplier for the branches."""

from typing import Any

import keras
from keras import ops

from casnet_cli.recipe import Optimizer


class CaffeSGD:
    """V ← μ·V − rate·m·(g + λ·w), w ← w + V, with λ on kernels only and m the multiplier of the branches.

    Keras's own `weight_decay` is decoupled and scaled by the rate, hence the sum here. Since the rate enters the
    velocity, a multiplied gradient is Caffe's `lr_mult`.
    """

    def __init__(self, model: keras.Model, section: Optimizer, backbone: str):
        self.variables = list(model.trainable_variables)
        own = {id(variable) for variable in model.get_layer(backbone).trainable_variables}
        self.multipliers = [1.0 if id(v) in own else section.head_lr_multiplier for v in self.variables]
        self.decays = [section.weight_decay if v.path.endswith("kernel") else 0.0 for v in self.variables]
        self.sgd = keras.optimizers.SGD(section.learning_rate, momentum=section.momentum, name="sgd")
        self.sgd.build(self.variables)  # a state loaded before this would silently start from step 0

    def apply(self, gradients: list[Any], rate: Any) -> None:
        """One step at `rate` along the gradients of `variables`, in their order."""
        self.sgd.learning_rate.assign(rate)
        rules = zip(gradients, self.variables, self.multipliers, self.decays, strict=True)
        self.sgd.apply([m * (g + decay * ops.cast(v, g.dtype)) if decay else m * g for g, v, m, decay in rules])
