"""Which tables are found, and their splits."""

import json
from pathlib import Path

import pytest

from casnet_cli.data.tables.files import tables_of
from casnet_cli.errors import DataError


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def splits(root: Path, *names: str) -> dict[str, str]:
    found = tables_of(touched(root, *names))
    return {part.file.relative_to(root).as_posix(): part.split for part in found}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("data/train-00000-of-00002.parquet", "train"),
        ("data/validation-00000-of-00001-0f3a.parquet", "val"),
        ("test.parquet", "test"),
        ("default/partial-train/0000.parquet", "train"),
        ("dev/part-1.parquet", "val"),
        ("my_evaluation 2.parquet", "test"),
    ],
)
def test_splits_go_by_names(tmp_path: Path, name: str, split: str) -> None:
    """As `datasets` finds them by the same names."""
    assert splits(tmp_path, name) == {name: split}


def test_without_a_split_all_is_one_and_a_foreign_one_keeps_its_name(tmp_path: Path) -> None:
    assert splits(tmp_path / "a", "0.parquet", "1.parquet") == {"0.parquet": "", "1.parquet": ""}
    found = splits(tmp_path / "b", "data/train-00000-of-00001.parquet", "data/extra-00000-of-00001.parquet")
    assert sorted(found.values()) == ["extra", "train"]
    assert [part.split for part in tables_of(tmp_path / "b/data/train-00000-of-00001.parquet")] == [""]


def test_a_folder_with_pictures_is_no_table(tmp_path: Path) -> None:
    assert not splits(tmp_path, "images/a.png", "metadata.parquet")
    assert not splits(tmp_path / "empty", "README.md")


def test_arrow_files_are_those_that_were_saved(tmp_path: Path) -> None:
    """`datasets` writes what `map` computed beside them."""
    for split in ("train", "test"):
        touched(tmp_path, f"{split}/data-00000-of-00001.arrow", f"{split}/cache-1234.arrow")
        names = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (tmp_path / split / "state.json").write_text(json.dumps(names))
    assert list(splits(tmp_path).values()) == ["test", "train"]
    (tmp_path / "test/data-00000-of-00001.arrow").unlink()
    with pytest.raises(DataError, match=r"data-00000-of-00001.arrow: is not there, and .*state.json names it"):
        tables_of(tmp_path)


def test_several_configurations_are_an_error(tmp_path: Path) -> None:
    touched(tmp_path, "road/train-0.parquet", "city/train-0.parquet")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: road\n  data_files:\n  - split: train\n    path: road/train-*\n"
        "- config_name: city\n  data_files: city/*\n- config_name: sea\n  data_files: sea/*\n---\n# Roads\n"
    )
    with pytest.raises(DataError, match=r"several configurations: road \(road/train-\*\), city \(city/\*\) \(name the"):
        tables_of(tmp_path)
    assert len(tables_of(tmp_path / "road")) == 1
    (tmp_path / "README.md").write_text("---\nconfigs: 3\n---\n")
    assert len(tables_of(tmp_path)) == 2
