import keras
import numpy as np
import pytest
import tensorflow as tf

from casnet_cli.model.fusion import Fusion, log_add


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def random_log_probabilities(classes: int, seed: int, spread: float = 3.0) -> np.ndarray:
    return log_softmax(np.random.default_rng(seed).normal(scale=spread, size=(2, 5, 4, classes)))


def test_equation_8() -> None:
    coarse, fine, attention = (
        random_log_probabilities(7, 0),
        random_log_probabilities(7, 1),
        random_log_probabilities(2, 2),
    )
    p_a = np.exp(attention[..., 1:])  # index 1 = easy: the coarse class is right
    expected = p_a * np.exp(coarse) + (1 - p_a) * np.exp(fine)
    found = np.exp(np.asarray(Fusion(dtype="float64")([coarse, fine, attention])))
    np.testing.assert_allclose(found, expected, atol=1e-14)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-12)


@pytest.mark.parametrize("weight", [0.5, 0.25])
def test_constant_weight(weight: float) -> None:
    coarse, fine = random_log_probabilities(7, 0), random_log_probabilities(7, 1)
    found = np.exp(np.asarray(Fusion(weight, dtype="float64")([coarse, fine])))
    np.testing.assert_allclose(found, weight * np.exp(coarse) + (1 - weight) * np.exp(fine), atol=1e-14)


def test_finite_where_probabilities_vanish() -> None:
    extreme = log_softmax(np.array([[[[0.0, 500.0, -500.0]]]])).astype(np.float32)
    attention = log_softmax(np.array([[[[400.0, -400.0]]]])).astype(np.float32)
    assert np.exp(extreme[0, 0, 0, 0]) == 0
    inputs = [tf.constant(extreme), tf.constant(extreme), tf.constant(attention)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        fused = Fusion()(inputs)
        loss = -tf.reduce_sum(fused[..., 0])
    assert np.isfinite(fused.numpy()).all()
    assert all(np.isfinite(gradient.numpy()).all() for gradient in tape.gradient(loss, inputs))


def test_gradient_of_log_add_is_the_softmax_also_at_a_tie() -> None:
    a, b = tf.constant([0.3, -1.0, 2.0], tf.float64), tf.constant([0.3, 1.0, -2.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        total = tf.reduce_sum(log_add(a, b))
    for gradient, own, other in zip(tape.gradient(total, [a, b]), (a, b), (b, a), strict=True):
        np.testing.assert_allclose(gradient, 1 / (1 + np.exp(other - own)), atol=1e-14)


def test_round_trip_and_bad_weight() -> None:
    layer = Fusion(0.25, name="f")
    assert keras.layers.deserialize(keras.layers.serialize(layer)).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="between 0 and 1, received 1.5"):
        Fusion(1.5)
