"""casnet: semantic segmentation with CasNet, the cascade coarse-to-fine network, on Keras 3."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casnet_cli.api import load

__all__ = ["load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "load":
        from casnet_cli.api import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
