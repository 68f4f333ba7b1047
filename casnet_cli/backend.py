"""Keras and its back end: imported late and without their start-up messages."""

import atexit
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from casnet_cli import paths
from casnet_cli.errors import BackendError, reason
from casnet_cli.util.signals import interrupts_kept
from casnet_cli.util.streams import keep_descriptors, lasting

BACK_ENDS = ("tensorflow", "jax", "torch")
"""Those that Keras has, in the order in which the first installed one is taken."""


def start() -> ModuleType:
    """Import Keras and its back end quietly and return keras. Takes seconds: only commands that compute call it.

    The back end is that of the environment variable KERAS_BACKEND, else the first one installed; what Keras's own file
    of settings says does not count. Raises BackendError.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    installed = next((name for name in BACK_ENDS if find_spec(name)), BACK_ENDS[0])
    name = os.environ.setdefault("KERAS_BACKEND", installed)
    if name not in BACK_ENDS:
        raise BackendError(f"KERAS_BACKEND={name}: no such back end (one of {', '.join(BACK_ENDS)})")
    if find_spec(name) is None:
        raise BackendError(f"KERAS_BACKEND={name}: {name} is not installed")
    for logger in ("absl", "tensorflow"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    if "keras" in sys.modules:
        return import_module("keras")
    os.environ.setdefault("KERAS_HOME", str(paths.keras_home()))
    try:
        with interrupts_kept(), silence(), _left_out(name):
            import keras
    except ValueError as error:
        raise BackendError(f"{paths.keras_home() / 'keras.json'}: {reason(error)} (remove that file)") from None
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    return keras


@contextmanager
def _left_out(back_end: str) -> Iterator[None]:
    """Hide libraries that Keras and TensorFlow import only if they find them: a third of the time of their import."""
    names = [name for name in ("sklearn", "pandas", "matplotlib.pyplot", "jax") if name != back_end]
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def silence() -> Iterator[None]:
    """Drop what is written to the standard error: by a back end at its import, and at its first operation."""
    # The libraries write to the descriptor before they read any logging level.
    lasting(sys.stderr).flush()
    keep_descriptors()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def exit_process(code: int | str | None) -> None:
    """End the process at once if a back end was imported, whose own clean-up takes most of a second."""
    if "keras" not in sys.modules or isinstance(code, str):
        return
    atexit._run_exitfuncs()  # as multiprocessing does where it ends a process like this
    for stream in (sys.stdout, sys.stderr):
        lasting(stream).flush()
    os._exit(code or 0)


def release_memory() -> None:
    """Free what finished networks hold in memory, and set Keras's precision back to float32."""
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        keras.backend.clear_session()  # collects garbage too


def devices() -> list[str]:
    """Names of the devices that the back end can compute on."""
    keras = start()
    with silence():
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            return [device.name for device in tf.config.list_physical_devices()]
        if keras.backend.backend() == "jax":
            import jax

            return [str(device) for device in jax.devices()]
        import torch

        return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def has_gpu() -> bool:
    """Whether the back end sees a GPU."""
    return any(word in name.lower() for name in devices() for word in ("gpu", "cuda"))
