"""The command line with the tests' own backbone, for a process of its own: python -m helpers.process WORD ...

Keras is imported where the command does it, so that an interrupt finds what it would find in `python -m casnet_cli`.
"""

from contextlib import ExitStack
from types import ModuleType

from casnet_cli import backend
from casnet_cli.__main__ import main
from helpers import tiny_backbone

_start = backend.start


def start() -> ModuleType:
    keras = _start()
    stack.enter_context(tiny_backbone.built())
    return keras


if __name__ == "__main__":
    with ExitStack() as stack, tiny_backbone.named():
        backend.start = start
        main()
