"""A quiet back end with one thread a worker, and small data for many tests."""

import os
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CASNET_ENGINE", "keras")  # else each training of a test would write files for ONNX Runtime
if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores: threads of each would only wait for one another
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import tiny_backbone
from helpers.datasets import write_blocks
from helpers.eager import functions_eager

pytest_plugins = ["helpers.scheduling", "helpers.garbage"]


@pytest.fixture
def hangups_count() -> Iterator[None]:
    """SIGHUP is not ignored, in this process and those that it starts: under `nohup pytest` it would be."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def blocks_file(tmp_path: Path) -> Path:
    return write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})


@pytest.fixture(scope="module")
def tiny() -> Iterator[None]:
    """The tests' own backbone is one of those that there are."""
    with tiny_backbone.known():
        yield


@pytest.fixture(scope="module")
def uncompiled() -> Iterator[None]:
    """TensorFlow's functions run as they stand: where none runs often, compiling takes most of the time."""
    with functions_eager(True):
        yield


@pytest.fixture
def compiled_again(uncompiled: None) -> Iterator[None]:
    """For a test of the compiled function, in a module of others."""
    with functions_eager(False):
        yield
