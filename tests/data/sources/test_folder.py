"""One's own data: pairing, division, proposals, and what is stored, on tiny files."""

import io
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.cli import casnet
from helpers.photographs import image, mask, photographs
from PIL import Image

from casnet_cli.data.classes.class_proposal import propose
from casnet_cli.data.images import decode_label, decode_rgb
from casnet_cli.data.layouts.division import Division, assign_splits
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.sources.folder import MOST_COUNTS, Origin
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, with_colors


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return photographs(tmp_path)


def names(folder: Path, *files: str) -> list[tuple[str, str]]:
    for file in files:
        (image if file.startswith("i/") else mask)(folder / file)
    pairs = pair_files(folder / "i", folder / "m", (".png", ".bmp")).pairs
    return [(pair.name, str(pair.label.relative_to(folder))) for pair in pairs if pair.label]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("i/a.jpg", "m/a.png"), [("a", "m/a.png")]),
        (("i/x/a.JPG", "i/y/a.png", "m/x/a.png", "m/y/a.PNG"), [("x/a", "m/x/a.png"), ("y/a", "m/y/a.PNG")]),
        (("i/a.jpg", "m/deep/a_mask.png"), [("a", "m/deep/a_mask.png")]),
        (("i/x/a.jpg", "m/a.png"), [("x/a", "m/a.png")]),
    ],
)
def test_pairs(tmp_path: Path, files: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert names(tmp_path, *files) == expected


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("i/a.jpg", "m/x/a.png", "m/y/a.png"), "could belong to"),
        (("i/train/1.jpg", "i/val/1.jpg", "m/1.png"), "could belong to"),
        (("i/a.jpg", "i/a_gt.jpg", "m/a_gt.png", "m/a_gt_gt.png"), "could belong to"),
        (("i/a.jpg", "i/a.png", "m/a.png"), "has the same name as"),
        (("m/a.png",), "holds no image"),
    ],
)
def test_pairs_that_cannot_be(tmp_path: Path, files: tuple[str, ...], words: str) -> None:
    (tmp_path / "i").mkdir()
    with pytest.raises(DataError, match=words):
        names(tmp_path, *files)


def test_division_by_fractions_is_seeded_by_name_and_whole() -> None:
    every = [f"photo-{index}" for index in range(40)]
    found = assign_splits(every, Division(val=0.25, test=0.1))
    counts = {split: list(found.values()).count(split) for split in ("train", "val", "test")}
    assert counts == {"train": 26, "val": 10, "test": 4}
    assert assign_splits(every[::-1], Division(val=0.25, test=0.1)) == {name: found[name] for name in every[::-1]}
    assert assign_splits(every, Division(val=0.25, test=0.1, seed=1)) != found
    with pytest.raises(DataError, match="none is left to train on"):
        assign_splits(every[:2], Division(val=0.5, test=0.5))


