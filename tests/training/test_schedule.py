import pytest

from casnet_cli.recipe import Schedule as Section
from casnet_cli.training.schedule import Schedule


def test_plateau_drops_by_ten_exactly_twice_then_ends() -> None:
    schedule = Schedule(Section(kind="plateau", patience=2), 1e-4, 1000)
    seen = []
    for figure in (0.5, 0.6, 0.6, 0.59, 0.7, 0.7, 0.7, 0.6, 0.6, 0.9):
        schedule.observe(figure)
        seen.append((schedule.rate(0), schedule.finished))
    rates = [rate for rate, _ in seen]
    assert rates == pytest.approx([1e-4] * 3 + [1e-5] * 3 + [1e-6] * 4)
    assert [finished for _, finished in seen] == [False] * 8 + [True] * 2


def test_polynomial_falls_to_nearly_nothing() -> None:
    schedule = Schedule(Section(kind="polynomial", power=0.9), 0.01, 100)
    assert schedule.rate(0) == 0.01
    assert schedule.rate(50) == pytest.approx(0.01 * 0.5**0.9)
    assert 0 < schedule.rate(99) < 0.0002
    for _ in range(50):
        schedule.observe(0.1)
    assert not schedule.finished


def test_constant_and_best() -> None:
    schedule = Schedule(Section(kind="constant"), 0.01, 100)
    assert [schedule.observe(value) for value in (0.2, 0.2, 0.3)] == [True, False, True]
    assert schedule.rate(99) == 0.01


def test_state_continues_where_it_stood() -> None:
    one, two = (Schedule(Section(kind="plateau", patience=2), 1.0, 10) for _ in range(2))
    figures = [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]
    for figure in figures[:4]:
        one.observe(figure)
    two.restore(one.state())
    for figure in figures[4:]:
        one.observe(figure)
        two.observe(figure)
    assert one.state() == two.state() and one.finished
