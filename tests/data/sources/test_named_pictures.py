"""Pictures by the names that annotation files give them."""

from pathlib import Path

import pytest

from casnet_cli.data.sources.named_pictures import NamedPictures
from casnet_cli.errors import Unfit, UnfitKind


@pytest.fixture
def pictures(tmp_path: Path) -> NamedPictures:
    for name in (
        "a.jpg",
        "train/b.jpg",
        "valid/b.jpg",
        "x/y/c.PNG",
        "x/ä.png",
        "d.jpg",
        "sub/d.jpg",
        "notes.txt",
        "e (1)&.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return NamedPictures(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("images\\a.jpg", "a.jpg"),
        ("C:\\data\\images\\A.JPG", "a.jpg"),
        ("/home/user/p/img/a.jpg", "a.jpg"),
        ("../media/upload/2/a.jpg", "a.jpg"),
        ("train/b.jpg", "train/b.jpg"),
        ("data\\valid\\b.jpg", "valid/b.jpg"),
        ("c.png", "x/y/c.PNG"),
        ("a\u0308.png", "x/ä.png"),
        ("d.jpg", "d.jpg"),
        ("sub/d.jpg", "sub/d.jpg"),
        ("/data/upload/2/e_1.png", "e (1)&.png"),
    ],
)
def test_a_picture_is_found_by_the_end_of_its_path(pictures: NamedPictures, name: str, expected: str) -> None:
    found = pictures.find(name)
    assert found == pictures.folder / expected and pictures.key(found) == expected.rpartition(".")[0]


@pytest.mark.parametrize("name", ["", ".", "..", "/", "gone.jpg", "../notes.txt", "a\0.jpg", "\ud800.jpg", "a"])
def test_a_picture_that_is_not_there(pictures: NamedPictures, name: str) -> None:
    with pytest.raises(Unfit, match="there is no such picture in") as caught:
        pictures.find(name)
    assert caught.value.kind is UnfitKind.NO_IMAGE


def test_of_equal_names_the_one_beside_the_annotations_is_taken(pictures: NamedPictures) -> None:
    with pytest.raises(Unfit, match="could be .*train/b.jpg or .*valid/b.jpg"):
        pictures.find("b.jpg")
    assert pictures.find("b.jpg", pictures.folder / "valid") == pictures.folder / "valid/b.jpg"


def test_names_of_uploads_give_way_to_names_as_they_are(tmp_path: Path) -> None:
    for name in ("a b.png", "a_b.png", "c d.png", "c (d).png", "c_d.png.txt"):
        (tmp_path / name).write_bytes(b"")
    pictures = NamedPictures(tmp_path)
    assert pictures.find("a_b.png").name == "a_b.png"
    with pytest.raises(Unfit, match="could be"):
        pictures.find("c_d.png")
