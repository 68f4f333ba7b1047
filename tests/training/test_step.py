"""The training step: what it lowers, sums and refuses."""

import keras
import numpy as np
import pytest
from helpers.tiny_training import SMALL, TinyTraining, batch

from casnet_cli import recipe
from casnet_cli.labels import VOID
from casnet_cli.model.casnet import build_casnet
from casnet_cli.reports import curves
from casnet_cli.training.optimizer import CaffeSGD
from casnet_cli.training.step import LOSSES, make_step, set_up, step_result
from casnet_cli.training.update import layers_of

pytestmark = pytest.mark.usefixtures("tiny")


def test_training_lowers_the_loss_and_reports_each_branch() -> None:
    losses = TinyTraining().losses(0, 100)
    assert set(losses[0]) == {"loss", "coarse", "attention", "refine"}
    assert losses[0]["loss"] == pytest.approx(sum(losses[0][k] for k in ("coarse", "attention", "refine")), rel=1e-5)
    assert np.mean([loss["loss"] for loss in losses[-5:]]) < 0.8 * np.mean([loss["loss"] for loss in losses[:5]])


def test_every_loss_counts_and_one_that_is_no_number_is_no_overflow() -> None:
    losses = {"coarse": 1.0, "attention": 2.0, "refine": 3.0, "fine": 4.0}
    assert step_result(losses, 1.0, True, 1.0, 0).losses == {"loss": 10.0, **losses}
    assert step_result(losses, np.inf, False, 2.0**15, 0).overflow
    assert not step_result(losses | {"fine": np.nan}, np.nan, False, 2.0**15, 0).overflow
    assert {column for column, *_ in curves.LOSS_CURVES} == {"loss", *(f"loss_{name}" for name in LOSSES)}


def values(training: TinyTraining) -> list[np.ndarray]:
    training.step.sync()
    return [np.array(v.numpy()) for group in training.step.update.variables for v in group]  # type: ignore[attr-defined]


def test_a_step_that_is_not_finite_changes_nothing() -> None:
    training = TinyTraining("model.dropout=0.5")
    training.losses(0, 2)
    kernel = training.optimizer.variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    before = values(training)
    (result,) = training.results(2, 3)
    assert not result.finite and not result.overflow and np.isnan(result.losses["loss"])
    for ours, theirs in zip(values(training), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("loss", ["cross_entropy", "dice"])
def test_parts_of_a_batch_add_up_to_the_whole(loss: str) -> None:
    """Where batch norm has fixed statistics, as it sees the parts one by one; void pixels differ between the parts."""
    found = {}
    for parts in (1, 2):
        chosen = recipe.load(
            recipe.find("demo"), [*SMALL, "training.batch_size=4", "training.precision='float64'", "model.dropout=0.0"]
        )
        chosen = recipe.changed(chosen, [f"training.accumulation={parts}", f"training.loss={loss}"])
        devices = set_up(chosen.training)
        model = build_casnet(chosen.model, 3)
        for layer in layers_of(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        optimizer = CaffeSGD(model, chosen.optimizer, chosen.model.backbone)
        step = make_step(model, optimizer, chosen.training, devices)
        image, label = batch(0, rows=4)
        label[3, :25] = VOID
        result = step(image, label, 0.01)
        found[parts] = result, [v.numpy() for v in optimizer.variables]
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    assert found[2][0].losses == pytest.approx(found[1][0].losses, rel=1e-12)
    assert found[2][0].gradient_norm == pytest.approx(found[1][0].gradient_norm, rel=1e-10)
    for ours, theirs in zip(found[2][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_learns_with_weights_and_losses_in_float32(precision: str) -> None:
    training = TinyTraining(f"training.precision='{precision}'")
    assert {v.dtype for v in training.optimizer.variables} == {"float32"}
    assert {str(output.dtype) for output in training.model.outputs} == {"float32"}
    assert training.model.get_layer("coarse_conv").compute_dtype == precision
    losses = [training.step(*batch(0), 0.01).losses["loss"] for _ in range(15)]
    keras.config.set_dtype_policy("float32")
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_overflow_of_float16_skips_the_step_and_halves_the_scale() -> None:
    training = TinyTraining("training.precision='float16'")
    training.optimizer.scaling[0].assign(2.0**40)
    before = values(training)
    (result,) = training.results(0, 1)
    after = values(training)
    keras.config.set_dtype_policy("float32")
    assert result.overflow and not result.finite and np.isfinite(result.losses["loss"])
    for ours, theirs in zip(after[:-2], before[:-2], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert after[-2] == 2.0**39


@pytest.mark.slow
def test_xla_finds_what_the_plain_step_does() -> None:
    plain, compiled = TinyTraining("model.dropout=0.0"), TinyTraining("model.dropout=0.0", "training.xla=true")
    for ours, theirs in zip(compiled.model.weights, plain.model.weights, strict=True):
        ours.assign(theirs.numpy())
    assert compiled.losses(0, 1)[0] == pytest.approx(plain.losses(0, 1)[0], rel=1e-4)
