"""`casnet prepare` and `casnet check` take tables of pictures, as folders, files and archives."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.picture_tables import cells, mask, photo, write_pairs, write_table

from casnet_cli.data.store import Store

TABLE = '[[class]]\nname = "ground"\nids = [0]\n[[class]]\nname = "rest"\nids = [1, 2]\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three tables, with classes."""
    folder = tmp_path / "streets"
    write_pairs(folder / "data/train-00000-of-00002.parquet", [0, 1])
    write_pairs(folder / "data/train-00001-of-00002.parquet", [2])
    write_pairs(folder / "data/validation-00000-of-00001.parquet", [3])
    (folder / "id2label.json").write_text('{"0": "sky", "1": "road", "2": "car"}')
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_tables_are_prepared_as_folders_are(project: Path) -> None:
    said = stderr_of("prepare", project)
    words = "streets: a table of pictures: pictures in column image, masks in column label of data/train-00000-of-00002"
    assert words in said and ".part" not in said
    store = Store(Path("data/streets.h5"))
    assert {split: list(names) for split, names in store.names.items()} == {
        "train": [f"train/photo {seed}" for seed in range(3)],
        "val": ["val/photo 3"],
    }
    assert store.labels.names == ("sky", "road", "car")
    sample = next(entry for entry in store.entries() if entry.split == "val").load()
    np.testing.assert_array_equal(sample.label, (np.arange(48).reshape(6, 8) + 3) % 3)
    assert [file.name for file in Path("data").iterdir()] == ["streets.h5"]
    assert "up to date" in stderr_of("prepare", project)
    assert "3 train, 1 val, 3 classes" in casnet("check", project)


def test_other_names_of_classes_are_prepared_anew(project: Path) -> None:
    file = project / "data/train-00001-of-00002.parquet"
    shutil.copy(project / "id2label.json", file.with_name("id2label.json"))
    assert "streets: 1 train, 3 classes" in casnet("prepare", file, "--name", "streets")
    file.with_name("id2label.json").write_text('{"0": "sky", "2": "road", "1": "car"}')
    assert "streets: 1 train, 3 classes" in casnet("prepare", file, "--name", "streets")
    assert Store(Path("data/streets.h5")).labels.names == ("sky", "car", "road")


def test_a_table_of_classes_in_the_folder_counts_first(project: Path) -> None:
    (project / "classes.toml").write_text(TABLE)
    assert "streets: 3 train, 1 val, 2 classes" in casnet("prepare", project)
    archive = shutil.make_archive("../packed", "zip", project)
    assert "packed: 3 train, 1 val, 2 classes" in casnet("prepare", archive)


def test_faults_name_the_table_and_not_where_it_was_unpacked(project: Path) -> None:
    (project / "id2label.json").write_text('{"0": "sky", "1": "road"}')
    said = stderr_of("prepare", project, code=2)
    assert "streets/masks/train/photo 0.png" in said and ".part" not in said
    page = casnet("check", project, code=1)
    assert "streets/masks/train/photo 0.png" in page and ".part" not in page


def test_columns_are_chosen_by_options(project: Path) -> None:
    rows = {name: cells([made(seed) for seed in range(2)]) for name, made in (("a", photo), ("b", mask), ("c", mask))}
    file = write_table(project.parent / "three.parquet", rows)
    (project.parent / "id2label.json").write_text('{"0": "sky", "1": "road", "2": "car"}')
    assert "name both by --images COLUMN --masks COLUMN" in stderr_of("prepare", file, code=2)
    assert "name both columns" in stderr_of("prepare", file, "--images", "a", code=2)
    assert "masks in column b of" in stderr_of("prepare", file, "--images", "a", "--masks", "b")
    said = stderr_of("prepare", file, "--images", "a", "--masks", "c")
    assert "masks in column c of" in said and "up to date" not in said
