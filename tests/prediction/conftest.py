"""A folder of two pictures and a text."""

from pathlib import Path

import pytest
from helpers.predictions import PREDICTED, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    picture(1).save(tmp_path / "in" / "a.png")
    picture(2).save(tmp_path / "in" / "sub" / "b.JPG")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    PREDICTED.clear()
    return tmp_path / "in"
