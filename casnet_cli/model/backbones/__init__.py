"""The backbones, by the name that a recipe gives.

A new one is a module here with `BACKBONES`, its name in `MODULES`, and its names in the `backbone` of
`casnet_cli.recipe.ModelSection`.
"""

from importlib import import_module

from casnet_cli.model.backbones.base import Backbone

MODULES = ("resnet", "efficientnet_lite")
"""The modules that define backbones."""

BACKBONES: dict[str, Backbone] = {
    name: backbone
    for module in MODULES
    for name, backbone in import_module(f"casnet_cli.model.backbones.{module}").BACKBONES.items()
}
