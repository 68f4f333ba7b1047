"""Eqs. 3, 5, 6 and 9 against plain NumPy in float64."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from casnet_cli.labels import VOID
from casnet_cli.training.losses import attention_target
from casnet_cli.training.losses import branch_losses as losses_of

CLASSES = 4


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.fixture
def case() -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(3)
    p = {
        name: softmax(rng.normal(scale=2, size=(2, 5, 6, k)))
        for name, k in (("coarse", 4), ("attention", 2), ("fine", 4))
    }
    p["fused"] = p["attention"][..., 1:] * p["coarse"] + p["attention"][..., :1] * p["fine"]
    label = rng.integers(0, CLASSES, (2, 5, 6)).astype(np.uint8)
    label[0, 0], label[1, 2, 3] = VOID, VOID
    return p, label


def by_hand(p: dict[str, np.ndarray], label: np.ndarray) -> dict[str, float]:
    sums, n = {"coarse": 0.0, "attention": 0.0, "refine": 0.0}, 0
    for index in np.ndindex(label.shape):
        y = label[index]
        if y == VOID:
            continue
        n += 1
        easy = int(p["coarse"][index].argmax() == y)
        sums["coarse"] -= np.log(p["coarse"][index][y])
        sums["attention"] -= np.log(p["attention"][index][easy])
        sums["refine"] -= np.log(p["fused"][index][y])
    return {name: value / n for name, value in sums.items()}


def branch_losses(p: Any, label: Any, weights: tuple[float, ...] | None = None) -> Any:
    return losses_of(p, label, max(1, np.count_nonzero(np.asarray(label) != VOID)), weights)


def logs(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.log(values) for name, values in p.items()}


def test_three_losses(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    p, label = case
    found = {name: float(value) for name, value in branch_losses(logs(p), label).items()}
    assert found == pytest.approx(by_hand(p, label), rel=1e-6)
    assert list(found) == ["coarse", "attention", "refine"]


def test_part_of_a_batch_is_divided_by_the_pixels_of_the_whole(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    p, label = case
    n = np.count_nonzero(label != VOID)
    parts = [losses_of({k: v[i : i + 1] for k, v in logs(p).items()}, label[i : i + 1], n) for i in (0, 1)]
    summed = {name: sum(float(part[name]) for part in parts) for name in parts[0]}
    assert summed == pytest.approx(by_hand(p, label), rel=1e-6)


def test_class_weights_multiply_equations_3_and_9_only(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    p, label = case
    weights = (0.5, 2.0, 0.0, 1.0)
    n = np.count_nonzero(label != VOID)
    coarse = sum(
        -weights[label[i]] * np.log(p["coarse"][i][label[i]]) for i in np.ndindex(label.shape) if label[i] != VOID
    )
    refine = sum(
        -weights[label[i]] * np.log(p["fused"][i][label[i]]) for i in np.ndindex(label.shape) if label[i] != VOID
    )
    found = branch_losses(logs(p), label, weights)
    assert float(found["coarse"]) == pytest.approx(coarse / n, rel=1e-6)
    assert float(found["refine"]) == pytest.approx(refine / n, rel=1e-6)
    assert float(found["attention"]) == pytest.approx(by_hand(p, label)["attention"], rel=1e-6)


def test_the_fine_branch_alone_with_the_option_for_it(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    p, label = case
    n = np.count_nonzero(label != VOID)
    known = [index for index in np.ndindex(label.shape) if label[index] != VOID]
    alone = -sum(np.log(p["fine"][index][label[index]]) for index in known) / n
    found = losses_of(logs(p), label, n, fine_loss=0.4)
    assert float(found["fine"]) == pytest.approx(0.4 * alone, rel=1e-6)
    assert {name: float(found[name]) for name in by_hand(p, label)} == pytest.approx(by_hand(p, label), rel=1e-6)
    only = {name: logs(p)[name] for name in ("fine", "fused")}
    assert list(losses_of(only, label, n, fine_loss=0.4)) == ["refine"], "there it is the refine loss itself"


@pytest.mark.parametrize(
    ("outputs", "losses"),
    [(("coarse",), ["coarse"]), (("fine",), ["refine"]), (("coarse", "fine"), ["coarse", "refine"])],
)
def test_variants_without_a_branch(
    case: tuple[dict[str, np.ndarray], np.ndarray], outputs: tuple[str, ...], losses: list[str]
) -> None:
    p, label = case
    assert list(branch_losses({name: logs(p)[name] for name in (*outputs, "fused")}, label)) == losses


def test_void_does_not_count(case: tuple[dict[str, np.ndarray], np.ndarray]) -> None:
    p, label = case
    changed = {name: values.copy() for name, values in p.items()}
    for values in changed.values():
        values[label == VOID] = 1 / values.shape[-1]
    for name, value in branch_losses(logs(p), label).items():
        assert float(value) == float(branch_losses(logs(changed), label)[name])
    nothing = branch_losses(logs(p), np.full_like(label, VOID))
    assert all(float(value) == 0 for value in nothing.values())


def test_attention_target_is_equation_5_and_passes_no_gradient() -> None:
    coarse = tf.Variable([[[[0.1, 0.9], [0.8, 0.2]]]])
    target = tf.constant([[[1, 1]]])
    np.testing.assert_array_equal(attention_target(coarse, target), [[[1, 0]]])
    attention = tf.constant(np.log([[[[0.3, 0.7], [0.6, 0.4]]]]).astype(np.float32))
    fine = tf.constant(np.log([[[[0.5, 0.5], [0.5, 0.5]]]]).astype(np.float32))
    with tf.GradientTape() as tape:
        outputs = {"coarse": tf.math.log(coarse), "attention": attention, "fine": fine, "fused": fine}
        loss = branch_losses(outputs, target)["attention"]
    assert tape.gradient(loss, coarse) is None
    assert float(loss) == pytest.approx(-(np.log(0.7) + np.log(0.6)) / 2)
