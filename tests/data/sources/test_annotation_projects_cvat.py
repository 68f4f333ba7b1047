"""Exports of CVAT and datumaro as data sets: recognized, prepared, and casnet's own task read back."""

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.drawn_masks import LABELS
from helpers.labelled_folders import folder_of, masks
from PIL import Image

from casnet_cli.data.store import Store
from casnet_cli.prediction.cvat_format import write_cvat

BOX = '<box label="tree" xtl="1" ytl="1" xbr="4" ybr="3"></box>'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(file)


def annotations(file: Path, *elements: str) -> None:
    labels = "<label><name>tree</name><color>#010203</color></label><label><name>car</name></label>"
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    file.write_text(f"<annotations>{meta}{''.join(elements)}</annotations>", encoding="utf-8")


def labels_of(file: Path) -> dict[str, np.ndarray]:
    """The labels of a prepared file by the names of their pictures."""
    return {entry.name: entry.load().label for entry in Store(file).entries()}


def listed(name: str, *shapes: str, subset: str = "") -> str:
    part = f' subset="{subset}"' if subset else ""
    return f'<image name="{name}" width="6" height="4"{part}>{"".join(shapes)}</image>'


def test_casnets_own_task_is_read_back_exactly(home: Path) -> None:
    given = masks()
    write_cvat(home / "task.zip", folder_of(given, home / "other"))
    classes = "".join(f'[[class]]\nname = "{name}"\nlabels = ["{name}"]\n' for name in LABELS.names)
    (home / "classes.toml").write_text(classes)
    output = stderr_of("prepare", "task.zip", "--classes", "classes.toml", "--out", "o.h5")
    assert "task.zip: pictures with a CVAT file: annotations.xml" in output
    found = labels_of(home / "o.h5")
    assert len(found) == len(given)
    for number, mask in enumerate(given):
        np.testing.assert_array_equal(found[f"sub/{number}"], mask)


def test_a_folder_is_recognized_with_the_labels_of_the_task(home: Path) -> None:
    for name in ("a b.png", "sub/c.png"):
        picture(home / "task/images" / name)
    line = '<polyline label="car" points="0,0;1,1"></polyline>'
    annotations(home / "task/annotations.xml", listed("a b.png", BOX, line), listed("sub/c.png"))
    output = stderr_of("prepare", "task", "--out", "o.h5")
    assert "task: pictures with a CVAT file: annotations.xml" in output
    assert "1 shape that CVAT makes no mask of, left out: shape 2 (line) of a b.png in annotations.xml" in output
    store = Store(home / "o.h5")
    assert store.labels.names == ("background", "tree", "car") and store.labels.palette[1] == (1, 2, 3)
    labels = labels_of(home / "o.h5")
    assert list(labels) == ["a b", "sub/c"] and not labels["sub/c"].any()
    assert labels["a b"].sum() == 6 and (labels["a b"][1:3, 1:4] == 1).all()
    assert "2 train" in casnet("check", "task", code=1)  # its pictures are equal


def test_parts_of_a_project_are_splits_unless_options_say_otherwise(home: Path) -> None:
    rows = []
    for subset in ("Train", "Validation"):
        picture(home / f"p/images/{subset}/a.png")
        rows.append(listed("a.png", subset=subset))
    annotations(home / "p/annotations.xml", *rows)
    assert "1 train, 1 val" in casnet("prepare", "p", "--out", "o.h5")
    assert "1 train, 1 test" in casnet("prepare", "p", "--test-fraction", "0.5", "--out", "p.h5")


def test_frames_of_a_film_are_found_by_their_numbers(home: Path) -> None:
    picture(home / "film/images/frame_000012.PNG")
    shape = BOX.replace('label="tree"', 'frame="12" outside="0"')
    annotations(home / "film/annotations.xml", f'<track id="0" label="car">{shape}</track>')
    casnet("prepare", "film", "--out", "o.h5")
    assert Store(home / "o.h5").names["train"] == ["frame_000012"]
    annotations(home / "film/annotations.xml", f'<track id="0" label="car">{shape.replace("12", "13")}</track>')
    assert "'frame_000013.png': there is no such picture in film" in casnet("prepare", "film", "--out", "p.h5", code=2)


def test_datumaros_files_are_splits_and_ask_about_boxes(home: Path) -> None:
    for split in ("train", "val"):
        picture(home / f"d/images/{split}/a.jpg")
        item = {"id": "a", "annotations": [{"type": "bbox", "label_id": 1, "bbox": [1, 1, 3, 2]}]}
        labels = {"label": {"labels": [{"name": "tree"}, {"name": "car"}]}}
        whole = {"info": {}, "categories": labels, "items": [{**item, "image": {"path": "a.jpg", "size": [4, 6]}}]}
        file = home / f"d/annotations/{split}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(whole))
    output = casnet("prepare", "d", "--out", "o.h5", code=2)
    assert "boxes without an outline: 2 of 2 annotations, such as annotation 1 of train/a.jpg (--boxes draw" in output
    assert "1 train, 1 val" in casnet("prepare", "d", "--boxes", "draw", "--out", "o.h5")
    label = labels_of(home / "o.h5")["val/a"]
    assert label.sum() == 12 and (label[1:3, 1:4] == 2).all()
    output = stderr_of("prepare", "d", "--boxes", "skip", "--out", "p.h5")
    assert "2 shapes of boxes without an outline, left out (--boxes skip): annotation 1 (box) of a.jpg" in output


def test_an_xml_file_of_another_form_is_named_by_its_root(home: Path) -> None:
    picture(home / "images/a.png")
    (home / "a.xml").write_text("<annotation><object/></annotation>")
    output = casnet("prepare", "folder", "--images", "images", "--annotations", "a.xml", code=2)
    assert "a.xml: this is not a CVAT file: its root is <annotation> (expected <annotations>)" in output


def test_a_zip_with_a_damaged_file_is_one_line(home: Path) -> None:
    with ZipFile(home / "task.zip", "w") as archive:
        archive.writestr("annotations.xml", "<annotations><image name='a.png'></annotations>")
        picture(home / "a.png")
        archive.write(home / "a.png", "images/a.png")
    output = casnet("prepare", "task.zip", "--out", "o.h5", code=2)
    assert "task.zip/annotations.xml: not readable XML: mismatched tag" in output
