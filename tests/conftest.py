"""A quiet engine, and small data for many tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import pytest
from helpers.datasets import write_blocks


@pytest.fixture
def blocks_file(tmp_path: Path) -> Path:
    return write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
