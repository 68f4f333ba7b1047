import resource
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from casnet_cli import recipe
from casnet_cli.errors import RunError
from casnet_cli.labels import VOID, with_colors
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import Recipe
from casnet_cli.reports import curves
from casnet_cli.runs import checkpoint
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress
from casnet_cli.training.optimizer import CaffeSGD
from casnet_cli.training.step import LOSSES, StepResult, make_step, set_up, step_result
from casnet_cli.training.train_state import assemble
from casnet_cli.training.update import layers_of

pytestmark = pytest.mark.usefixtures("tiny")

SMALL = [
    "model.backbone='tiny'",
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

    def measured(self, first: int, end: int) -> list[StepResult]:
        return [self.step(*batch(k), 0.01) for k in range(first, end)]

    def steps(self, first: int, end: int) -> list[dict[str, float]]:
        return [step_result.losses for step_result in self.measured(first, end)]

    def meta(self, step: int) -> Meta:
        labels = with_colors(("a", "b", "c"))
        return Meta(self.recipe, labels, "blocks", "0" * 64, None, Progress(step), {"best": 0.5})


def test_training_lowers_the_loss_and_reports_each_branch() -> None:
    losses = Trainee().steps(0, 25)
    assert set(losses[0]) == {"loss", "coarse", "attention", "refine"}
    assert losses[0]["loss"] == pytest.approx(sum(losses[0][k] for k in ("coarse", "attention", "refine")), rel=1e-5)
    assert np.mean([loss["loss"] for loss in losses[-5:]]) < 0.8 * np.mean([loss["loss"] for loss in losses[:5]])


def test_every_loss_counts_and_one_that_is_no_number_is_no_overflow() -> None:
    losses = {"coarse": 1.0, "attention": 2.0, "refine": 3.0, "fine": 4.0}
    assert step_result(losses, 1.0, True, 1.0, 0).losses == {"loss": 10.0, **losses}
    assert step_result(losses, np.inf, False, 2.0**15, 0).overflow
    assert not step_result(losses | {"fine": np.nan}, np.nan, False, 2.0**15, 0).overflow
    assert {column for column, *_ in curves.LOSSES} == {"loss", *(f"loss_{name}" for name in LOSSES)}


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
    with pytest.raises(RunError, match="a training has just written it anew"):
        checkpoint.load_model(file, trainee.meta(6))
    for ours, theirs in zip(model.get_weights(), trainee.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with h5py.File(file, "r+") as opened:
        frozen = list(opened["optimizer/coarse_logits"])
        del opened["optimizer/coarse_logits"]
    checkpoint.restore(file, trainee.model, trainee.optimizer)
    speeds = trainee.optimizer.named()
    assert frozen and all(not speeds[f"coarse_logits/{name}"].numpy().any() for name in frozen)


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


def values(trainee: Trainee) -> list[np.ndarray]:
    trainee.step.sync()
    return [np.array(v.numpy()) for group in trainee.step.update.variables for v in group]  # type: ignore[attr-defined]


def test_a_step_that_is_not_finite_changes_nothing() -> None:
    trainee = Trainee("model.dropout=0.5")
    trainee.steps(0, 2)
    kernel = trainee.optimizer.variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    before = values(trainee)
    (step_result,) = trainee.measured(2, 3)
    assert not step_result.finite and not step_result.overflow and np.isnan(step_result.losses["loss"])
    for ours, theirs in zip(values(trainee), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    """Where batch norm has fixed statistics, as it sees the parts one by one; void pixels differ between the parts."""
    found = {}
    for parts in (1, 2):
        chosen = recipe.load(
            recipe.find("demo"), [*SMALL, "training.batch_size=4", "training.precision='float64'", "model.dropout=0.0"]
        )
        chosen = recipe.changed(chosen, [f"training.accumulation={parts}"])
        devices = set_up(chosen.training)
        model = build_casnet(chosen.model, 3)
        for layer in layers_of(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        optimizer = CaffeSGD(model, chosen.optimizer, chosen.model.backbone)
        step = make_step(model, optimizer, chosen.training, devices)
        image, label = batch(0, rows=4)
        label[3, :25] = VOID
        step_result = step(image, label, 0.01)
        found[parts] = step_result, [v.numpy() for v in optimizer.variables]
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    assert found[2][0].losses == pytest.approx(found[1][0].losses, rel=1e-12)
    assert found[2][0].gradient_norm == pytest.approx(found[1][0].gradient_norm, rel=1e-10)
    for ours, theirs in zip(found[2][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_learns_with_weights_and_losses_in_float32(precision: str) -> None:
    trainee = Trainee(f"training.precision='{precision}'")
    assert {v.dtype for v in trainee.optimizer.variables} == {"float32"}
    assert {str(output.dtype) for output in trainee.model.outputs} == {"float32"}
    assert trainee.model.get_layer("coarse_conv").compute_dtype == precision
    losses = [trainee.step(*batch(0), 0.01).losses["loss"] for _ in range(15)]
    keras.config.set_dtype_policy("float32")
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_overflow_of_float16_skips_the_step_and_halves_the_scale() -> None:
    trainee = Trainee("training.precision='float16'")
    trainee.optimizer.scaling[0].assign(2.0**40)
    before = values(trainee)
    (step_result,) = trainee.measured(0, 1)
    after = values(trainee)
    keras.config.set_dtype_policy("float32")
    assert step_result.overflow and not step_result.finite and np.isfinite(step_result.losses["loss"])
    for ours, theirs in zip(after[:-2], before[:-2], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert after[-2] == 2.0**39


@pytest.mark.slow
def test_xla_finds_what_the_plain_step_does() -> None:
    plain, compiled = Trainee("model.dropout=0.0"), Trainee("model.dropout=0.0", "training.xla=true")
    for ours, theirs in zip(compiled.model.weights, plain.model.weights, strict=True):
        ours.assign(theirs.numpy())
    assert compiled.steps(0, 1)[0] == pytest.approx(plain.steps(0, 1)[0], rel=1e-4)


def test_the_previous_checkpoint_stays_and_the_best_is_the_new_one(tmp_path: Path) -> None:
    trainee = Trainee()
    last, best, previous = (tmp_path / f"{name}.h5" for name in ("last", "best", "previous"))
    for step in (1, 2, 3):
        found = best if step == 2 else None
        checkpoint.save(last, trainee.model, trainee.optimizer, trainee.meta(step), found)
    steps = [checkpoint.read_meta(file).progress.step for file in (last, previous, best)]
    assert steps == [3, 2, 2]


def test_nothing_in_a_checkpoint_was_read_off_the_clock(tmp_path: Path) -> None:
    trainee = Trainee()
    for name, seconds in (("a", 1.5), ("b", 7.0)):
        meta = trainee.meta(3)
        meta.progress.seconds, meta.progress.history = seconds, [{"epoch": 1, "loss": 2.0, "train_seconds": seconds}]
        checkpoint.save(tmp_path / name, trainee.model, trainee.optimizer, meta)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
