"""casnet: semantic segmentation with CasNet, the cascade coarse-to-fine network, on Keras 3."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casnet_cli.api import build_casnet, evaluate, load, prepare, train

__all__ = ["build_casnet", "evaluate", "load", "prepare", "train"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name in __all__:
        from casnet_cli import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
