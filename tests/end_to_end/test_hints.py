"""Commands that messages name, where folders have blanks and quotes in their names: they work as they are pasted."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.checkpoints import meta_after, write_checkpoint, write_run
from helpers.cli import casnet, stderr_of
from helpers.datasets import write_blocks
from PIL import Image

from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.workflows.train.progress_view import board

RUN = "my runs/it's one"


def commands(text: str) -> list[list[str]]:
    """The words of each command in a message. A quoted word may hold what else ends a command."""
    found = re.findall(r"(?:casnet|cp|tensorboard) (?:'[^']*'|\"[^\"]*\"|[^()`;,'\"\n])*", text)
    return [shlex.split(one) for one in found]


@pytest.fixture
def unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meta:
    """What the checkpoint of a run says that was stopped, in a folder whose name a shell takes for several words."""
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data/blocks.h5", {"train": 4, "val": 2})
    store, recipe = Store(tmp_path / "data/blocks.h5"), recipes.load(recipes.find("demo"), ["training.epochs=4"])
    meta = meta_after(store, recipe, 1)
    run = write_run(Path(RUN), store, meta)
    shutil.copy(run.last, run.best)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (20, 20)).save("photos/a.png")
    return meta


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("export", "--run", RUN), ["casnet", "train", "--run", RUN, "--resume"]),
        (
            ("predict", "photos", "--run", RUN, "--engine", "onnx"),
            ["casnet", "export", "--run", RUN, "--format", "onnx", "writes", "one"],
        ),
        (
            ("predict", "photos", "--run", RUN, "--fine", "auto"),
            ["casnet", "train", "--run", RUN, "--resume", "adds", "it", "to", "a", "finished", "one"],
        ),
        (
            ("bench", "--run", RUN, "--engine", "onnx"),
            ["casnet", "export", "--run", RUN, "--format", "onnx", "writes", "one"],
        ),
    ],
)
@pytest.mark.usefixtures("unfinished")
def test_of_a_run(words: tuple[str, ...], command: list[str]) -> None:
    assert command in commands(casnet(*words, code=2))


def test_of_a_damaged_checkpoint(unfinished: Meta) -> None:
    run = RunFolder(Path(RUN))
    write_checkpoint(run.previous, unfinished)
    run.last.write_bytes(b"nothing")
    ((*command,),) = commands(casnet("train", "--run", RUN, "--resume", code=2))
    assert command == ["cp", str(run.previous), str(run.last)]


def test_of_a_series_without_a_trained_run(unfinished: Meta) -> None:
    folder = Path("my runs/blocks-crossval-001")
    folder.mkdir()
    about = {"kind": "crossval", "recipe": "demo", "data": "data/blocks.h5", "data_name": "blocks", "data_sha256": "0"}
    (folder / "summary.json").write_text(json.dumps(about | {"options": {}, "figures": {}}))
    found = commands(casnet("compare", folder, RUN, code=2))
    assert found == [["casnet", "crossval", "--run", str(folder), "--resume"]]


def test_of_the_curves() -> None:
    assert commands(board(Path(RUN)))[0][:3] == ["tensorboard", "--logdir", RUN]


def test_what_proposes_classes_names_the_command_that_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(4):
        for folder, shape in (("my data/the photos", (20, 24, 3)), ("my data/the masks", (20, 24))):
            Path(folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 3, shape, np.uint8)).save(f"{folder}/{number}.png")
    own = ("--images", "my data/the photos", "--masks", "my data/the masks", "--classes", "my classes.toml")
    for words in (("folder", *own, "--val-fraction", "0.25"), ("my data", "--classes", "other classes.toml")):
        ((*command,),) = commands(stderr_of("prepare", *words, "--propose"))
        assert command[1:3] == ["prepare", words[0]]
        casnet(*command[1:], "--name", f"set-{len(words)}")
    assert len(Store(Path("data/set-9.h5")).names["val"]) == 1
