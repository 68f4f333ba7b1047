"""`casnet prepare --add` on the command line: names of files, and what the old file decides."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.cli import casnet, stderr_of
from helpers.photographs import TABLE
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store

OLD = "data/trees.h5"


def picture(file: Path, seed: int, deep: bool = False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 3000 if deep else 256, (4, 6, 3))
    if deep:
        tifffile.imwrite(file, values.astype(np.uint16), photometric="rgb")
    else:
        Image.fromarray(values.astype(np.uint8)).save(file)


def mask(file: Path, value: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), value, np.uint8)).save(file)


def folder(where: Path, pictures: dict[str, int], value: int, deep: bool = False) -> Path:
    """Pictures by their seeds, with masks of one value."""
    for name, seed in pictures.items():
        picture(where / f"images/{name}.{'tif' if deep else 'png'}", seed, deep)
        mask(where / f"masks/{name}.png", value)
    return where


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `trees` of four pictures, prepared as data/trees.h5; `fresh` has one of val and a new one."""
    monkeypatch.chdir(tmp_path)
    folder(Path("trees"), {"train/1": 1, "train/2": 2, "train/3": 3, "val/4": 4}, 0)
    Path("trees/classes.toml").write_text(TABLE)
    casnet("prepare", "trees")
    folder(Path("fresh"), {"four": 4, "five": 5}, 1)
    return tmp_path


def labels(file: str) -> dict[str, int]:
    """The first class id of each picture, by split and name."""
    store = Store(Path(file))
    return {
        f"{split}/{name}": int(np.asarray(decode_label(store.file[split]["label"][row].tobytes()))[0, 0])
        for split, names in store.names.items()
        for row, name in enumerate(names)
    }


def test_a_new_file_has_both_with_the_classes_of_the_old_one(home: Path) -> None:
    before = Path(OLD).read_bytes()
    shown = stderr_of("prepare", "fresh", "--add", OLD)
    assert "1 label replaced (1 in val: they stay there), such as that of val/4 by fresh/images/four.png" in shown
    assert "1 new image, such as train/five" in shown and "prepared data/trees-2.h5" in shown
    source = f"{home / OLD}, {home / 'fresh'}; the first of them from {home / 'trees'}"
    assert Store(Path("data/trees-2.h5")).source == source and "data/trees-2.h5 from" in shown
    assert labels("data/trees-2.h5") == {
        "train/train/1": 0,
        "train/train/2": 0,
        "train/train/3": 0,
        "train/five": 1,
        "val/val/4": 1,
    }
    assert Path(OLD).read_bytes() == before
    assert Store(Path("data/trees-2.h5")).name == "trees"
    assert "data/trees-2.h5 is up to date" in stderr_of("prepare", "fresh", "--add", OLD)
    folder(Path("fresh"), {"six": 6}, 0)
    assert "prepared data/trees-3.h5" in stderr_of("prepare", "fresh", "--add", "data/trees-2.h5")
    assert [len(Store(Path(f"data/trees{n}.h5")).earlier) for n in ("", "-2", "-3")] == [0, 1, 2]
    assert "prepared data/trees-4.h5" in stderr_of("prepare", "fresh", "--add", OLD)


def test_the_old_file_is_replaced_if_out_names_it(home: Path) -> None:
    stderr_of("prepare", "fresh", "--add", OLD, "--out", OLD)
    assert "made from" in casnet("prepare", "trees", code=2), "what was added is not lost"
    assert "earlier versions" in casnet("info", OLD)
    assert len(labels(OLD)) == 5 and sorted(file.name for file in Path("data").iterdir()) == ["trees.h5"]
    Path("fresh/masks/five.png").write_bytes(b"no picture")
    before = Path(OLD).read_bytes()
    assert "five.png" in casnet("prepare", "fresh", "--add", OLD, "--out", OLD, code=2)
    assert Path(OLD).read_bytes() == before and sorted(file.name for file in Path("data").iterdir()) == ["trees.h5"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--val-fraction", 0.5), "new pictures go to train"),
        (("--folds", 2), "new pictures go to train"),
        (("--name", "x"), "the name of the file holds"),
        (("--range", "0:1"), "those of the file hold"),
        (("--propose",), "only one of them"),
        (("--add", "nowhere.h5"), "no such prepared data set"),
        (("--add", "trees/classes.toml"), "not a readable HDF5 file"),
    ],
)
def test_what_the_file_decides_is_not_decided_again(home: Path, words: tuple[object, ...], fault: str) -> None:
    shown = casnet("prepare", "fresh", "--add", OLD, *words, code=2)
    assert fault in shown and shown.count("\n") == 1
    assert "no such data set" in casnet("prepare", "nowhere", "--add", OLD, code=2)
    assert "for one's own data" in casnet("prepare", "demo", "--add", OLD, code=2)


