"""Exports of Label Studio as one's own data: what casnet predicted and Label Studio gives back, and its addresses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.drawn_masks import LABELS
from helpers.labelled_folders import folder_of, masks

from casnet_cli.data.store import Store
from casnet_cli.prediction.label_studio_format import write_label_studio

GIVEN = [*masks()[:9], masks()[-1]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures in `photos`, with `project.json`, an export of what casnet predicted."""
    write_label_studio(tmp_path / "project.json", folder_of(GIVEN, tmp_path))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    submit(tmp_path / "project.json")
    return tmp_path


def submit(file: Path) -> None:
    """The predictions become annotations."""
    tasks = json.loads(file.read_text())
    for number, one in enumerate(tasks):
        one |= {"id": number, "annotations": [{"id": number, "result": one["predictions"][0]["result"]}]}
    file.write_text(json.dumps(tasks))


def change(file: Path, **changes: Any) -> None:
    """Change the first task and leave out the others."""
    file.write_text(json.dumps([json.loads(file.read_text())[0] | changes]))


def test_what_was_predicted_comes_back(project: Path) -> None:
    said = stderr_of("prepare", project, "--name", "back")
    assert "pictures with a Label Studio export: project.json" in said
    store = Store(Path("data/back.h5"))
    assert store.labels.names == ("background", *LABELS.names) and store.labels.palette[1:] == LABELS.palette
    found = {entry.name: entry.load().label for entry in store.entries()}
    for number, mask in enumerate(GIVEN):
        expected = np.where(mask == 255, 0, mask + 1)  # Label Studio knows no void
        np.testing.assert_array_equal(found[f"photos/sub/{number}"], expected)


def test_check_and_option(project: Path) -> None:
    assert f"{len(GIVEN)} train, {len(LABELS) + 1} classes" in casnet("check", project)
    words = ("--images", project / "photos", "--annotations", project / "project.json", "--name", "named")
    casnet("prepare", "folder", *words)
    assert len(list(Store(Path("data/named.h5")).entries())) == len(GIVEN)


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/7/0a1b2c3d-0.png",
        "/data/local-files/?d=photos/sub/0.png",
        "s3://bucket/sub/0.png",
        "https://host:80/sub/0.png?token=a/b",
        "C:\\photos\\sub\\0.png",
    ],
)
def test_addresses_of_pictures(project: Path, address: str) -> None:
    change(project / "project.json", data={"image": address})
    casnet("prepare", project, "--name", "one")
    assert [entry.name for entry in Store(Path("data/one.h5")).entries()] == ["photos/sub/0"]


def test_a_picture_that_lacks_and_tasks_to_label(project: Path) -> None:
    change(project / "project.json", data={"image": "/data/upload/7/0a1b2c3d-x.png"})
    said = stderr_of("prepare", project, code=2)
    assert "project.json: '/data/upload/7/0a1b2c3d-x.png': there is no such picture in" in said
    change(project / "project.json", annotations=[])
    said = stderr_of("prepare", project, code=2)
    assert "no task has an annotation, and 1 of 1 a prediction (submit them in Label Studio, and export JSON)" in said
    assert said.count("error:") == 1


def test_boxes_and_what_is_left_out(project: Path) -> None:
    file = project / "project.json"
    size = json.loads(file.read_text())[0]["annotations"][0]["result"][0]
    common = {key: size[key] for key in ("original_width", "original_height")}
    box = common | {"id": "b", "value": {"x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["box"]}}
    point = common | {"id": "p", "value": {"x": 0, "y": 0, "width": 1, "keypointlabels": ["box"]}}
    change(file, annotations=[{"result": [box, point]}])
    said = stderr_of("prepare", project, code=2)
    assert "boxes without an outline: 1 of 2 annotations, such as region b of task 0 (--boxes draw" in said
    said = stderr_of("prepare", project, "--boxes", "draw", "--name", "drawn")
    assert "1 shape of points and lines, which enclose nothing, left out: region p of task 0 (point) of 0.png" in said
    store = Store(Path("data/drawn.h5"))
    (entry,) = store.entries()
    assert (entry.load().label == store.labels.names.index("box")).all()
    stderr_of("prepare", project, "--boxes", "skip", "--name", "skipped")
    (entry,) = Store(Path("data/skipped.h5")).entries()
    assert not entry.load().label.any()
