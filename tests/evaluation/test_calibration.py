"""Calibration error and temperature, against their definitions."""

import numpy as np
import pytest
from helpers.segmentation import K, regions

from casnet_cli.evaluation.calibration import ReliabilityBins, chosen_pixels, fit_temperature, generator
from casnet_cli.labels import VOID


def test_calibration_error_agrees_with_its_definition() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(5000).astype(np.float32)
    right = rng.random(5000) < 1 - confidence  # too modest below a half, too sure above
    found = ReliabilityBins()
    for part in np.array_split(np.arange(5000), 3):
        found.add(confidence[part], right[part])
    expected = 0.0
    for low in range(15):
        inside = (confidence >= low / 15) & (confidence < (low + 1) / 15)
        expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.error() == pytest.approx(expected, abs=1e-6)
    sure = ReliabilityBins()
    sure.add(np.ones(4, np.float32), np.array([True, True, True, False]))
    assert sure.error() == pytest.approx(0.25) and ReliabilityBins().error() is None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40000, K)) * 2
    p = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    truth = (p.cumsum(1) < rng.random((40000, 1))).sum(1)
    scores = true * temperature
    scores -= np.log(np.exp(scores).sum(1, keepdims=True))
    found = fit_temperature((scores[part], truth[part]) for part in np.array_split(np.arange(40000), 4))
    assert found == pytest.approx(temperature, rel=0.02)
    grid = np.geomspace(0.1, 10, 2000)

    def loss(t: float) -> float:
        return float(-(scores[np.arange(40000), truth] / t - np.log(np.exp(scores / t).sum(1))).mean())

    assert found is not None and loss(found) <= min(map(loss, grid[::50])) + 1e-9


def test_no_temperature_where_none_is_best() -> None:
    right = np.log(np.tile([0.9, 0.1], (50, 1)))
    assert fit_temperature([(right, np.zeros(50, int))]) is None
    assert fit_temperature([(right, np.ones(50, int))]) is None and fit_temperature([]) is None


def test_pixels_for_the_temperature_are_labelled_and_the_same_in_every_call() -> None:
    label = regions(0)
    first, again = (chosen_pixels(label, 100, generator(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(set(first.tolist())) == 100 and (label.ravel()[first] != VOID).all()
    assert len(chosen_pixels(label, 10**6, generator(0))) == (label != VOID).sum()
