"""Tables become folders of pictures and masks: whole, named, and for a while."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers.picture_tables import CELL, cells, mask, photo, png, write_pairs, write_table
from PIL import Image
from pyarrow import parquet

from casnet_cli.data import archives
from casnet_cli.data.tables import reading
from casnet_cli.data.tables.files import tables_of
from casnet_cli.data.tables.unpack import RECORD, unpacked_tables
from casnet_cli.errors import DataError
from casnet_cli.util.extras import install


@contextmanager
def unpacked(where: Path, columns: tuple[str, str] | None = None) -> Iterator[Path]:
    scratch = where.parent / "scratch"
    with unpacked_tables(tables_of(where), where, scratch, columns) as folder:
        yield folder
    assert not list(scratch.iterdir()), "nothing is left"


def contents(where: Path, columns: tuple[str, str] | None = None) -> dict[str, bytes]:
    with unpacked(where, columns) as folder:
        return {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.name != RECORD
        }


def record(where: Path) -> dict[str, object]:
    with unpacked(where) as folder:
        found: dict[str, object] = json.loads((folder / RECORD).read_text())
        return found


def refusal(where: Path, columns: tuple[str, str] | None = None) -> str:
    with pytest.raises(DataError) as caught, unpacked(where, columns):
        pytest.fail("was unpacked")
    assert not list((where.parent / "scratch").glob("*"))
    return str(caught.value)


def test_pictures_come_out_byte_for_byte_by_split_and_name(tmp_path: Path) -> None:
    where = tmp_path / "set"
    write_pairs(where / "data/train-00000-of-00002.parquet", [0, 1, 2])
    write_pairs(where / "data/train-00001-of-00002.parquet", [3])
    write_pairs(where / "data/test-00000-of-00001.parquet", [4])
    found = contents(where)
    parts = [("train", seed) for seed in range(4)] + [("test", 4)]
    expected = {f"images/{split}/photo {seed}.png": photo(seed) for split, seed in parts}
    assert found == expected | {f"masks/{split}/photo {seed}.png": mask(seed) for split, seed in parts}
    words = "pictures in column image, masks in column label of data/test-00000-of-00001.parquet and 2 other files"
    assert record(where) == {"evidence": words, "classes": {}}


def test_names_without_a_picture_s_are_numbers_and_twice_the_same_are_told_apart(tmp_path: Path) -> None:
    names = [None, "../../a.b/x.jpeg", "X.png", ".hidden", None]
    rows = {"image": cells([photo(seed) for seed in range(5)], names), "mask": cells([mask(seed) for seed in range(5)])}
    found = contents(write_table(tmp_path / "t.parquet", rows))
    stems = ["000000", "X-000002", "x", "hidden", "000004"]
    assert set(found) == {f"{part}/{stem}.png" for part in ("images", "masks") for stem in stems}
    assert found["images/x.png"] == photo(1), "its ending is that of its content"


def test_rows_without_a_picture_are_counted_and_without_a_mask_kept(tmp_path: Path) -> None:
    rows = {"image": cells([photo(0), None, photo(2)]), "label": cells([mask(0), mask(1), None])}
    file = write_table(tmp_path / "t.parquet", rows)
    assert set(contents(file)) == {"images/000000.png", "images/000002.png", "masks/000000.png"}
    assert str(record(file)["evidence"]).endswith("of t.parquet; 1 row without a picture left out")
    empty = write_table(tmp_path / "e.parquet", {"image": [], "label": []})
    assert "no column holds pictures" in refusal(empty)


def test_a_column_that_begins_without_masks_is_found(tmp_path: Path) -> None:
    rows = {"image": cells([photo(seed) for seed in range(9)]), "label": cells([None] * 8 + [mask(8)])}
    assert contents(write_table(tmp_path / "t.parquet", rows))["masks/000008.png"] == mask(8)


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo(seed))).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("image* label", "label"),
        ("pixel_values* annotation", "annotation"),
        ("img* depth* segmentation_mask", "segmentation_mask"),
        ("image* annotation_colored* annotation", "annotation"),
        ("b a*", "b"),
    ],
)
def test_columns_are_told_by_their_names_or_their_content(tmp_path: Path, columns: str, expected: str) -> None:
    """A star: colour pictures."""
    rows = {
        name.removesuffix("*"): cells([(photo if name.endswith("*") else mask)(seed) for seed in range(3)])
        for name in columns.split()
    }
    assert contents(write_table(tmp_path / "t.parquet", rows))["masks/000000.png"] == mask(0)
    assert f"masks in column {expected} of" in str(record(tmp_path / "t.parquet")["evidence"])


def test_the_lossy_one_of_two_is_no_mask_and_plain_bytes_are_pictures(tmp_path: Path) -> None:
    flat = png(np.zeros((6, 8, 3), np.uint8))
    table = pa.table({"a": pa.array([jpeg(0)], pa.large_binary()), "b": pa.array([flat], pa.binary())})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert contents(tmp_path / "t.parquet") == {"images/000000.jpg": jpeg(0), "masks/000000.png": flat}


def test_what_cannot_be_told_is_named_and_can_be_chosen(tmp_path: Path) -> None:
    rows = {name: cells([photo(seed)]) for seed, name in enumerate(("one", "two", "three"))}
    file = write_table(tmp_path / "t.parquet", rows, caption=pa.array(["x"]))
    there = "there are one (pictures), two (pictures), three (pictures), caption (string)"
    assert f"nothing tells which are the masks; {there} (name both by --images COLUMN" in refusal(file)
    assert contents(file, ("three", "one")) == {"images/000000.png": photo(2), "masks/000000.png": photo(0)}
    assert f"no two columns of pictures are called one and caption; {there}" in refusal(file, ("one", "caption"))
    alone = write_table(tmp_path / "a.parquet", {"image": cells([photo(0)])}, label=pa.array([3]))
    assert "so there are no masks; there are image (pictures), label (int64)" in refusal(alone)


def test_a_column_that_other_files_lack_is_named(tmp_path: Path) -> None:
    write_pairs(tmp_path / "set/a.parquet", [0])
    write_pairs(tmp_path / "set/b.parquet", [1], masked="gt")
    assert "b.parquet: has no column label, as other files have" in refusal(tmp_path / "set")


def test_classes_are_those_of_a_file_beside_or_of_a_column_that_lists_them(tmp_path: Path) -> None:
    file = tmp_path / "set" / "data" / "t.parquet"
    rows = {"image": cells([photo(0), photo(1)]), "mask": cells([mask(0), mask(1)])}
    names = {"names": ["sky", "road", "car"], "_type": "ClassLabel"}
    features = {"inside": {"feature": names, "_type": "Sequence"}, "scene": names}
    write_table(file, rows, features, inside=pa.array([[1, 2], [0, 1, 2]]), scene=pa.array([0, 0]))
    assert record(tmp_path / "set")["classes"] == {"0": "sky", "1": "road", "2": "car"}
    write_table(file, rows, features, inside=pa.array([[1], [0, 1, 2]]), scene=pa.array([0, 0]))
    assert record(tmp_path / "set")["classes"] == {}, "the list is of something else than the mask's values"
    (tmp_path / "set/id2label.json").write_text('{"0": "a", "5": "b"}')
    assert record(tmp_path / "set")["classes"] == {"0": "a", "5": "b"}
    (tmp_path / "set/id2label.json").write_text(json.dumps({str(one): f"class {one}" for one in range(300)}))
    assert record(tmp_path / "set")["classes"] == {}
    assert str(record(tmp_path / "set")["evidence"]).endswith("; 300 names of classes, more than 255, left out")
    (tmp_path / "set/id2label.json").write_text('["a"]')
    assert "id2label.json: no names of classes (expected" in refusal(tmp_path / "set")


def test_pictures_that_are_only_named_are_linked(tmp_path: Path) -> None:
    """As `to_parquet` of `datasets` leaves them."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.PNG").write_bytes(photo(1))
    rows = {"image": [{"bytes": None, "path": "photos/1.PNG"}], "mask": cells([mask(1)])}
    file = write_table(tmp_path / "t.parquet", rows)
    assert contents(file) == {"images/1.png": photo(1), "masks/1.png": mask(1)}
    (tmp_path / "photos/1.PNG").unlink()
    assert "t.parquet: holds no pictures but names files, and 'photos/1.PNG' is no picture here" in refusal(file)
    (tmp_path / "secret.txt").write_text("x")
    rows["image"] = [{"bytes": None, "path": str(tmp_path / "secret.txt")}]
    assert "secret.txt' is no picture here" in refusal(write_table(file, rows))