def test_division_by_sub_folders_lists_and_folds(tmp_path: Path) -> None:
    assert assign_splits(["train/a", "val/b"], Division()) == {"train/a": "train", "val/b": "val"}
    assert assign_splits(["Training/a", "VALID/b", "test/c"], Division()) == {
        "Training/a": "train",
        "VALID/b": "val",
        "test/c": "test",
    }
    for stray in ("other/b", "b"):
        with pytest.raises(DataError, match=f"{stray}: lies outside train/, val/ and test/"):
            assign_splits(["train/a", stray], Division())
    assert set(assign_splits(["a", "b"], Division(folds=2)).values()) == {"train"}
    with pytest.raises(DataError, match="--folds 3: 2 images"):
        assign_splits(["a", "b"], Division(folds=3))
    lists = (tmp_path / "train.txt", tmp_path / "val.txt")
    lists[0].write_text("\ufeffx/a.jpg\r\n\nb\n", encoding="utf-8")
    lists[1].write_text("c.PNG\n")
    chosen = assign_splits(["x/a", "y/b", "c", "unlisted"], Division(lists=lists))
    assert chosen == {"x/a": "train", "y/b": "train", "c": "val"}
    assert assign_splits(["x/a", "y/b", "c"], Division(lists=(lists[0], None, lists[1])))["c"] == "test"
    lists[1].write_text("c\nb\n")
    with pytest.raises(DataError, match=r"val.txt: line 2: b is in train already"):
        assign_splits(["x/a", "y/b", "c"], Division(lists=lists))
    lists[1].write_text("a.jpg")
    with pytest.raises(DataError, match=r"a.jpg could be x/a or y/a .name it with its sub-folder"):
        assign_splits(["x/a", "y/a", "b"], Division(lists=lists[1:]))
    lists[1].write_text("zzz/c.jpg")
    with pytest.raises(DataError, match=r"zzz/c.jpg is not among the images"):
        assign_splits(["x/a", "y/b", "c"], Division(lists=lists))
    lists[1].write_text("\n")
    with pytest.raises(DataError, match=r"val.txt: names no image"):
        assign_splits(["x/a", "y/b", "c"], Division(lists=lists))
    lists[1].write_text("nobody.jpg\n")
    with pytest.raises(DataError, match=r"line 1: nobody.jpg is not among the images"):
        assign_splits(["x/a", "y/b", "c"], Division(lists=lists))


