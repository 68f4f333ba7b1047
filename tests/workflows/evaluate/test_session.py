"""`casnet eval` of some of the images."""

import json
import shutil
from pathlib import Path

import h5py
import pytest
from helpers.cli import BEST, casnet, stderr_of, unheard

from casnet_cli.data.store import Store
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.files import sha256_of
from casnet_cli.workflows.evaluate import session


def names(folder: str) -> list[str]:
    """Of the images that were measured."""
    lines = (Path("runs/blocks-001/eval") / folder / "per_image.csv").read_text().splitlines()[1:]
    return [line.split(",")[0] for line in lines]


def content(folder: str) -> dict[str, object]:
    return dict(json.loads((Path("runs/blocks-001/eval") / folder / "metrics.json").read_text()))


def test_some_images_are_never_taken_for_all(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    stored = Store(Path("data/blocks.h5")).names["train"]
    said = stderr_of("eval", "--split", "train", "--limit", 3)
    assert "on 3 train images, spread evenly over the split of data/blocks.h5" in said.replace(f"{trained}/", "")
    assert names("train-limit-3") == [stored[0], stored[4], stored[8]]
    assert content("train-limit-3")["limit"] == content("train-limit-3")["images"] == 3
    assert not Path("runs/blocks-001/eval/train").exists()
    casnet("eval", "--split", "train", "--limit", 12)
    assert content("train")["limit"] is None and content("train")["images"] == 12

    listed = Path("some.txt")
    listed.write_text(f"{stored[5]}.png\n\n{stored[2]}\n")
    assert "on 2 train images of a list" in stderr_of("eval", "--split-file", listed), "train alone has them all"
    (folder,) = [path.name for path in Path("runs/blocks-001/eval").glob("train-list-*")]
    assert names(folder) == [stored[2], stored[5]]
    assert content(folder)["listed_sha256"] and content("train")["listed_sha256"] is None
    assert "1 train image of a list, spread evenly over it" in stderr_of("eval", "--split-file", listed, "--limit", 1)
    assert names(f"{folder}-limit-1") == [stored[2]]

    wrong = f"error: some.txt: line 1: {stored[5]}.png is not among the images (name it with its sub-folder); of test"
    assert casnet("eval", "--split-file", listed, "--split", "test", code=2) == f"{wrong}\n"
    listed.write_text(f"{stored[5]}\nnowhere\n")
    assert "of test" in casnet("eval", "--split-file", listed, code=2)
    listed.write_text("\n")
    assert casnet("eval", "--split-file", listed, code=2) == "error: some.txt: names no image\n"
    assert "--split-file gone.txt: no such file" in casnet("eval", "--split-file", "gone.txt", code=2)
    for given, words in (("data", "is a folder"), ("/dev/null", "is no ordinary file")):
        shown = casnet("eval", "--split-file", given, code=2)
        assert f"--split-file {given}: {words} (name a text file" in shown


def test_without_a_listener_all_files_are_written(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    assert unheard("eval", "--split", "train", "--limit", 4, "--out", tmp_path / "unheard") == 0
    written = {file.name for file in (tmp_path / "unheard").iterdir()}
    assert {"metrics.json", "per_class.csv", "confusion.csv", "per_image.csv", "report.html", "pictures"} <= written


def test_a_checkpoint_that_is_replaced_meanwhile_changes_nothing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    best = tmp_path / BEST
    first = sha256_of(best)
    words = ("eval", "--data", trained / "data/blocks.h5", "--split", "train", "--worst", 0)
    casnet(*words, "--out", "before")
    opened = session.trained.open_run

    def replaced(run: Path) -> TrainedRun:
        found = opened(run)
        with h5py.File(best.with_name("new.h5"), "w") as new, h5py.File(best) as old:
            for name in old:
                old.copy(name, new)
            new.attrs.update(old.attrs)
            new.visititems(lambda name, x: x.__setitem__((), 0 * x[()]) if isinstance(x, h5py.Dataset) else None)
        best.with_name("new.h5").replace(best)
        return found

    monkeypatch.setattr(session.trained, "open_run", replaced)
    casnet(*words, "--out", "during")
    assert sha256_of(best) != first
    before, during = (json.loads(Path(name, "metrics.json").read_text()) for name in ("before", "during"))
    assert before["checkpoint_sha256"] == during["checkpoint_sha256"] == first
    for name in ("pixel_accuracy", "mean_iou", "per_class", "calibration"):
        assert before[name] == during[name]