def test_arrow_files_and_streams_are_read(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array(cells([photo(0)]), CELL), "label": pa.array(cells([mask(0)]), CELL)})
    for name, new in (("stream", pa.ipc.new_stream), ("file", pa.ipc.new_file)):
        with new(tmp_path / f"{name}.arrow", table.schema) as writer:
            writer.write_table(table)
        assert contents(tmp_path / f"{name}.arrow") == {"images/000000.png": photo(0), "masks/000000.png": mask(0)}


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_damage_is_named(tmp_path: Path, ending: str) -> None:
    whole = write_pairs(tmp_path / "whole.parquet", range(5)).read_bytes()
    file = tmp_path / f"t{ending}"
    for content in (b"", b"PAR1", whole[: len(whole) // 2], whole[:4] + bytes(len(whole) - 8) + whole[-4:]):
        file.write_bytes(content)
        assert f"t{ending}: damaged or no such table" in refusal(file)
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n")
    assert "is a pointer of Git LFS and not yet the table (git lfs pull fetches it)" in refusal(file)


def test_a_damaged_part_of_a_table_is_named(tmp_path: Path) -> None:
    whole = write_pairs(tmp_path / "t.parquet", range(5)).read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:4] + bytes(30) + whole[34:])
    assert "t.parquet: damaged or no such table: Couldn't deserialize" in refusal(tmp_path / "t.parquet")


def test_a_damaged_picture_is_left_to_those_who_read_it(tmp_path: Path) -> None:
    rows = {"image": cells([b"no picture", photo(1)]), "mask": cells([mask(0), mask(1)[:30]])}
    found = contents(write_table(tmp_path / "t.parquet", rows))
    assert found["images/000000.png"] == b"no picture" and found["masks/000001.png"] == mask(1)[:30]


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_pairs(tmp_path / "t.parquet", [0])
    monkeypatch.setattr(reading, "find_spec", lambda name: None)
    assert f"t.parquet: tables need pyarrow ({install('parquet')})" in refusal(file)


def test_a_table_that_grows_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = png(np.zeros((6, 8), np.uint8)) + b"\0" * 100_000
    rows = {"image": cells([photo(0), photo(1)]), "mask": cells([flat, flat])}
    file = write_table(tmp_path / "t.parquet", rows)
    monkeypatch.setattr(archives, "RATIO_ALLOWANCE", 0)
    monkeypatch.setattr(archives, "MAX_RATIO", 10)
    assert "t.parquet: unpacks to more than" in refusal(file)


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_pairs(tmp_path / "t.parquet", [0, 1])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("casnet_cli.data.tables.unpack.cell", interrupt)
    with pytest.raises(KeyboardInterrupt), unpacked(file):
        pytest.fail("was unpacked")
    assert not list((tmp_path / "scratch").iterdir())