def test_more_folds_than_can_be_counted_are_refused_before_the_work(tmp_path: Path) -> None:
    origin = Origin("mine", tmp_path, Division(folds=MOST_COUNTS // 21 + 1), ())
    with pytest.raises(DataError, match=f"at most {MOST_COUNTS // 21} folds"):
        origin.source(with_colors(tuple(f"c{index}" for index in range(21))), [], lambda pair: np.zeros(0))


def prepare(*more: str, code: int = 0) -> str:
    return casnet("prepare", "folder", "--images", "images", "--masks", "masks", "--name", "mine", *more, code=code)


def test_a_folder_becomes_a_data_set(home: Path) -> None:
    output = prepare("--classes", "classes.toml", "--val-fraction", "0.2", "--test-fraction", "0.2")
    assert "mine: 3 train, 1 val, 1 test, 2 classes" in output
    store = Store(home / "data/mine.h5")
    assert store.labels.names == ("a", "b")
    for part in store.parts().values():
        for index in range(len(part)):
            record = part[index]
            assert record.image == (home / f"images/{record.name}.JPG").read_bytes(), "the file itself, untouched"
            label = np.asarray(decode_label(record.label))
            assert label[0, 0] == VOID and label[0, 1] == 1 and label[1, 0] == 0
    first = (home / "data/mine.h5").read_bytes()
    assert prepare("--classes", "classes.toml", "--val-fraction", "0.2", "--test-fraction", "0.2") == ""
    assert (home / "data/mine.h5").read_bytes() == first, "unchanged: only touched"
    assert "4 train, 1 val" in prepare("--classes", "classes.toml", "--val-fraction", "0.2"), "other options"


def test_turned_and_foreign_images_are_stored_as_viewers_show_them(home: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn: 6x4 in the file is shown as 4x6
    turned = image(home / "images/turned.jpg", exif=exif)
    mask(home / "masks/turned.png", 4, 6)
    kept = image(home / "images/unturned.jpg", exif=exif)
    mask(home / "masks/unturned.png", 6, 4)
    image(home / "images/scan.bmp")
    mask(home / "masks/scan.png")
    prepare("--classes", "classes.toml")
    store = Store(home / "data/mine.h5")
    train = store.parts(fraction=0.01)["train"]
    records = {record.name: record for record in (train[index] for index in range(len(train)))}
    held = store.parts(fraction=0.01)["val"][0]
    records[held.name] = held
    shown = np.asarray(decode_rgb(io.BytesIO(turned.read_bytes()), oriented=True))
    np.testing.assert_array_equal(np.asarray(decode_rgb(io.BytesIO(records["turned"].image))), shown)
    assert shown.shape == (6, 4, 3) and records["unturned"].image == kept.read_bytes()
    assert records["scan"].image[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "masks need --classes FILE.toml (casnet prepare, with the same options and --propose, writes one)"),
        (("--classes", "classes.toml", "--folds", "2", "--val-fraction", "0.1"), "exclude each other"),
        (("--classes", "classes.toml", "--val-fraction", "1.5"), "--val-fraction 1.5: not a share"),
        (("--classes", "classes.toml", "--folds", "0"), "--folds 0: 5 images"),
        (("--classes", "classes.toml", "--split-files", "-", "-", "-"), "--split-files: the first is -"),
        (("--classes", "classes.toml", "--name", "../evil"), "--name ../evil: no plain name"),
        (("--classes", "classes.toml", "--name", ""), "--name : no plain name"),
        (("--classes", "none.toml"), "none.toml: not a readable table"),
        (("--annotations", "coco.json"), "name either --masks DIR or --annotations FILE"),
        (("--classes", "classes.toml", "--source", "x"), "--source: one's own data are named by"),
        (("--propose", "--classes", "classes.toml"), "classes.toml: is there already"),
        (("--propose", "--classes", "new.toml", "--out", "x.h5"), "--out: the file of prepared data"),
    ],
)
def test_mistakes(home: Path, words: tuple[str, ...], message: str) -> None:
    assert message in prepare(*words, code=2)
    assert not (home / "data/mine.h5").exists() and not (home / "evil.h5").exists()


def test_a_size_that_differs_and_a_value_that_nothing_claims_are_named(home: Path) -> None:
    mask(home / "masks/photo 3 ä.png", 7, 4)
    assert "photo 3 ä.png: labels 7x4 pixels" in prepare("--classes", "classes.toml", code=2)
    values = np.zeros((4, 6), np.uint8)
    values[2, 5] = 9
    Image.fromarray(values).save(home / "masks/photo 3 ä.png")
    output = prepare("--classes", "classes.toml", code=2)
    assert "photo 3 ä.png: row 2, column 5 holds 9, which no class claims (void?)" in output


def test_proposals(home: Path) -> None:
    casnet("prepare", "folder", "--masks", "masks", "--propose", "--classes", "proposed.toml")
    text = (home / "proposed.toml").read_text()
    assert (
        "void = {ids = [255]}    # 4.17 % of the pixels" in text
        and 'name = "class 1"    # 50.00 % of the pixels\nids = [1]' in text
    )
    assert prepare("--classes", "proposed.toml")
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(home / "two.png")
    assert (
        'name = "object"    # 50.00 % of the pixels\nids = [255]' in propose([home / "two.png"]).text
        and "\nvoid" not in propose([home / "two.png"]).text
    )
    Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8)).save(home / "rgb.png")
    assert 'name = "#010203"    # 50.00 % of the pixels\ncolor = [1, 2, 3]' in propose([home / "rgb.png"]).text
    with pytest.raises(DataError, match="masks of one kind"):
        propose([home / "two.png", home / "rgb.png"])
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    Image.fromarray(noise).save(home / "photo.jpg")
    with pytest.raises(DataError, match="saved as JPEG"):
        propose([home / "photo.jpg"])


def test_a_stray_json_does_not_make_masks_outlines(home: Path) -> None:
    (home / "masks/meta.json").write_text("{}")
    assert prepare("--classes", "classes.toml")


def test_moving_an_image_to_another_split_is_a_change(home: Path) -> None:
    for kind, ending in (("images", "JPG"), ("masks", "png")):
        for index in range(5):
            target = home / kind / ("val" if index == 4 else "train") / f"photo {index} ä.{ending}"
            target.parent.mkdir(exist_ok=True)
            (home / kind / f"photo {index} ä.{ending}").rename(target)
    assert "4 train, 1 val" in prepare("--classes", "classes.toml")
    for kind, ending in (("images", "JPG"), ("masks", "png")):
        (home / kind / f"train/photo 3 ä.{ending}").rename(home / kind / f"val/photo 3 ä.{ending}")
    assert "3 train, 2 val" in prepare("--classes", "classes.toml")


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (".", "is a folder"),
        ("classes.toml", "is there already and no prepared"),
        ("pipe", "is there already and no"),
        ("best.h5", "is there already and no prepared"),
    ],
)
def test_nothing_but_prepared_data_is_replaced(home: Path, out: str, words: str) -> None:
    os.mkfifo(home / "pipe")
    with h5py.File(home / "best.h5", "w") as file:
        file.attrs["format"] = "casnet-checkpoint"
    before = (home / "classes.toml").read_bytes()
    assert words in prepare("--classes", "classes.toml", "--out", out, code=2)
    assert (home / "classes.toml").read_bytes() == before and (home / "pipe").is_fifo()
    with h5py.File(home / "best.h5") as file:
        assert file.attrs["format"] == "casnet-checkpoint"


