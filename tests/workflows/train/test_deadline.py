"""--max-time: lengths of time, and when the next piece of work would end too late."""

import pytest

from casnet_cli.errors import InputError
from casnet_cli.workflows.train.deadline import Deadline, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 5400), ("3h55m", 14100), ("45s", 45), ("1d", 86400), ("02:30:00", 9000), ("1-00:00:01", 86401)],
)
def test_lengths_of_time(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "0", "-5", "1:2", "0s", "h"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(InputError, match="--max-time"):
        seconds(text)


def test_the_deadline_leaves_room_for_the_longest_piece_of_work() -> None:
    now = [0.0]
    deadline = Deadline(100.0, lambda: now[0])
    for moment, near in ((10.0, False), (49.0, False), (52.0, True), (60.0, True)):
        now[0] = moment
        deadline.lap()
        assert deadline.near() == near, moment  # the longest piece took 39 s, and a quarter more is kept
    assert not Deadline(None, lambda: 1e9).near()


def test_what_came_before_the_work_counts_as_time_and_not_as_a_piece_of_work() -> None:
    now = [0.0]
    deadline = Deadline(100.0, lambda: now[0])
    now[0] = 60.0
    deadline.begin()
    for moment, near in ((70.0, False), (88.0, True)):
        now[0] = moment
        deadline.lap()
        assert deadline.near() == near, moment
