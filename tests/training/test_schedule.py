import pytest

from casnet_cli.recipe import ScheduleSection
from casnet_cli.training.schedule import Schedule


def test_plateau_drops_by_ten_exactly_twice_then_ends() -> None:
    schedule = Schedule(ScheduleSection(kind="plateau", patience=2), 1e-4, 1000)
    results = []
    for accuracy in (0.5, 0.6, 0.6, 0.59, 0.7, 0.7, 0.7, 0.6, 0.6, 0.9):
        schedule.observe(accuracy)
        results.append((schedule.rate(0), schedule.finished))
    rates = [rate for rate, _ in results]
    assert rates == pytest.approx([1e-4] * 3 + [1e-5] * 3 + [1e-6] * 4)
    assert [finished for _, finished in results] == [False] * 8 + [True] * 2


def test_polynomial_falls_to_nearly_nothing() -> None:
    schedule = Schedule(ScheduleSection(kind="polynomial", power=0.9), 0.01, 100)
    assert schedule.rate(0) == 0.01
    assert schedule.rate(50) == pytest.approx(0.01 * 0.5**0.9)
    assert 0 < schedule.rate(99) < 0.0002
    for _ in range(50):
        schedule.observe(0.1)
    assert not schedule.finished


def test_cosine_by_its_table() -> None:
    # ½(1 + cos) of 0°, 30°, 60°, …, 150°; a step beyond the plan has the last one's rate.
    schedule = Schedule(ScheduleSection(kind="cosine"), 8.0, 6)
    expected = [8, 4 + 2 * 3**0.5, 6, 4, 2, 4 - 2 * 3**0.5, 4 - 2 * 3**0.5]
    assert [schedule.rate(step) for step in range(7)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("constant", [12, 12, 12, 12]),
        ("plateau", [12, 12, 12, 12]),
        ("polynomial", [12, 9, 6, 3]),
        ("cosine", [12, 6 + 3 * 2**0.5, 6, 6 - 3 * 2**0.5]),
    ],
)
def test_every_kind_rises_in_a_line_and_goes_on_from_the_full_rate(kind: str, after: list[float]) -> None:
    schedule = Schedule(ScheduleSection(kind=kind, warmup_steps=3, power=1.0), 12.0, 7)  # type: ignore[arg-type]
    assert [schedule.rate(step) for step in range(7)] == pytest.approx([4, 8, 12, *after], rel=1e-12)


@pytest.mark.parametrize("kind", ["constant", "plateau", "polynomial", "cosine"])
def test_a_run_within_its_rise_never_gets_to_the_full_rate(kind: str) -> None:
    schedule = Schedule(ScheduleSection(kind=kind, warmup_steps=10), 1.0, 4)  # type: ignore[arg-type]
    assert [schedule.rate(step) for step in (0, 1, 2, 3, 4, 10)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_a_drop_counts_within_the_rise_too() -> None:
    schedule = Schedule(ScheduleSection(kind="plateau", patience=1, warmup_steps=4), 1.0, 8)
    schedule.observe(0.5)
    schedule.observe(0.5)
    assert [schedule.rate(step) for step in (1, 4)] == pytest.approx([0.05, 0.1])


@pytest.mark.parametrize("kind", ["constant", "plateau", "polynomial", "cosine"])
def test_early_stop_counts_validations_in_a_row_without_a_new_best(kind: str) -> None:
    # Patience 2 sets the plateau's own count back at the third accuracy of these: it must not stop the other one.
    schedule = Schedule(ScheduleSection(kind=kind, patience=2, early_stop=3), 1.0, 100)  # type: ignore[arg-type]
    results = []
    for accuracy in (0.5, 0.4, 0.5, 0.6, 0.6, 0.1, 0.59, 0.2):
        schedule.observe(accuracy)
        results.append(schedule.finished)
    assert results == [False] * 6 + [True] * 2


def test_constant_and_best() -> None:
    schedule = Schedule(ScheduleSection(kind="constant"), 0.01, 100)
    assert [schedule.observe(value) for value in (0.2, 0.2, 0.3)] == [True, False, True]
    assert schedule.rate(99) == 0.01


def test_state_continues_where_it_stood() -> None:
    one, two = (Schedule(ScheduleSection(kind="plateau", patience=2), 1.0, 10) for _ in range(2))
    accuracies = [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]
    for accuracy in accuracies[:4]:
        one.observe(accuracy)
    two.restore(one.state())
    for accuracy in accuracies[4:]:
        one.observe(accuracy)
        two.observe(accuracy)
    assert one.state() == two.state() and one.finished


def test_a_restored_early_stop_ends_at_the_same_validation() -> None:
    section = ScheduleSection(kind="plateau", patience=2, early_stop=4)
    one, two = (Schedule(section, 1.0, 10) for _ in range(2))
    for accuracy in (0.5, 0.4, 0.4, 0.4):
        one.observe(accuracy)
    two.restore(one.state())
    assert not two.finished
    two.observe(0.4)
    assert two.finished


def test_the_state_of_an_older_checkpoint_is_taken() -> None:
    schedule = Schedule(ScheduleSection(kind="constant", early_stop=3), 1.0, 10)
    schedule.restore({"best": 0.5, "waited": 2, "dropped": 0, "finished": False})
    assert not schedule.finished
    schedule.observe(0.5)
    assert schedule.finished
