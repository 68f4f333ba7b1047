"""Difficulty shift against SciPy's p-values and against counting pairs."""

import numpy as np
import pytest
from scipy import stats

from casnet_cli.evaluation.difficulty_shift import DifficultyShift, difficulty_shift


@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.05, 0.3])
@pytest.mark.parametrize(("ours", "theirs"), [(40, 57), (7, 300), (500, 6), (1, 1)])
def test_the_statistic_and_its_distance_from_chance(shift: float, ours: int, theirs: int) -> None:
    rng = np.random.default_rng(ours)
    folder, validation = rng.beta(2, 5, ours) + shift, rng.beta(2, 5, theirs)
    found = difficulty_shift(folder.tolist(), validation.tolist())
    test = stats.mannwhitneyu(folder, validation, method="asymptotic", use_continuity=False, alternative="greater")
    assert found is not None and found.chance == pytest.approx(test.statistic / (ours * theirs))
    assert stats.norm.sf(found.sigmas) == pytest.approx(test.pvalue, rel=1e-6)


@pytest.mark.parametrize("decimals", [1, 16])
@pytest.mark.parametrize(("ours", "theirs"), [(40, 57), (7, 300), (1, 1), (2000, 3)])
def test_the_statistic_is_that_of_counting_pairs(decimals: int, ours: int, theirs: int) -> None:
    rng = np.random.default_rng(theirs)
    folder, validation = np.round(rng.beta(2, 5, ours) + 0.1, decimals), np.round(rng.beta(2, 5, theirs), decimals)
    above = (folder[:, None] > validation).sum() + (folder[:, None] == validation).sum() / 2
    chance = above / (ours * theirs)
    sigmas = (chance - 0.5) / np.sqrt((ours + theirs + 1) / (12 * ours * theirs))
    found = difficulty_shift(folder.tolist(), validation.tolist())
    assert found is not None and (found.chance, found.sigmas) == pytest.approx((chance, sigmas), rel=1e-12, abs=1e-12)


def test_ties_count_half() -> None:
    folder, validation = [0.1, 0.2, 0.2, 0.3], [0.2, 0.2, 0.3]
    test = stats.mannwhitneyu(folder, validation, method="asymptotic", use_continuity=False)
    found = difficulty_shift(folder, validation)
    assert found is not None and found.chance == pytest.approx(test.statistic / 12) == pytest.approx(4.5 / 12)
    same = difficulty_shift([0.5] * 9, [0.5] * 5)
    assert same == DifficultyShift(0.5, 0.0) and not same.harder


def test_both_the_effect_and_its_certainty_make_a_warning() -> None:
    harder, few = difficulty_shift([0.9] * 20, [0.1] * 20), difficulty_shift([0.9], [0.1] * 99)
    slightly = difficulty_shift([0.4] * 400 + [0.6] * 600, [0.5] * 1000)
    assert harder is not None and harder.harder and harder.chance == 1
    assert slightly is not None and slightly.sigmas > 3 and not slightly.harder
    assert few is not None and few.chance == 1 and not few.harder
    assert (
        DifficultyShift(0.65, 3.0).harder
        and not DifficultyShift(0.64, 9.0).harder
        and not DifficultyShift(0.9, 2.9).harder
    )
    easier = difficulty_shift([0.1] * 20, [0.9] * 20)
    assert easier is not None and easier.sigmas < -3 and not easier.harder


def test_a_side_without_images() -> None:
    assert difficulty_shift([], [0.5]) is None and difficulty_shift([0.5], []) is None
