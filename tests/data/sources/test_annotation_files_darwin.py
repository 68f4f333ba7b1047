"""A folder of Darwin's files with boxes alone."""

import json
from pathlib import Path

from helpers.cli import stderr_of
from helpers.photographs import image


def test_what_is_not_drawn_is_counted(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    box = {"name": "car", "bounding_box": {"x": 1, "y": 1, "w": 4, "h": 4}}
    (tmp_path / "a.json").write_text(json.dumps({"item": {"name": "a.jpg"}, "annotations": [box]}))
    output = stderr_of("prepare", str(tmp_path), "--out", str(tmp_path / "o.h5"), code=2)
    assert "no file in it has a shape (a Darwin file each, 1 file read; not drawn: 1 box)" in output