def test_a_damaged_file_of_prepared_data_is_prepared_again(home: Path) -> None:
    prepare("--classes", "classes.toml")
    content = Store(home / "data/mine.h5").content_sha256
    (home / "data/mine.h5").write_bytes((home / "data/mine.h5").read_bytes()[:3000])
    prepare("--classes", "classes.toml")
    assert Store(home / "data/mine.h5").content_sha256 == content


def test_names_that_are_no_utf_8_are_refused(home: Path) -> None:
    os.rename(home / "images/photo 0 ä.JPG", os.fsencode(home) + b"/images/x\xff.JPG")
    for verb in ("prepare", "check"):
        output = casnet(verb, "folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml", code=2)
        assert "its name is no UTF-8 (rename it)" in output


def test_masks_of_colours_alone(home: Path) -> None:
    """A 1-bit mask is black and white; values beyond 255 are no colours."""
    two = "".join(
        f'[[class]]\nname = "{name}"\ncolor = {color}\n' for name, color in (("b", [0] * 3), ("w", [255] * 3))
    )
    (home / "classes.toml").write_text("\ufeff" + two, encoding="utf-8")
    ids = np.arange(24).reshape(4, 6) % 2
    for index in range(5):
        Image.fromarray(ids.astype(bool)).save(home / f"masks/photo {index} ä.png")
    prepare("--classes", "classes.toml")
    stored = Store(home / "data/mine.h5").parts()["train"][0].label
    np.testing.assert_array_equal(np.asarray(decode_label(stored)), ids)
    Image.fromarray((ids * 700).astype(np.uint16)).save(home / "masks/photo 3 ä.png")
    assert "values beyond 255, but the table of classes has only colours" in prepare(
        "--classes", "classes.toml", code=2
    )


def test_proposals_can_be_prepared(home: Path) -> None:
    """Two ids of one colour; a folder without masks."""
    mask = Image.fromarray((np.arange(24).reshape(4, 6) % 3).astype(np.uint8), "P")
    mask.putpalette([0, 0, 0, 128, 0, 0, 128, 0, 0])
    for index in range(5):
        mask.save(home / f"masks/photo {index} ä.png")
    casnet("prepare", "folder", "--masks", "masks", "--propose", "--classes", "proposed.toml")
    prepare("--classes", "proposed.toml")
    (home / "none").mkdir()
    assert "none: holds no mask (." in casnet(
        "prepare", "folder", "--masks", "none", "--propose", "--classes", "n.toml", code=2
    )


@pytest.mark.parametrize("limit", [100, 2000, 3000, 20000, 60000])
def test_a_file_that_may_not_grow_is_one_line(home: Path, limit: int) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    code = f"{limited}; import casnet_cli.cli as c; c.main()"
    rng = np.random.default_rng(0)
    for index in range(5):
        Image.fromarray(rng.integers(0, 256, (80, 90, 3), np.uint8)).save(
            home / f"images/photo {index} ä.JPG", quality=95
        )
        Image.fromarray(rng.integers(0, 2, (80, 90), np.uint8)).save(home / f"masks/photo {index} ä.png")
    words = ("prepare", "folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml")
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("error:") == 1 and "Traceback" not in done.stderr, done.stderr
    assert not (home / "data").exists()
