"""What a folder with annotation files of several tools says."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import stderr_of
from PIL import Image


def test_files_of_other_tools_beside_the_one_that_is_taken_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("two/a.png")
    outline = {"label": "car", "points": [[1, 1], [5, 1], [5, 5]], "shape_type": "polygon"}
    labelme = {"shapes": [outline], "imagePath": "a.png", "imageHeight": 8, "imageWidth": 8}
    Path("two/a.json").write_text(json.dumps(labelme))
    assert "1 of them in the folder itself, 1 picture\n" in stderr_of("prepare", "two")
    area = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 5, 1, 5, 5]], "area": 8, "iscrowd": 0}
    picture = {"id": 1, "file_name": "a.png", "width": 8, "height": 8}
    coco = {"images": [picture], "annotations": [area], "categories": [{"id": 1, "name": "car"}]}
    Path("two/coco.json").write_text(json.dumps(coco))
    assert "a COCO file: coco.json; 1 file of other tools passed by" in stderr_of("prepare", "two", "--out", "b.h5")
