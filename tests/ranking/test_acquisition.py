"""Orders of images against small cases that can be seen through."""

import numpy as np
import pytest

from casnet_cli.ranking.acquisition import BY, order, ranks, within

RNG = np.random.default_rng(0)
SCORES = {name: RNG.permutation(8) / 8 for name in ("difficulty", "entropy", "margin")}


@pytest.mark.parametrize("by", BY)
def test_every_image_comes_once(by: str) -> None:
    assert sorted(index for index, _ in order(by, SCORES, RNG.normal(size=(8, 5)))) == list(range(8))


@pytest.mark.parametrize("by", ["difficulty", "entropy", "margin"])
def test_scores_fall(by: str) -> None:
    values = [value for _, value in order(by, SCORES, np.zeros((8, 2)))]
    assert values == sorted(SCORES[by], reverse=True)


def test_random_is_seeded() -> None:
    first, again, other = ([i for i, _ in order("random", {}, np.zeros((20, 1)), seed)] for seed in (1, 1, 2))
    assert first == again != other


def test_variety_visits_every_group_before_any_twice() -> None:
    centres = np.array([[1, 0, 0], [-1, 0.2, 0], [0, 1, 0], [0, 0, 1]], float)
    groups = np.repeat(np.arange(4), 10)
    features = centres[groups] + RNG.normal(size=(40, 3)) / 100
    shuffled = RNG.permutation(40)
    found = [groups[shuffled][index] for index, _ in order("variety", {}, features[shuffled])]
    assert sorted(found[:4]) == [0, 1, 2, 3]


def test_mixed_takes_one_of_near_equal_hard_images_and_then_another_kind() -> None:
    features = np.array([[1, 0], [1, 0.01], [1, -0.01], [-1, 0.5], [-1, -0.6]], float)
    scores = {"difficulty": np.array([0.9, 0.89, 0.88, 0.4, 0.1])}
    found = [index for index, _ in order("mixed", scores, features)]
    assert found[0] == 0 and found[1] == 3
    assert [index for index, _ in order("difficulty", scores, features)][:3] == [0, 1, 2]


def test_copies_are_at_no_distance() -> None:
    for features in (np.ones((3, 2)), np.array([[1, 0], [1, 0], [0, 1]], float)):
        assert list(order("variety", {}, features))[-1][1] == 0


def test_mixed_by_hand() -> None:
    features, hard = RNG.normal(size=(12, 4)), RNG.permutation(12) / 12
    centred = features - features.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    weights = np.array([(hard <= value).sum() for value in hard]) / 12
    chosen = [int(weights.argmax())]
    while len(chosen) < 12:
        rest = [i for i in range(12) if i not in chosen]
        chosen.append(max(rest, key=lambda i: weights[i] * min(np.linalg.norm(unit[i] - unit[j]) for j in chosen)))
    assert [index for index, _ in order("mixed", {"difficulty": hard}, features)] == chosen


def test_ranks() -> None:
    np.testing.assert_allclose(ranks(np.array([0.3, 0.1, 0.2])), [1, 1 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("top", "budget", "expected"),
    [(None, None, 4), (2, None, 2), (None, 250, 2), (3, 150, 1), (None, 10, 1), (9, 400, 4)],
)
def test_top_and_budget(top: int | None, budget: int | None, expected: int) -> None:
    found = within(iter([(3, 0.4), (0, 0.3), (1, 0.2), (2, 0.1)]), np.full(4, 100), top, budget)
    assert [index for index, _ in found] == [3, 0, 1, 2][:expected]


def test_an_unknown_order() -> None:
    with pytest.raises(ValueError, match="luck: no order"):
        list(order("luck", {}, np.zeros((2, 2))))
