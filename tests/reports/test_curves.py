"""The picture of a run's history: it can be drawn from whatever a history may hold, and `casnet info` leaves it."""

import io
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.datasets import LABELS
from PIL import Image

from casnet_cli import recipe
from casnet_cli.errors import RunError
from casnet_cli.reports import curves
from casnet_cli.reports.curves import draw
from casnet_cli.runs.checkpoint import FORMAT, VERSION
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.history import read_history
from casnet_cli.workflows.describe import describe


def history(epochs: int, every: int = 1) -> list[dict[str, Any]]:
    """Rows as the loop writes them, validated every so many epochs; the best epoch is the last but one validated."""
    rows = []
    for epoch in range(1, epochs + 1):
        row: dict[str, Any] = {"epoch": epoch, "step": 10 * epoch, "learning_rate": 0.01 / epoch}
        row |= {"loss": 3 / epoch, "loss_coarse": 1 / epoch, "loss_attention": 0.9 / epoch, "loss_refine": 1.1 / epoch}
        row["train_seconds"] = 30.0 + epoch % 3
        if epoch % every == 0:
            score = 0.9 - 0.4 / epoch - (0.3 if epoch + every > epochs else 0)
            row |= {"val_pixel_accuracy": score, "val_class_accuracy": score - 0.1, "val_mean_iou": score - 0.2}
            row |= {"val_coarse_pixel_accuracy": score - 0.01, "val_seconds": 4.0}
        rows.append(row)
    return rows


def opened(png: bytes) -> np.ndarray:
    """(H, W, 3) uint8; the picture is a whole PNG of the size it should have."""
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size) == ("PNG", (1800, 1200))
    return np.asarray(picture.convert("RGB"))


def ink(picture: np.ndarray, panel: tuple[int, int]) -> int:
    """How many coloured pixels there are in a panel (row, column): curves, stars and bars, not text or grid."""
    row, column = panel
    part = picture[200 + row * 520 : 700 + row * 520, column * 900 : column * 900 + 900].astype(int)
    return int((part.max(-1) - part.min(-1) > 60).sum())


@pytest.fixture
def run(tmp_path: Path, tiny: None) -> Path:
    """A run folder with last.h5 and best.h5 (without weights) and the history of 3 epochs."""
    folder = RunFolder(tmp_path / "runs" / "blocks-001")
    folder.last.parent.mkdir(parents=True)
    progress = {"step": 30, "sums": {}, "seconds": 0.0, "history": history(3)}
    for file, best in ((folder.last, -1.0), (folder.best, 0.7)):
        schedule = {"best": best, "waited": 0, "dropped": 0, "finished": False}
        with h5py.File(file, "w") as written:
            written.attrs.update(
                format=FORMAT,
                version=VERSION,
                recipe=recipe.dumps(recipe.load(recipe.find("demo"), ["model.backbone='tiny'"])),
                classes=list(LABELS.names),
                palette=np.asarray(LABELS.palette, np.uint8),
                data=json.dumps({"name": "blocks", "sha256": "", "fold": None}),
                progress=json.dumps(progress),
                schedule=json.dumps(schedule),
            )
    folder.write_history(history(3))
    return folder.path


