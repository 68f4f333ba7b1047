import resource
from pathlib import Path

import h5py
import numpy as np
import pytest

from casnet_cli import recipe
from casnet_cli.errors import RunError
from casnet_cli.labels import VOID, with_colors
from casnet_cli.recipe import Recipe
from casnet_cli.trainee import assemble
from casnet_cli.training import checkpoint
from casnet_cli.training.checkpoint import Meta
from casnet_cli.training.loop import Progress
from casnet_cli.training.step import Measured, set_up

SMALL = [
    "model.weights='none'",
    "model.output_stride=32",
    "model.branch_channels=8",
    "optimizer.learning_rate=0.01",
    "optimizer.head_lr_multiplier=1.0",
    "training.batch_size=2",
]


def batch(k: int, rows: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    label = np.repeat(np.repeat(rng.integers(0, 3, (rows, 1, 1)), 33, 1), 33, 2).astype(np.uint8)
    image = (label[..., None] * 80 + rng.integers(0, 60, (rows, 33, 33, 3))).astype(np.uint8)
    label[:, :3] = VOID
    return image, label


class Trainee:
    def __init__(self, *overrides: str):
        self.recipe: Recipe = recipe.load(recipe.find("demo"), [*SMALL, *overrides])
        devices = set_up(self.recipe.training)
        parts = assemble(self.recipe, 3, devices)
        self.model, self.optimizer, self.step = parts.model, parts.optimizer, parts.step

    def measured(self, first: int, end: int) -> list[Measured]:
        return [self.step(*batch(k), 0.01) for k in range(first, end)]

    def steps(self, first: int, end: int) -> list[dict[str, float]]:
        return [measured.losses for measured in self.measured(first, end)]

    def meta(self, step: int) -> Meta:
        labels = with_colors(("a", "b", "c"))
        return Meta(self.recipe, labels, "blocks", "0" * 64, None, Progress(step), {"best": 0.5})


def test_training_lowers_the_loss_and_reports_each_branch() -> None:
    losses = Trainee().steps(0, 25)
    assert set(losses[0]) == {"loss", "coarse", "attention", "refine"}
    assert losses[0]["loss"] == pytest.approx(sum(losses[0][k] for k in ("coarse", "attention", "refine")), rel=1e-5)
    assert np.mean([loss["loss"] for loss in losses[-5:]]) < 0.8 * np.mean([loss["loss"] for loss in losses[:5]])


def test_a_restored_state_goes_on_bit_for_bit_dropout_included(tmp_path: Path) -> None:
    one = Trainee("model.dropout=0.5")
    one.steps(0, 3)
    checkpoint.save(tmp_path / "last.h5", one.model, one.optimizer, one.meta(3))
    expected = one.steps(3, 6)
    two = Trainee("model.dropout=0.5", "training.seed=7")
    checkpoint.restore(tmp_path / "last.h5", two.model, two.optimizer)
    assert two.steps(3, 6) == expected
    for ours, theirs in zip(two.model.get_weights(), one.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_checkpoint_carries_its_meta_and_network_and_no_time(tmp_path: Path) -> None:
    trainee = Trainee()
    file = tmp_path / "best.h5"
    checkpoint.save(file, trainee.model, trainee.optimizer, trainee.meta(7))
    first = file.read_bytes()
    checkpoint.save(file, trainee.model, trainee.optimizer, trainee.meta(7))
    assert file.read_bytes() == first and not list(tmp_path.glob("*.part"))
    model, meta = checkpoint.load_model(file)
    assert meta == trainee.meta(7)
    for ours, theirs in zip(model.get_weights(), trainee.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_foreign_and_damaged_checkpoints_are_refused_by_name(tmp_path: Path) -> None:
    trainee = Trainee()
    good = tmp_path / "good.h5"
    checkpoint.save(good, trainee.model, trainee.optimizer, trainee.meta(0))
    truncated = tmp_path / "truncated.h5"
    truncated.write_bytes(good.read_bytes()[:5000])
    text = tmp_path / "text.h5"
    text.write_text("hello")
    foreign = tmp_path / "foreign.h5"
    h5py.File(foreign, "w").close()
    newer = tmp_path / "newer.h5"
    newer.write_bytes(good.read_bytes())
    with h5py.File(newer, "r+") as file:
        file.attrs["version"] = 99
    for file, reason in (
        (truncated, "not a readable HDF5 file"),
        (text, "not a readable HDF5 file"),
        (foreign, "not a checkpoint"),
        (newer, "another casnet, version 99"),
        (tmp_path / "missing.h5", "no such checkpoint"),
    ):
        with pytest.raises(RunError, match=f"{file.name}: .*{reason}"):
            checkpoint.read_meta(file)
    with h5py.File(good, "r+") as file:
        del file["model/coarse_logits/kernel"]
    with pytest.raises(RunError, match="model/coarse_logits/kernel is missing"):
        checkpoint.load_model(good)


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path: Path) -> None:
    trainee = Trainee()
    file = tmp_path / "last.h5"
    checkpoint.save(file, trainee.model, trainee.optimizer, trainee.meta(1))
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunError, match="last.h5: the checkpoint cannot be written: File too large"):
            checkpoint.save(file, trainee.model, trainee.optimizer, trainee.meta(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]
