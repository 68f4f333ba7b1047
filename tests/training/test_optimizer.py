import keras
import numpy as np
import pytest

from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import ModelSection, OptimizerSection
from casnet_cli.training.optimizer import CaffeSGD


def test_caffes_sgd_step_for_step() -> None:
    """SGDSolver: V = μV + lr·lr_mult·(∇ + λw); w −= V. Decay on kernels only."""
    section = OptimizerSection(learning_rate=0.1, momentum=0.9, weight_decay=0.01, head_lr_multiplier=5.0)
    network = ModelSection(backbone="efficientnet-lite0", output_stride=32, weights="none", branch_channels=8)
    model = build_casnet(network, 3)
    optimizer = CaffeSGD(model, section, "efficientnet-lite0")
    paths = [variable.path for variable in optimizer.variables]
    head = [path.split("/")[0].split("_")[0] in ("coarse", "attention", "fine") for path in paths]
    assert 0 < sum(head) < len(head)
    weights = [variable.numpy().astype(np.float64) for variable in optimizer.variables]
    now, speeds = [v.numpy() for v in optimizer.variables], [v.numpy() for v in optimizer.velocities]
    velocity = [np.zeros_like(weight) for weight in weights]
    rng = np.random.default_rng(0)
    for rate in (0.1, 0.1, 0.01, 0.01):
        gradients = [rng.normal(size=weight.shape).astype(np.float32) for weight in weights]
        given = [[keras.ops.convert_to_tensor(v) for v in group] for group in (now, speeds, gradients)]
        now, speeds = optimizer.moved(*given, rate)
        for i, gradient in enumerate(gradients):
            decay = 0.01 if paths[i].endswith("kernel") else 0
            velocity[i] = 0.9 * velocity[i] + rate * (5 if head[i] else 1) * (gradient + decay * weights[i])
            weights[i] = weights[i] - velocity[i]
    for path, moved, weight in zip(paths, now, weights, strict=True):
        np.testing.assert_allclose(moved, weight, rtol=1e-4, atol=1e-5, err_msg=path)


def small(**settings: float) -> CaffeSGD:
    network = ModelSection(backbone="efficientnet-lite0", output_stride=32, weights="none", branch_channels=8)
    return CaffeSGD(build_casnet(network, 3), OptimizerSection(**settings), "efficientnet-lite0", scaled=True)


def test_long_gradients_are_cut_to_the_norm_and_short_ones_are_not() -> None:
    optimizer = small(clip_norm=2.0, momentum=0.0, weight_decay=0.0)
    zeros = [np.zeros(v.shape, np.float32) for v in optimizer.variables]
    for length, expected in ((8.0, 2.0), (1.5, 1.5)):
        gradients = [zero.copy() for zero in zeros]
        gradients[0].flat[0], gradients[-1].flat[0] = 0.6 * length, -0.8 * length
        moved, _ = optimizer.moved(zeros, zeros, [keras.ops.convert_to_tensor(g) for g in gradients], 1.0)
        norm = np.sqrt(sum(float((np.asarray(m) ** 2).sum()) for m in moved))
        assert norm == pytest.approx(expected, rel=1e-6)
        assert np.asarray(moved[0]).flat[0] == pytest.approx(-0.6 * expected, rel=1e-6)


def test_the_loss_scale_halves_on_overflow_and_doubles_after_2000_steps() -> None:
    optimizer = small()
    scaling = [keras.ops.convert_to_tensor(v.numpy()) for v in optimizer.scaling]
    assert float(scaling[0]) == 2.0**15
    scaling = optimizer.rescaled(scaling, False)
    assert [float(value) for value in scaling] == [2.0**14, 0]
    for _ in range(1999):
        scaling = optimizer.rescaled(scaling, True)
    assert [float(value) for value in scaling] == [2.0**14, 1999]
    assert [float(value) for value in optimizer.rescaled(scaling, True)] == [2.0**15, 0]
