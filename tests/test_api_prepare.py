"""`prepare` from Python, and the example notebook."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import tiny_settings
from PIL import Image

import casnet_cli
from casnet_cli import api
from casnet_cli.errors import DataError, InputError

NOTEBOOK = Path(__file__).parents[1] / "docs" / "guides" / "python.ipynb"


def test_one_s_own_data_become_an_open_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "drawn"):
        Path(folder).mkdir()
        for number in range(4):
            shape = (9, 8, 3) if folder == "photos" else (9, 8)
            Image.fromarray(np.full(shape, number % 2, np.uint8)).save(f"{folder}/{number}.png")
    Path("c.toml").write_text('[[class]]\nname = "a"\nids = [0]\n[[class]]\nname = "b"\nids = [1]\n')
    store = casnet_cli.prepare(
        images="photos", masks=Path("drawn"), classes="c.toml", name="mine", val_fraction=0.25, progress=False
    )
    assert store.path == Path("data/mine.h5") and store.labels.names == ("a", "b")
    assert {split: len(names) for split, names in store.names.items()} == {"train": 3, "val": 1}
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    assert tomllib.loads(Path("casnet.toml").read_text())["masks"] == "drawn"
    assert api.prepare().path == store.path, "what casnet.toml names"
    assert api.prepare("demo", out="d.h5", progress=True).path == Path("d.h5")
    assert "prepared d.h5" in capsys.readouterr().err
    with pytest.raises(InputError, match="exclude each other"):
        api.prepare(images="photos", masks="drawn", classes="c.toml", folds=2, test_fraction=0.5)
    with pytest.raises(DataError, match="no such folder"):
        api.prepare(images="nowhere", masks="drawn")


@pytest.mark.usefixtures("tiny", "uncompiled")
def test_the_cells_of_the_notebook_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = tiny_settings("training.epochs=1", "evaluation.samples=0")[1::2]
    tiny = {key: tomllib.loads(f"x={value}")["x"] for key, _, value in (word.partition("=") for word in words)}
    train = api.train
    monkeypatch.setattr(api, "train", lambda *given, **more: train(*given, **(more | {"settings": tiny})))
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        assert not cell.get("outputs"), "kept without outputs"
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)  # noqa: S102
    result = names["result"]
    assert isinstance(result, api.Prediction) and result._repr_png_().startswith(b"\x89PNG")
    assert Path("scene.mask.png").is_file() and Path("runs/demo-001/eval/test/report.html").is_file()
