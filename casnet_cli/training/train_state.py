"""What a recipe trains: network, optimizer and compiled step, put together for training, replaying and timing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casnet_cli.recipe import Recipe

if TYPE_CHECKING:
    import keras

    from casnet_cli.training.optimizer import CaffeSGD
    from casnet_cli.training.step import Devices, Step


@dataclass(frozen=True)
class TrainState:
    """A network in training."""

    model: "keras.Model"
    """The network."""
    optimizer: "CaffeSGD"
    """Its optimizer, with a velocity for each weight."""
    step: "Step"
    """The compiled step that moves both."""


def assemble(
    recipe: Recipe,
    classes: int,
    devices: "Devices",
    pretrained: bool = True,
    class_weights: tuple[float, ...] | None = None,
) -> TrainState:
    """The network of a recipe for a number of classes, on devices of `training.step.set_up`. Raises WeightsError."""
    from casnet_cli.model.casnet import build_casnet
    from casnet_cli.training.optimizer import CaffeSGD
    from casnet_cli.training.step import make_step

    with devices.scope():
        model = build_casnet(recipe.model, classes, pretrained)
        scaled = recipe.training.precision == "float16"
        optimizer = CaffeSGD(model, recipe.optimizer, recipe.model.backbone, scaled)
    return TrainState(model, optimizer, make_step(model, optimizer, recipe.training, devices, class_weights))
