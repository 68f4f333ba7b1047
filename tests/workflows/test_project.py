"""casnet.toml: written by `casnet prepare`, read by prepare, check, train and eval."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import BEST, casnet, stderr_of
from PIL import Image

from casnet_cli.data.project import read
from casnet_cli.data.store import Store
from casnet_cli.workflows import project
from casnet_cli.workflows.recipe_choice import choose

CLASSES = '[[class]]\nname = "ground"\nids = [0]\n[[class]]\nname = "object"\nids = [1]\n'
WHOLE = ("prepare", "folder", "--images", "photos", "--masks", "drawn", "--classes", "c.toml")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with eight pictures, their masks, and a table of classes."""
    home = tmp_path / "field"
    for folder in ("photos", "drawn"):
        (home / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(8):
        Image.fromarray(rng.integers(0, 255, (20, 24, 3), np.uint8)).save(home / f"photos/{number}.png")
        Image.fromarray(rng.integers(0, 2, (20, 24), np.uint8)).save(home / f"drawn/{number}.png")
    (home / "c.toml").write_text(CLASSES)
    monkeypatch.chdir(home)
    return home


def sizes(file: str = "data/field.h5") -> dict[str, int]:
    return {split: len(names) for split, names in Store(Path(file)).names.items()}


def test_nothing_is_typed_twice(home: Path) -> None:
    assert "wrote casnet.toml" in stderr_of(*WHOLE, "--val-fraction", "0.25")
    first = Path("casnet.toml").read_text()
    assert read(Path("casnet.toml")).given() == {
        "images": "photos",
        "masks": "drawn",
        "classes": "c.toml",
        "name": "field",
        "val_fraction": 0.25,
    }
    assert stderr_of("prepare").count("\n") == 1, "up to date, and no more"
    assert "field: 6 train, 2 val" in casnet("check")
    assert "casnet.toml stays as it is, of another val_fraction" in stderr_of("prepare", "--val-fraction", "0.5")
    assert sizes() == {"train": 4, "val": 4}, "the line first"
    casnet("prepare", "--folds", "2")
    assert Store(Path("data/field.h5")).folds == 2 and sizes() == {"train": 8}, "folds exclude fractions of the file"
    casnet("prepare")
    assert sizes() == {"train": 6, "val": 2} and Path("casnet.toml").read_text() == first
    casnet(*WHOLE)
    assert sizes() == {"train": 8}, "a line that names all data is whole"


def test_a_folder_is_kept_and_found_from_another_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move("c.toml", "classes.toml")
    monkeypatch.chdir(home.parent)
    Path("out").mkdir()
    casnet("prepare", "field/", "--test-fraction", "0.25", "--out", "out/mine.h5")
    assert read(Path("casnet.toml")).given() == {
        "dataset": "field",
        "name": "field",
        "out": "out/mine.h5",
        "test_fraction": 0.25,
    }
    assert "casnet.toml adds out, test_fraction" in stderr_of("prepare", "field", "--val-fraction", "0.25")
    assert sizes("out/mine.h5") == {"train": 4, "val": 2, "test": 2}
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    casnet("prepare", "--project", "../casnet.toml")
    assert sizes("../out/mine.h5") == {"train": 6, "test": 2} and not list(elsewhere.iterdir())
    assert "6 train, 2 test" in casnet("check", "--project", "../casnet.toml")
    assert project.prepared_file(Path("../casnet.toml")) == Path("../out/mine.h5")


def test_without_a_file_the_argument_is_missing(home: Path) -> None:
    assert casnet("prepare", code=2) == (
        "error: casnet prepare: missing argument 'DATASET' (see casnet prepare --help)\n"
    )
    assert "missing argument 'DATA'" in casnet("check", code=2)
    assert "--project no.toml: no such file" in casnet("prepare", "--project", "no.toml", code=2)
    Path("casnet.toml").write_text("val_fraction = 0.5\n")
    lacking = "missing argument 'DATASET', and casnet.toml names no data (see casnet prepare --help)"
    assert lacking in casnet("prepare", code=2), "settings alone name no data"
    Path("empty.toml").touch()
    for verb in ("prepare", "check"):
        assert ", and empty.toml names no data (see" in casnet(verb, "--project", "empty.toml", code=2)
    assert project.prepared_file(None) is None


def test_paths_that_lead_nowhere_are_named_with_the_nearest(home: Path) -> None:
    lines = ('images = "photo"', 'masks = "drawn"', 'classes = "x/c.toml"', 'split_files = ["t", "-", "-"]')
    Path("casnet.toml").write_text("\n".join(lines))
    assert casnet("prepare", code=2).splitlines() == [
        "error: casnet.toml: images: photo: no such file or folder (did you mean photos?)",
        "error: casnet.toml: classes: x/c.toml: no such file or folder",
        "error: casnet.toml: split_files: t: no such file or folder",
    ]
    Path("casnet.toml").write_text('annotations = ["train=a.json"]\nimages = "photos"\n')
    assert casnet("check", code=2) == "error: casnet.toml: annotations: a.json: no such file or folder\n"


def test_known_data_and_additions_write_no_file(home: Path) -> None:
    casnet(*WHOLE)
    Path("casnet.toml").unlink()
    assert "nothing to add" in casnet(*WHOLE, "--add", "data/field.h5", code=2)
    casnet("prepare", "demo")
    casnet("prepare", "folder", "--masks", "drawn", "--propose")
    assert not Path("casnet.toml").exists()
    Path("casnet.toml").mkdir()
    assert "casnet.toml stays as it is" in stderr_of(*WHOLE)


@pytest.mark.parametrize("words", [("prepare",), ("check",), ("train",), ("prepare", "--project", "casnet.toml")])
def test_a_folder_in_its_place_is_refused(home: Path, words: tuple[str, ...]) -> None:
    Path("casnet.toml").mkdir()
    assert casnet(*words, code=2) == "error: casnet.toml: not a readable TOML file: Is a directory\n"


def test_train_and_eval_take_its_data(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained / "data", "data")
    shutil.copy(trained / BEST, "best.h5")
    shutil.copy("data/blocks.h5", "data/newer.h5")
    assert "data/newer.h5 (the data set prepared last)" in choose(None, None, []).reason
    Path("casnet.toml").write_text('name = "blocks"\nimages = "gone"\n')
    assert "data/blocks.h5 (of casnet.toml)" in choose(None, None, []).reason
    casnet("eval", "--run", "best.h5", "--out", "out")
    assert '"data": "blocks"' in Path("out/metrics.json").read_text()
    Path("casnet.toml").write_text('dataset = "my-photos"\n')
    assert "data/my-photos.h5: not there, and casnet.toml names it" in casnet("train", "--dry-run", code=2)
    assert "data/my-photos.h5: not there" in casnet("eval", "--run", "best.h5", code=2)
    Path("casnet.toml").write_text('nam = "x"\n')
    assert casnet("train", code=2) == "error: casnet.toml: unknown key nam (did you mean name?)\n"
    assert "data/newer.h5 (named by an option)" in choose(None, Path("data/newer.h5"), []).reason