def test_history_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = history(5, every=2)
    RunFolder(tmp_path).write_history(rows)
    read = read_history(tmp_path / "history.csv")
    assert [{name: cell for name, cell in row.items() if cell is not None} for row in read] == rows
    assert read[0]["val_mean_iou"] is None
    assert read_history(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("epoch,loss\n1,0.5\n2,0.4x\n", "line 3: loss is '0.4x'"),
        ("epoch,loss\n1,0.5\n2\n", "line 3: 1 cells"),
        ("epoch,loss\n,0.5\n", "line 2: epoch is ''"),
        ("epoch,loss\nnan,0.5\n", "line 2: epoch is 'nan'"),
        ("step,loss\n1,0.5\n", "line 1: no column epoch"),
        ("\x89PNG", "line 1: no column epoch"),
        ("epoch,loss\n1,\udcff\n", "cannot be read"),
    ],
)
def test_damaged_history_is_named_by_file_and_line(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "history.csv"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(RunError) as raised:
        read_history(file)
    assert str(raised.value).startswith(f"{file}: {fault}")


def test_nan_and_empty_lines_are_no_damage(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text("epoch,loss\n1,nan\n\n2,inf\n")
    first, second = read_history(file)
    assert math.isnan(first["loss"] or 0) and second == {"epoch": 2, "loss": math.inf}
    file.write_text("")
    assert read_history(file) == []


@pytest.mark.parametrize("epochs", [1, 8, 1000])
def test_all_panels_show_something(epochs: int) -> None:
    picture = opened(draw(history(epochs), "run"))
    for panel in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert ink(picture, panel) > 150, panel


def test_a_single_epoch_is_marked() -> None:
    picture = opened(draw(history(1, every=2), "run"))
    assert ink(picture, (0, 0)) > 150 and ink(picture, (1, 0)) > 40


def test_what_is_missing_is_left_out() -> None:
    all_four = opened(draw(history(8), "run"))
    coarse = [{k: v for k, v in row.items() if k not in ("loss_attention", "loss_refine")} for row in history(8)]
    assert ink(opened(draw(coarse, "run")), (0, 0)) < ink(all_four, (0, 0))
    unvalidated = opened(draw(history(8, every=9), "run"))
    assert ink(unvalidated, (0, 1)) == 0 and ink(unvalidated, (0, 0)) > 150
    for rows in ([], [{"epoch": 1}], [{"loss": 1.0}]):
        assert ink(opened(draw(rows, "run")), (0, 1)) == 0


def test_validations_far_apart_are_joined() -> None:
    assert ink(opened(draw(history(1000, every=100), "run")), (0, 1)) > 5000


def test_numbers_that_are_none_do_no_harm() -> None:
    rows = history(8)
    for row, bad in zip(rows, (math.nan, math.inf, -math.inf, 1e308, -1.0, 0.0, None, 1.0), strict=True):
        row.update({name: bad for name in row if name not in ("epoch", "step")})
    opened(draw(rows, "run"))
    opened(draw([{name: math.nan if name != "epoch" else 1 for name in rows[0]}], "run"))


@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.1, 0.1), (0.1, 0.05), (0.1, 0.01), (1e-3, 1e-9)])
def test_any_learning_rates(rates: tuple[float, ...]) -> None:
    rows = [{"epoch": epoch, "learning_rate": rate} for epoch, rate in enumerate(rates, 1)]
    assert (ink(opened(draw(rows, "run")), (1, 0)) > 150) == any(rates)


@pytest.mark.parametrize("title", ["$\\oddly{$ _", "日本", "x" * 500, "\udcff\n", ""])
def test_any_title(title: str) -> None:
    opened(draw(history(2), title))


def test_the_best_epoch_is_the_first_of_the_highest_scores() -> None:
    rows = [
        {"epoch": epoch, "val_pixel_accuracy": score} for epoch, score in enumerate((0.5, 0.8, None, 0.8, math.nan))
    ]
    assert curves._history(rows, "pixel_accuracy").best == 1
    assert "best validation accuracy 80.0 % in epoch 1" in curves._summary(curves._history(rows, "pixel_accuracy"))
    assert curves._history(rows[2:3], "pixel_accuracy").best is None
    rows = [{"epoch": epoch, "val_class_iou": score} for epoch, score in enumerate((0.3, 0.4, 0.2))]
    assert "best validation IoU of cow 40.0 % in epoch 1" in curves._summary(curves._history(rows, "class:cow"))


def test_drawing_leaves_matplotlib_and_the_engines_alone() -> None:
    program = (
        "import sys, matplotlib; matplotlib.rcParams['font.size'] = 33; from casnet_cli.reports.curves import draw;"
        "draw([{'epoch': 1, 'loss': 1.0}], 'run'); assert matplotlib.rcParams['font.size'] == 33;"
        "assert not {'matplotlib.pyplot', 'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_info_of_a_run_draws_its_history(run: Path) -> None:
    description = describe(str(run))
    assert description["curves"] == str(run / "curves.png")
    assert description["checkpoint"] == str(run / "checkpoints" / "best.h5")
    assert description["best validation accuracy"] == 0.7
    opened((run / "curves.png").read_bytes())
    assert not list(run.glob("*.part"))


def test_info_before_the_first_validation_reads_the_last_checkpoint(run: Path) -> None:
    (run / "checkpoints" / "best.h5").unlink()
    description = describe(str(run))
    assert description["checkpoint"] == str(run / "checkpoints" / "last.h5")
    assert description["best validation accuracy"] == "none yet"
    assert description["curves"] == str(run / "curves.png")
    (run / "checkpoints" / "last.h5").unlink()
    with pytest.raises(RunError, match="no checkpoint yet"):
        describe(str(run))


def test_info_without_history_or_of_a_file_draws_nothing(run: Path) -> None:
    assert "curves" not in describe(str(run / "checkpoints" / "best.h5"))
    (run / "history.csv").unlink()
    assert "curves" not in describe(str(run))
    assert not (run / "curves.png").exists()


def test_info_says_that_the_picture_cannot_be_written(run: Path) -> None:
    (run / "curves.png").mkdir()
    description = describe(str(run))
    assert description["curves"] == f"{run / 'curves.png'}: cannot be written: Is a directory"
    assert description["epochs"] == 3
    assert not list(run.glob("*.part"))


def test_info_names_the_damage_of_a_history(run: Path) -> None:
    (run / "history.csv").write_text("epoch,loss\n1,?\n")
    with pytest.raises(RunError, match=r"history.csv: line 2: loss is '\?'"):
        describe(str(run))
