"""Pictures by the names that annotation files give them."""

from pathlib import Path

import pytest

from casnet_cli.data.sources.named_pictures import NamedPictures
from casnet_cli.errors import Unfit, UnfitKind


@pytest.fixture
def pictures(tmp_path: Path) -> NamedPictures:
    for name in ("a.jpg", "train/b.jpg", "valid/b.jpg", "x/y/c.PNG", "x/ä.png", "d.jpg", "sub/d.jpg", "notes.txt"):
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
