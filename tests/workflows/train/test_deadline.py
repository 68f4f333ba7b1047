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


def test_the_work_ahead_and_the_end_of_the_process_fit_before_the_deadline() -> None:
    now = [50.0]
    deadline = Deadline(100.0, lambda: now[0])
    now[0] = 90.0
    assert deadline.passed() == 40
    for ahead, near in ((0.0, False), (57.0, False), (58.0, True), (500.0, True)):
        assert deadline.near(ahead) == near, ahead
    assert not Deadline(None, lambda: 1e9).near(1e9)
