"""The parts of a loss beside its cross entropy, and their gradients, against plain NumPy in float64."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import paper_reference as reference

from casnet_cli.labels import VOID
from casnet_cli.training.loss_parts import PARTS
from casnet_cli.training.losses import branch_losses

CLASSES = 4


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def case(seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (3, 4, 5, 4) and labels: some void, one class in the first image alone, the last image all void."""
    rng = np.random.default_rng(seed)
    p = reference.softmax(rng.normal(scale=1.5, size=(3, 4, 5, CLASSES)))
    label = rng.integers(0, CLASSES - 1, (3, 4, 5)).astype(np.uint8)
    label[0, 1, 2], label[1, :2], label[2] = CLASSES - 1, VOID, VOID
    return p, label


def coarse_loss(log_p: Any, label: np.ndarray, kind: str, **more: Any) -> Any:
    return branch_losses({"coarse": log_p}, label, np.count_nonzero(label != VOID), loss=kind, **more)["coarse"]


@pytest.mark.parametrize("kind", PARTS)
def test_value_and_gradient(kind: str) -> None:
    p, label = case()
    log_p = tf.Variable(np.log(p))
    with tf.GradientTape() as tape:
        plain = coarse_loss(log_p, label, "cross_entropy")
        added = coarse_loss(log_p, label, kind) - plain
    assert float(added) == pytest.approx(reference.part(kind, p, label), rel=1e-12)
    assert float(plain) == pytest.approx(reference.losses({"coarse": p}, label)["coarse"], rel=1e-12)
    found, step = tape.gradient(added, log_p).numpy(), 1e-6
    for index in np.ndindex(p.shape):
        sides = []
        for sign in (1, -1):
            moved = np.log(p)
            moved[index] += sign * step
            sides.append(reference.part(kind, np.exp(moved), label))
        assert found[index] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("kind", PARTS)
def test_parts_of_a_batch_add_up_and_void_does_not_count(kind: str) -> None:
    p, label = case()
    n, log_p = np.count_nonzero(label != VOID), np.log(p)
    whole = float(coarse_loss(log_p, label, kind))
    rows = [branch_losses({"coarse": log_p[k : k + 1]}, label[k : k + 1], n, loss=kind)["coarse"] for k in range(3)]
    assert sum(map(float, rows)) == pytest.approx(whole, rel=1e-12) and float(rows[2]) == 0
    log_p[label == VOID] = np.log(1 / CLASSES)
    assert float(coarse_loss(log_p, label, kind)) == pytest.approx(whole, rel=1e-12)


def test_overlap_counts_a_class_of_few_pixels_like_a_common_one() -> None:
    """One pixel of a hundred, of which nothing is found: cross entropy hardly notices."""
    label = np.zeros((1, 10, 10), np.uint8)
    label[0, 3, 4] = 1
    p = np.broadcast_to([0.99, 0.01], (1, 10, 10, 2)).copy()
    found = {kind: float(coarse_loss(np.log(p), label, kind)) for kind in ("cross_entropy", *PARTS)}
    assert found["cross_entropy"] < 0.06 and found["focal"] < 0.11
    assert found["dice"] > 0.5 and found["lovasz"] > 0.5
    p[0, 3, 4] = 0.01, 0.99
    assert all(float(coarse_loss(np.log(p), label, kind)) < 0.4 for kind in PARTS)


@pytest.mark.parametrize("kind", PARTS)
def test_class_weights_of_0_leave_a_class_out(kind: str) -> None:
    p, label = case()
    without = np.where(label == 2, VOID, label).astype(np.uint8)
    weighed = float(coarse_loss(np.log(p), label, kind, class_weights=(1.0, 1.0, 0.0, 1.0)))
    share = np.count_nonzero(without != VOID) / np.count_nonzero(label != VOID)
    assert weighed == pytest.approx(share * float(coarse_loss(np.log(p), without, kind)), rel=1e-12)


@pytest.mark.parametrize("kind", PARTS)
def test_every_branch_has_it_but_attention(kind: str) -> None:
    p, label = case()
    easy = reference.softmax(np.random.default_rng(1).normal(size=(*label.shape, 2)))
    outputs = {"coarse": np.log(p), "attention": np.log(easy), "fine": np.log(p), "fused": np.log(p)}
    n = np.count_nonzero(label != VOID)
    plain, more = (branch_losses(outputs, label, n, fine_loss=0.5, loss=one) for one in ("cross_entropy", kind))
    part = reference.part(kind, p, label)
    added = {name: float(more[name] - plain[name]) for name in plain}
    assert added == pytest.approx({"coarse": part, "attention": 0.0, "refine": part, "fine": 0.5 * part}, abs=1e-12)
