"""casnet check on data with one fault of each kind, and the search for images that are there twice."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.cli import casnet
from helpers.datasets import LABELS, blocks, write_blocks
from helpers.photographs import photo
from PIL import Image

from casnet_cli.data import store
from casnet_cli.data.checks.rules import UNFIT
from casnet_cli.data.images import encode_label
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.errors import UnfitKind

TABLE = """void = {ids = [255]}
[[class]]
name = "ground"
ids = [0]
[[class]]
name = "thing"
ids = [1]
[[class]]
name = "ghost"
ids = [9]
"""


def save(folder: Path, name: str, seed: int, values: np.ndarray | None = None, **more: Any) -> None:
    """An image and its mask, whose right half is class 1."""
    pixels = photo(seed)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[:, 48:] = 1
    for kind in ("images", "masks"):
        (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / f"images/{name}.png", **more)
    Image.fromarray(mask if values is None else values).save(folder / f"masks/{name}.png")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean data set in images/train, images/test and masks beside them; `ghost` is taken out of the table."""
    monkeypatch.chdir(tmp_path)
    for index in range(6):
        save(tmp_path, f"train/{index}", index)
    for index in range(6, 8):
        save(tmp_path, f"test/{index}", index)
    (tmp_path / "classes.toml").write_text(TABLE[: TABLE.index('[[class]]\nname = "ghost')])
    return tmp_path


def findings(*words: object, code: int = 1) -> dict[str, dict[str, Any]]:
    """By kind; where there are several of one kind, the last."""
    result = json.loads(casnet("check", *words, "--json", "-", code=code))
    return {finding["kind"]: finding for finding in result["findings"]}


def test_clean_data_are_clean_raw_and_prepared(home: Path) -> None:
    assert "nothing was found" in casnet("check", ".")
    own = ("--images", "images", "--masks", "masks", "--classes", "classes.toml")
    assert findings("folder", *own, code=0) == {}
    casnet("prepare", "folder", *own, "--name", "own")
    result = json.loads(casnet("check", "data/own.h5", "--json", "-"))
    assert result["images"] == {"train": 6, "val": 0, "test": 2} and result["findings"] == []
    assert result["classes"][0] == {"name": "ground", "pixels": {"train": 6 * 80 * 48, "test": 2 * 80 * 48}}


def broken_image(home: Path) -> None:
    file = home / "images/train/3.png"
    file.write_bytes(file.read_bytes()[:3000])


def no_image(home: Path) -> None:
    (home / "images/train/3.png").write_text("hello")


def lonely(home: Path) -> None:
    (home / "masks/train/3.png").unlink()


def other_size(home: Path) -> None:
    Image.new("L", (50, 80)).save(home / "masks/train/3.png")


def turned(home: Path) -> None:
    Image.new("L", (80, 96)).save(home / "masks/train/3.png")


def foreign_value(home: Path) -> None:
    save(home, "train/3", 3, np.full((80, 96), 2, np.uint8))


def claims_too_much(home: Path) -> None:
    whole = (home / "masks/train/3.png").read_bytes()
    large = bytearray(whole)
    large[16:24] = (100_000).to_bytes(4, "big") * 2
    crc = __import__("zlib").crc32(bytes(large[12:29]))
    large[29:33] = crc.to_bytes(4, "big")
    (home / "masks/train/3.png").write_bytes(bytes(large))


def blurred(home: Path) -> None:
    (home / "masks/train/3.png").unlink()
    noise = np.random.default_rng(0).integers(0, 2, (80, 96), np.uint8) * 200
    Image.fromarray(noise).save(home / "masks/train/3.jpg", quality=40)


def jpeg_of_known_values(home: Path) -> None:
    (home / "masks/train/3.png").unlink()
    Image.new("L", (96, 80), 1).save(home / "masks/train/3.jpg", quality=100)


def unlabelled(home: Path) -> None:
    save(home, "train/3", 3, np.full((80, 96), 255, np.uint8))


def leak(home: Path) -> None:
    save(home, "test/6", 3)


def near_leak(home: Path) -> None:
    save(home, "test/6", 3)
    larger = Image.fromarray(photo(3)).resize((192, 160), Image.Resampling.BICUBIC)
    larger.save(home / "images/test/6.jpg", quality=60)
    (home / "images/test/6.png").unlink()
    mask = Image.open(home / "masks/test/6.png").resize((192, 160), Image.Resampling.NEAREST)
    mask.save(home / "masks/test/6.png")


def copy(home: Path) -> None:
    save(home, "train/4", 3)


def disagreement(home: Path) -> None:
    save(home, "train/4", 3, np.zeros((80, 96), np.uint8))


def absent_class(home: Path) -> None:
    (home / "classes.toml").write_text(TABLE)


