"""Lists of pictures, in the forms that programs write them."""

from pathlib import Path

import pytest

from casnet_cli.data.layouts.division import Division, assign_splits
from casnet_cli.data.layouts.lists import Finder, read_lines, read_rows


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("img/1.jpg msk/1.png\n", "utf-8"),
        ("./img/1.jpg\n", "utf-8"),
        ("/home/u/d/img/1.jpg\n", "utf-8"),
        ("C:\\data\\img\\1.jpg\r\n", "utf-8"),
        (".\\img\\1.JPG\n", "latin-1"),
        ("1.jpg\r\n", "utf-16"),
        ("1\r\n", "utf-16-le"),
        ('"1.jpg"\n', "utf-8-sig"),
    ],
)
def test_every_way_to_name_a_picture(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "train.txt").write_bytes(text.encode(encoding))
    (tmp_path / "val.txt").write_text("2\n")
    files = {name: tmp_path / f"img/{name}.jpg" for name in ("1", "2", "11")}
    lists = (tmp_path / "train.txt", tmp_path / "val.txt")
    assert assign_splits(list(files), Division(lists=lists), files) == {"1": "train", "2": "val"}


def test_absolute_names_match_by_their_longest_end(tmp_path: Path) -> None:
    finder = Finder({name: tmp_path / f"{name}.jpg" for name in ("a/1", "b/1", "b/2")})
    assert finder.matches("/other/place/b/1.jpg") == ["b/1"]
    assert finder.matches("/other/1.jpg") == ["a/1", "b/1"]
    assert finder.matches("2.png") == ["b/2"]
    assert finder.matches("c/2.png") == [] == finder.matches("./") == finder.matches("")


def test_rows_of_tables(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text('image,mask\n"a, b.jpg", "m/a.png"\n\nc.jpg,m/c.png\n')
    assert read_rows(table)[1:] == [(2, ("a, b.jpg", "m/a.png")), (4, ("c.jpg", "m/c.png"))]
    (tmp_path / "r.jsonl").write_text('{"file_name": "a.png", "n": 3, "mask_file_name": "m.png"}\n')
    assert read_rows(tmp_path / "r.jsonl") == [(1, ("a.png", "m.png"))]
    (tmp_path / "latin").write_bytes("ä.jpg\n".encode("latin-1"))
    assert read_lines(tmp_path / "latin") == [(1, "ä.jpg")]
    (tmp_path / "long.txt").write_text("x" * 200_000 + "\na.jpg m.png\n")
    assert read_rows(tmp_path / "long.txt") == [(1, ("x" * 200_000,)), (2, ("a.jpg", "m.png"))]


def test_columns_whose_names_say_so_are_masks_wherever_they_stand(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("mask_file_name,depth,text,file_name\nm/a.png,d/a.png,,a.jpg\nm/b.png,d/b.png,sea,b.jpg\n")
    assert read_rows(table)[1:] == [(2, ("a.jpg", "m/a.png")), (3, ("b.jpg", "m/b.png"))]
    (tmp_path / "r.jsonl").write_text('{"label": "m.png", "image": "a.png"}\n{"one": "b.png", "two": "c.png"}\n')
    assert read_rows(tmp_path / "r.jsonl") == [(1, ("a.png", "m.png")), (2, ("b.png", "c.png"))]


def test_groups_stay_together() -> None:
    names = [f"p{patient:02}_{slice_}" for patient in range(20) for slice_ in range(5)]
    for pattern in ("{group}_*", r"p\d+", r"^(p\d+)_"):
        found = assign_splits(names, Division(val=0.2, test=0.1, group_by=pattern))
        counts = {split: list(found.values()).count(split) for split in ("train", "val", "test")}
        assert counts == {"train": 70, "val": 20, "test": 10}, pattern
        assert all(len({found[f"p{patient:02}_{one}"] for one in range(5)}) == 1 for patient in range(20))
