"""The numerical engine: imported late and without its start-up noise."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def start() -> ModuleType:
    """Import Keras and its back end quietly and return keras. Takes seconds: only commands that compute call it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)
    with _silent_stderr():
        import keras

        keras.ops.zeros(1)  # the back end itself talks at its first operation
    return keras


@contextmanager
def _silent_stderr() -> Iterator[None]:
    # The libraries write to the descriptor before any logging level of theirs is read.
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def has_gpu() -> bool:
    """Whether the back end sees a GPU."""
    start()
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def reachable() -> bool:
    """Whether the server of Keras's ImageNet weights answers."""
    import urllib.request

    try:
        with urllib.request.urlopen("https://storage.googleapis.com/tensorflow/keras-applications/", timeout=3):
            return True
    except OSError as error:
        return getattr(error, "code", None) is not None  # any answer of a server is one