def only_in_test(home: Path) -> None:
    absent_class(home)
    save(home, "test/6", 6, np.full((80, 96), 9, np.uint8))


def missing_in_test(home: Path) -> None:
    absent_class(home)
    save(home, "train/3", 3, np.full((80, 96), 9, np.uint8))


def mask_too_many(home: Path) -> None:
    Image.new("L", (4, 4)).save(home / "masks/train/stray.png")


def dangling(home: Path) -> None:
    (home / "images/train/3.png").unlink()
    (home / "images/train/3.png").symlink_to(home / "gone.png")


def exif_turned(home: Path) -> None:
    tag = Image.Exif()
    tag[0x0112] = 6
    save(home, "train/3", 3, exif=tag)


def exif_upside_down(home: Path) -> None:
    tag = Image.Exif()
    tag[0x0112] = 3
    save(home, "train/3", 3, exif=tag)


@pytest.mark.parametrize(
    ("spoil", "kind", "severity", "words", "example"),
    [
        (broken_image, "unreadable", "error", "cannot be read", "images/train/3.png"),
        (no_image, "unreadable", "error", "not a readable image", "images/train/3.png"),
        (lonely, "no label", "error", "images without a label", "images/train/3.png"),
        (other_size, "sizes", "error", "50x80", "images/train/3.png"),
        (turned, "turned", "error", "turned by a quarter", "images/train/3.png"),
        (foreign_value, "value", "error", "2 (next to class 'thing'", "masks/train/3.png"),
        (claims_too_much, "unreadable", "error", "more than 500 million pixels", "images/train/3.png"),
        (blurred, "jpeg", "error", "saved as JPEG", "masks/train/3.jpg"),
        (jpeg_of_known_values, "jpeg", "warning", "saved as JPEG", "images/train/3.png"),
        (unlabelled, "unlabelled", "warning", "without a labelled pixel", "images/train/3.png"),
        (leak, "leak", "error", "identical images across", "images/train/3.png = images/test/6.png"),
        (near_leak, "leak", "warning", "nearly identical", "images/train/3.png = images/test/6.jpg"),
        (copy, "copies", "warning", "within a split", "images/train/3.png = images/train/4.png"),
        (disagreement, "disagreement", "warning", "labels differ", "images/train/3.png = images/train/4.png"),
        (absent_class, "absent", "warning", "no label has: ghost", None),
        (only_in_test, "unlearnt", "error", "train never shows: ghost", "images/test/6.png"),
        (missing_in_test, "unjudged", "warning", "missing from test: ghost", "images/train/3.png"),
        (mask_too_many, "no image", "warning", "labels without an image", "masks/train/stray.png"),
        (dangling, "no image", "warning", "labels without an image", "masks/train/3.png"),
        (exif_turned, "exif", "warning", "as they lie", "images/train/3.png"),
        (exif_upside_down, "exif", "warning", "turned or not", "images/train/3.png"),
    ],
)  # fmt: skip
def test_each_fault_is_found_named_and_mended(
    home: Path, spoil: Any, kind: str, severity: str, words: str, example: str | None
) -> None:
    spoil(home)
    found = findings(".")[kind]
    assert found["severity"] == severity and words in found["text"] and len(found["remedy"]) > 10
    assert found["examples"] == ([example] if example else [])
    text = casnet("check", ".", code=1)
    assert f"{severity:8}" in text and found["remedy"] in text and (example or "") in text


