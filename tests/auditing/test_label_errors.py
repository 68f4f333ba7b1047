"""Suspect regions, in probabilities made by hand."""

import math

import numpy as np
import pytest

from casnet_cli.auditing.label_errors import BOUNDARY, OBJECT, Suspect, suspects, suspicion
from casnet_cli.labels import VOID


def probabilities(mask: np.ndarray, sure: float = 0.9) -> np.ndarray:
    """(3, H, W): `sure` for the class of the mask, the rest shared."""
    p = np.full((3, *mask.shape), (1 - sure) / 2)
    np.put_along_axis(p, mask[None], sure, 0)
    return p


def found_in(p: np.ndarray, label: np.ndarray, difficulty: np.ndarray) -> list[Suspect]:
    return suspects(p, label, p.argmax(axis=0), difficulty)


def test_suspicion_by_the_formula() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), (6, 7)).transpose(2, 0, 1)
    label = rng.integers(0, 4, (6, 7))
    label[0], p[label[1, 0], 1, 0] = VOID, 0
    found = suspicion(p, label)
    for row in range(6):
        for column in range(7):
            own = p[label[row, column], row, column] if row else 1
            assert found[row, column] == pytest.approx(-math.log(max(own, 0.0001)))


def test_regions_by_label_and_proposal_the_most_suspicious_first() -> None:
    mask, label = np.zeros((60, 80), int), np.zeros((60, 80), int)
    label[10:30, 10:40] = 1  # 600 pixels that the network calls 0
    label[40:50, 50:60] = 2  # 100 more
    label[5, 70] = 1  # less than a thousandth
    label[50:, 70:] = VOID
    difficulty = np.full(mask.shape, 0.1)
    first, second = found_in(probabilities(mask), label, difficulty)
    assert (first.label, first.proposal, first.x, first.y, first.pixels, first.kind) == (1, 0, 10, 10, 600, OBJECT)
    assert (second.label, second.proposal, second.pixels, second.kind) == (2, 0, 100, OBJECT)
    assert first.confidence == pytest.approx(0.95) and first.difficulty == pytest.approx(0.1)
    assert first.score == pytest.approx(-math.log(0.05) * (600 / 4800) ** 0.25)
    assert first.inside.all() and first.inside.shape == (20, 30)


def test_hard_or_unsure_pixels_are_not_suspect() -> None:
    mask, label = np.zeros((40, 40), int), np.ones((40, 40), int)
    assert len(found_in(probabilities(mask), label, np.full(mask.shape, 0.1))) == 1
    assert found_in(probabilities(mask), label, np.full(mask.shape, 0.6)) == []
    assert found_in(probabilities(mask, 0.6), label, np.full(mask.shape, 0.1)) == []
    assert found_in(probabilities(mask), mask, np.full(mask.shape, 0.1)) == []
    torn = np.full((20, 40, 40), 0.05)  # among so many classes even the most likely one is unlikely
    assert found_in(torn, np.zeros((40, 40), int), np.full(mask.shape, 0.1)) == []


def test_slivers_are_kept_apart() -> None:
    mask, label = np.zeros((100, 120), int), np.zeros((100, 120), int)
    label[20:23, 5:115] = 1  # three pixels thick: a boundary that runs elsewhere
    label[60:80, 5:25] = 1
    kinds = {one.y: one.kind for one in found_in(probabilities(mask), label, np.zeros(mask.shape))}
    assert kinds == {20: BOUNDARY, 60: OBJECT}
