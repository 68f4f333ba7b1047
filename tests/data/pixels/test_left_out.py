"""Pictures that no command reads are counted and named in every listing of a folder; other files are not."""

import importlib.util
import re
from pathlib import Path

import pytest
from helpers.cli import casnet, stderr_of
from helpers.photographs import image, photographs
from PIL import Image

from casnet_cli.data.pixels.left_out import LeftOut, reason_of
from casnet_cli.errors import InputError
from casnet_cli.prediction.inputs import find_images
from casnet_cli.util.extras import install

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pillow-heif were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pillow_heif" else find(name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures that are read, pictures that are not, and no pictures."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("a.png", "b.avif", "c.jp2", "d.tga", "bare.png", ".hidden.png"):
        Image.new("RGB", (8, 6), "red").save(tmp_path / "in" / name)
    (tmp_path / "in" / "bare.png").rename(tmp_path / "in" / "bare")
    for name in ("e.HEIC", "sub/f.heic"):
        (tmp_path / "in" / name).write_bytes(HEIC)
    for name in ("g.psd", "._g.psd", "h.CR2", "notes.txt", "x.json", "x.xml", "x.csv", "x.md", "x.toml", "Thumbs.db"):
        (tmp_path / "in" / name).write_bytes(b"any")
    (tmp_path / "in" / "README").write_text("no picture")
    (tmp_path / "in" / "empty").touch()
    return tmp_path / "in"


def test_each_reason_is_counted_with_the_first_file(folder: Path, without_heif: None) -> None:
    left_out = LeftOut()
    jobs = find_images([folder, folder], folder.parent / "out", left_out)
    assert [job.file.name for job in jobs] == ["a.png", "b.avif", "c.jp2", "d.tga"]
    assert left_out.sentences() == [
        f"1 file left out: .cr2 is no kind of picture that casnet reads ({folder}/h.CR2)",
        f"2 files left out: .heic needs {install('heif')} ({folder}/e.HEIC and 1 other)",
        f"1 file left out: .psd is no kind of picture that casnet reads ({folder}/g.psd)",
        f"1 file left out: no ending, but PNG by content: rename to NAME.png ({folder}/bare)",
    ]


def test_what_an_extra_reads_is_no_longer_left_out(folder: Path) -> None:
    pytest.importorskip("pillow_heif")
    jobs = find_images([folder], folder.parent / "out", left_out := LeftOut())
    assert {"e.HEIC", "f.heic"} <= {job.file.name for job in jobs}
    assert not any("heic" in sentence for sentence in left_out.sentences())


def test_a_picture_named_itself_is_refused_with_the_reason(folder: Path, without_heif: None) -> None:
    for name, words in (
        ("e.HEIC", re.escape(install("heif"))),
        ("g.psd", "no kind of picture"),
        ("bare", "rename to NAME.png"),
    ):
        with pytest.raises(InputError, match=rf"{name}: .*{words}"):
            find_images([folder / name], folder.parent / "out")


def test_a_folder_of_nothing_else_says_why(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "g.psd":
            file.unlink()
    with pytest.raises(InputError, match=r"no image in it .*; 1 file left out: \.psd is no kind"):
        find_images([folder], folder.parent / "out")


@pytest.mark.parametrize("name", ["a.jpg", "a.npy", "a.txt", "a.mp4", "a.json", "folder"])
def test_what_is_read_or_no_picture_has_no_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    assert reason_of(tmp_path / name) is None


def test_preparing_checking_and_proposing_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path)
    (tmp_path / "images" / "extra.psd").write_bytes(b"any")
    image(tmp_path / "masks" / "stray.png")
    (tmp_path / "masks" / "stray.png").rename(tmp_path / "masks" / "stray")
    told = [
        "1 file left out: .psd is no kind of picture that casnet reads (images/extra.psd)",
        "1 file left out: no ending, but PNG by content: rename to NAME.png (masks/stray)",
    ]
    own = ("--images", "images", "--masks", "masks", "--classes", "classes.toml")
    proposed = stderr_of("prepare", "folder", "--masks", "masks", "--propose", "--classes", "new.toml")
    assert told[1] in proposed and told[0] not in proposed
    prepared = stderr_of("prepare", "folder", *own, "--out", "own.h5")
    assert all(sentence in prepared for sentence in told)
    checked = casnet("check", "folder", *own, code=1)
    assert all(sentence in " ".join(checked.split()) for sentence in told)