def test_a_table_of_more_classes_extends_those_of_the_file(home: Path) -> None:
    mask(Path("fresh/masks/five.png"), 2)
    assert "2" in casnet("prepare", "fresh", "--add", OLD, code=2)
    Path("more.toml").write_text(TABLE + '[[class]]\nname = "c"\nids = [2]\n')
    assert "new classes: c" in stderr_of("prepare", "fresh", "--add", OLD, "--classes", "more.toml")
    assert Store(Path("data/trees-2.h5")).labels.names == ("a", "b", "c")
    Path("other.toml").write_text('[[class]]\nname = "c"\nids = [1, 2]\n')
    shown = casnet("prepare", "fresh", "--add", OLD, "--classes", "other.toml", code=2)
    assert "its classes are a, b; those to add c" in shown


def test_the_range_of_the_file_holds(home: Path) -> None:
    folder(Path("deep"), {"1": 1, "2": 2}, 0, deep=True)
    Path("deep/classes.toml").write_text(TABLE)
    casnet("prepare", "deep")
    folder(Path("more"), {"3": 3, "two": 2}, 1, deep=True)
    shown = stderr_of("prepare", "more", "--add", "data/deep.h5")
    assert "1 label replaced, such as that of 2 by" in shown
    old, new = Store(Path("data/deep.h5")), Store(Path("data/deep-2.h5"))
    assert new.intensities == old.intensities and old.intensities.dtype == "uint16"
    assert "its pictures are of" in casnet("prepare", "fresh", "--add", "data/deep.h5", code=2)
    assert "its pictures are of" in casnet("prepare", "more", "--add", OLD, code=2)


def test_pictures_without_a_label_are_left_out_and_labels_without_a_picture_named(home: Path) -> None:
    picture(Path("fresh/images/later.png"), 9)
    mask(Path("fresh/masks/of none.png"), 0)
    shown = stderr_of("prepare", "fresh", "--add", OLD)
    assert "1 image without a label, left out, such as fresh/images/later.png" in shown
    assert "1 label file of no image, left out, such as fresh/masks/of none.png" in shown
    assert len(labels("data/trees-2.h5")) == 5
    Path("fresh/masks").rename("elsewhere")
    words = ("--images", "fresh/images", "--masks", "elsewhere/none", "--add", OLD)
    Path("elsewhere/none").mkdir()
    assert "have no mask" in casnet("prepare", "folder", *words, code=2)


def test_outlines_count_among_predictions(home: Path) -> None:
    """What casnet predicted lies beside the corrected outlines."""
    outline = {"label": "b", "points": [[0, 0], [5, 0], [5, 3], [0, 3]], "shape_type": "polygon"}
    content = {"shapes": [outline], "imagePath": "four.png", "imageHeight": 4, "imageWidth": 6}
    Path("tasks").mkdir()
    for name in ("four", "five"):
        mask(Path(f"tasks/{name}.png"), 0)
        mask(Path(f"tasks/{name}.difficulty.png"), 0)
        Path(f"tasks/{name}.json").write_text(json.dumps(content))
    words = ("prepare", "folder", "--images", "fresh/images", "--masks", "tasks", "--add", OLD)
    assert "outlines of pictures" not in stderr_of(*words)
    Path("tasks/manifest.jsonl").touch()
    assert "outlines of pictures: the masks in tasks are predictions" in stderr_of(*words)
    assert labels("data/trees-3.h5")["val/val/4"] == 1


def test_a_coco_file_without_an_annotation_replaces_no_label(home: Path) -> None:
    images = [{"id": 0, "file_name": "four.png", "width": 6, "height": 4}]
    Path("brushes.json").write_text(
        json.dumps({"images": images, "annotations": [], "categories": [{"id": 0, "name": "a"}]})
    )
    shown = casnet(
        "prepare", "folder", "--images", "fresh/images", "--annotations", "brushes.json", "--add", OLD, code=2
    )
    assert "brushes.json: 1 picture and no annotation" in shown and shown.count("\n") == 1
