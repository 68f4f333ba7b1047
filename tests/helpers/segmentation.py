"""Labels in smooth regions, and outputs of a network for them."""

import numpy as np
from scipy import ndimage

from casnet_cli.evaluation.error_scores import RIVALS
from casnet_cli.labels import VOID

K = 5
"""Classes."""


def regions(seed: int, height: int = 40, width: int = 53, classes: int = K) -> np.ndarray:
    """(H, W) ids in smooth regions, some void."""
    rng = np.random.default_rng(seed)
    fields = ndimage.gaussian_filter(rng.normal(size=(classes + 1, height, width)), (0, 4, 4))
    label = fields.argmax(0).astype(np.uint8)
    label[label == classes] = VOID
    return label


def near(label: np.ndarray, width: int) -> np.ndarray:
    """Labelled pixels with a labelled pixel of another class within `width`, pixel by pixel."""
    found = np.zeros(label.shape, bool)
    for row in range(label.shape[0]):
        for column in range(label.shape[1]):
            window = label[max(0, row - width) : row + width + 1, max(0, column - width) : column + width + 1]
            own = label[row, column]
            found[row, column] = own != VOID and ((window != own) & (window != VOID)).any()
    return found


def evaluation_outputs(seed: int, truth: np.ndarray, attention: bool = True) -> dict[str, np.ndarray]:
    """Outputs of a network that is often right, with random scores, (H, W) each."""
    rng = np.random.default_rng(seed)
    guess = np.where(truth == VOID, 0, truth)

    def mistaken(rate: float) -> np.ndarray:
        return np.where(rng.random(truth.shape) < rate, rng.integers(0, K, truth.shape), guess)

    names = [f"{branch}_{rival}" for branch in ("coarse", "final") for rival in RIVALS]
    found = {name: rng.random(truth.shape, np.float32) for name in (*names, "difficulty", "confidence", "calibrated")}
    return found | {"mask": mistaken(0.2), "coarse": mistaken(0.3), "fine": mistaken(0.3)}