@pytest.mark.parametrize("tag", [0, 1, 9])
def test_a_tag_that_turns_nothing_is_no_fault(home: Path, tag: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    save(home, "train/3", 3, exif=exif)
    before = (home / "images/train/3.png").read_bytes()
    assert findings(".", code=0) == {}
    casnet("prepare", "folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml", "--name", "own")
    with h5py.File(home / "data/own.h5") as file:
        assert file["train/image"][3].tobytes() == before


def test_findings_in_an_archive_name_the_archive(home: Path) -> None:
    foreign_value(home)
    shutil.make_archive("whole", "zip", home)
    found = findings("whole.zip")["value"]
    assert found["examples"] == ["whole.zip/masks/train/3.png"] and not (home / "data").exists()


def test_ones_own_layout_goes_before_those_that_are_known(home: Path) -> None:
    (home / "labels").mkdir()
    assert findings(".", code=0) == {}
    (home / "masks").rename(home / "elsewhere")
    output = casnet("check", ".", code=2)
    assert "nothing tells which of them are masks" in output


def test_notes_alone_are_no_fault(home: Path) -> None:
    Image.fromarray(photo(3)).convert("L").save(home / "images/train/3.png")
    save(home, "train/5", 5, np.eye(80, 96, dtype=np.uint8))
    wide = np.zeros((20, 400), np.uint8)
    wide[:, 200:] = 1
    Image.fromarray(wide).save(home / "masks/train/4.png")
    Image.fromarray(np.resize(photo(9), (20, 400, 3))).save(home / "images/train/4.png")
    found = findings(".", code=0)
    assert found["mode"]["text"] == "images of 8-bit grey, not 8-bit RGB"
    assert found["mode"]["examples"] == ["images/train/3.png"]
    assert found["size"]["examples"] == ["images/train/4.png"]
    assert {finding["severity"] for finding in found.values()} == {"note"}


def test_rare_classes_and_mixed_masks_are_noted(home: Path) -> None:
    absent_class(home)
    for split in ("train/3", "test/6"):
        values = np.zeros((80, 96), np.uint8)
        values[0, :3] = 9
        save(home, split, int(split[-1]), values)
    Image.open(home / "masks/train/1.png").convert("P").save(home / "masks/train/1.png")
    found = findings(".", code=0)
    share = 100 * 3 / (6 * 80 * 96)
    assert f"ghost ({share:.3f} %, 1 image)" in found["tiny"]["text"]
    assert "training.loss=dice" in found["tiny"]["remedy"]
    assert "masks of 2 kinds (8-bit grey, 8-bit palette)" in found["mixed"]["text"]


def test_leaks_across_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    twin = blocks(0).image
    entries = [Entry("train", f"{k}", lambda k=k: Sample(twin, blocks(k).label)) for k in range(4)]  # type: ignore[misc]
    source = Source("x", LABELS, lambda root: entries, "", folds=4)
    store.write(tmp_path / "x.h5", source, entries, {"source": "", "source_sha256": ""})
    found = findings("x.h5")
    assert found["leak"]["text"].startswith("pairs of identical images across folds") and found["leak"]["count"] == 3
    assert "copies" not in found


def test_prepared_files_with_damage_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_blocks(tmp_path / "x.h5", {"train": 4})
    with h5py.File(file, "r+") as opened:
        opened["train/label"][1] = np.frombuffer(b"nothing", np.uint8)
        opened["train/label"][2] = np.frombuffer(encode_label(np.full((40, 57), 7, np.uint8)), np.uint8)
        del opened["train/digest"]  # as in older files
    found = findings("x.h5")
    assert found["unreadable"]["examples"] == ["train/train/001"] and found["value"]["examples"] == ["train/train/002"]
    assert "7 is no class (0..2, 255 void)" in found["value"]["text"]


def test_an_incomplete_official_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/iccv09Data"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for index in range(3):
        Image.fromarray(photo(index)).save(folder / f"images/{index}.jpg")
        (folder / f"labels/{index}.regions.txt").write_text(("0 1 2 3 4 5 6 7 " * 12 + "\n") * 80)
    for data in ("stanford-background", "data/iccv09Data", "data"):
        found = findings(data)
        assert found["incomplete"]["text"] == "3 train images of the 715 it should have"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("nothing",), "nothing: no such file, folder or data set (known: sift-flow"),
        (("camvid",), "camvid.h5: no such prepared data set"),
        (("text.h5",), "text.h5: not a readable HDF5 file"),
        (("empty",), "empty: holds no picture"),
        (("text.zip",), "text.zip: damaged or no such archive"),
        (("text.h5", "--masks", "empty"), "are for one's own data (casnet check folder takes them)"),
        (("folder", "--images", "empty", "--masks", "empty"), "empty: holds no picture"),
        (("x.h5", "--out", "text.h5/page"), "text.h5/page: cannot be written: Not a directory"),
        (("x.h5", "--out", "own"), "own/check.html: is there, and is no page of casnet check (choose another"),
        (("x.h5", "--json", "none/x.json"), "none/x.json: cannot be written"),
    ],
)
def test_where_it_cannot_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "own"):
        (tmp_path / name).mkdir()
    for name in ("text.h5", "text.zip", "own/check.html"):
        (tmp_path / name).write_text("hello")
    os.truncate(tmp_path / "own/check.html", 2**40)  # sparse, and more than can be read
    write_blocks(tmp_path / "x.h5", {"train": 2})
    output = casnet("check", *words, code=2)
    assert fault in output and output.count("error:") == 1


def test_the_page_shows_findings_and_classes(home: Path) -> None:
    near_leak(home)
    for _ in range(2):  # its own page may be written over
        casnet("check", ".", "--out", "page", code=1)
    text = (home / "page/check.html").read_text()
    assert text.count("data:image/jpeg;base64,") == 2 + 2 * 3
    for words in ("nearly identical images across", "images/test/6.jpg", "ground", "96 x 80", "192 x 160"):
        assert words in text
    assert "http://" not in text and "https://" not in text and "<script" not in text


def test_every_kind_of_unusable_sample_has_a_description_and_a_remedy() -> None:
    assert list(UNFIT) == list(UnfitKind) and all(text and remedy for text, remedy in UNFIT.values())
