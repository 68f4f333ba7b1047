"""COCO's panoptic files as one's own data: classes, void, and the PNG files as part of the source."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import stderr_of
from PIL import Image

from casnet_cli.data.store import Store

SEGMENTS = np.array([[0, 7, 7, 300], [9, 7, 300, 300]])


def write_segments(file: Path, numbers: np.ndarray) -> None:
    Image.fromarray(np.dstack([numbers & 255, numbers >> 8, 0 * numbers]).astype(np.uint8)).save(file)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in COCO's layout, with one picture, in which segment 9 has no entry and segment 8 no pixel."""
    folder = tmp_path / "streets"
    (folder / "annotations/panoptic_train2017").mkdir(parents=True)
    (folder / "train2017").mkdir()
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3)).save(folder / "train2017/a.jpg")
    write_segments(folder / "annotations/panoptic_train2017/a.png", SEGMENTS)
    segments = [{"id": 7, "category_id": 4}, {"id": 300, "category_id": 2}, {"id": 8, "category_id": 2}]
    value = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 2}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
        "categories": [{"id": 4, "name": "road", "color": [128, 64, 128]}, {"id": 2, "name": "car"}],
    }
    (folder / "annotations/panoptic_train2017.json").write_text(json.dumps(value))
    (folder / "annotations/instances_train2017.json").write_text(json.dumps(value | {"annotations": []}))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def label() -> list[list[int]]:
    (file,) = Path("data").iterdir()
    (entry,) = Store(file).entries()
    found: list[list[int]] = entry.load().label.tolist()
    return found


def test_a_folder_is_recognized_and_void_stays_void(project: Path) -> None:
    said = stderr_of("prepare", project)
    assert "pictures with a COCO panoptic file: annotations/panoptic_train2017.json\n" in said
    assert Store(Path("data/streets.h5")).labels.names == ("car", "road")
    assert Store(Path("data/streets.h5")).labels.palette[1] == (128, 64, 128)
    assert label() == [[255, 1, 1, 0], [255, 1, 0, 0]]
    unlisted = "1 shape of PNG files without an entry in segments_info, taken for void: segment 9 (bitmap) of a.jpg"
    assert unlisted in said and "1 shape without a pixel in the PNG file, left out: segment 8 (bitmap)" in said


def test_a_table_of_classes_claims_categories_and_what_has_no_segment(project: Path) -> None:
    (project / "classes.toml").write_text(
        '[[class]]\nname = "rest"\nids = [0, 2]\n[[class]]\nname = "way"\nlabels = ["road"]\n'
    )
    stderr_of("prepare", project)
    assert label() == [[0, 1, 1, 0], [255, 1, 0, 0]]
    (project / "classes.toml").write_text(
        '[[class]]\nname = "background"\nids = [2]\n[[class]]\nname = "road"\nids = [4]\n'
    )
    stderr_of("prepare", project)
    assert label() == [[0, 1, 1, 0], [255, 1, 0, 0]], "outside of all segments lies the background"


def test_other_png_files_are_prepared_anew(project: Path) -> None:
    words = (
        "folder",
        "--images",
        project / "train2017",
        "--annotations",
        project / "annotations/panoptic_train2017.json",
    )
    stderr_of("prepare", *words)
    assert "up to date" in stderr_of("prepare", *words)
    write_segments(project / "annotations/panoptic_train2017/a.png", SEGMENTS[::-1])
    assert "up to date" not in stderr_of("prepare", *words)
    assert label() == [[255, 1, 0, 0], [255, 1, 1, 0]]
