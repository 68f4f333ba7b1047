"""From cells to pixels, against NumPy float64 written from the equations."""

import keras
import numpy as np

from casnet_cli.inference.postprocess import probability_names, reader


def test_equation_8_on_resized_logits() -> None:
    rng = np.random.default_rng(1)
    cells = {
        name: rng.normal(size=(3, 4, count)) * 30 for name, count in (("coarse", 5), ("fine", 5), ("attention", 1))
    }
    left, right = rng.dirichlet(np.ones(3), 7), rng.dirichlet(np.ones(4), 9)
    model = reader(("coarse", "attention", "fine"), 5, lambda pixels: pixels)
    given = {name: x.astype(np.float32) for name, x in (cells | {"left": left, "right": right}).items()}
    found = {name: np.asarray(x) for name, x in model.predict_on_batch(given).items()}
    logits = {name: np.einsum("ih,jw,hwk->kij", left, right, x) for name, x in cells.items()}
    p = {name: np.exp(x - x.max(0)) / np.exp(x - x.max(0)).sum(0) for name, x in logits.items()}
    easy = 1 / (1 + np.exp(-logits["attention"][0]))
    np.testing.assert_allclose(found["coarse"], p["coarse"], atol=1e-5)
    np.testing.assert_allclose(found["difficult"], 1 - easy, atol=1e-5)
    np.testing.assert_allclose(found["fused"], easy * p["coarse"] + (1 - easy) * p["fine"], atol=1e-5)
    assert keras.config.floatx() == "float32"


def test_the_names_of_probabilities() -> None:
    assert probability_names(("coarse",)) == ("coarse", "fused")
    assert probability_names(("coarse", "attention", "fine")) == ("coarse", "difficult", "fine", "fused")
