import keras
import numpy as np

from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import Model, Optimizer
from casnet_cli.training.optimizer import CaffeSGD


def test_caffes_sgd_step_for_step() -> None:
    """SGDSolver: V = μV + lr·lr_mult·(∇ + λw); w −= V. Decay on kernels only."""
    section = Optimizer(learning_rate=0.1, momentum=0.9, weight_decay=0.01, head_lr_multiplier=5.0)
    network = Model(backbone="efficientnet-lite0", output_stride=32, weights="none", branch_channels=8)
    model = build_casnet(network, 3)
    optimizer = CaffeSGD(model, section, "efficientnet-lite0")
    paths = [variable.path for variable in optimizer.variables]
    head = [path.split("/")[0].split("_")[0] in ("coarse", "attention", "fine") for path in paths]
    assert 0 < sum(head) < len(head)
    weights = [variable.numpy().astype(np.float64) for variable in optimizer.variables]
    velocity = [np.zeros_like(weight) for weight in weights]
    rng = np.random.default_rng(0)
    for rate in (0.1, 0.1, 0.01, 0.01):
        gradients = [rng.normal(size=weight.shape).astype(np.float32) for weight in weights]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], rate)
        for i, gradient in enumerate(gradients):
            decay = 0.01 if paths[i].endswith("kernel") else 0
            velocity[i] = 0.9 * velocity[i] + rate * (5 if head[i] else 1) * (gradient + decay * weights[i])
            weights[i] = weights[i] - velocity[i]
    for variable, weight in zip(optimizer.variables, weights, strict=True):
        np.testing.assert_allclose(variable.numpy(), weight, rtol=1e-4, atol=1e-5, err_msg=variable.path)
