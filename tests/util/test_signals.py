import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest

from casnet_cli.util import signals


@pytest.fixture
def handled() -> Iterator[None]:
    """All of them raise, though a shell that runs the tests in the background has one ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals.STOPPING}
    yield
    for number, earlier in before.items():
        signal.signal(number, earlier)


def test_an_ignored_signal_stays_ignored(handled: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received: list[int] = []
    with signals.handling(lambda number, frame: received.append(number)):
        for number in signals.STOPPING:
            os.kill(os.getpid(), number)
        time.sleep(0.1)
    assert sorted(received) == [signal.SIGHUP, signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_an_interrupt_that_a_library_swallows_is_not_lost(handled: None) -> None:
    with signals.swallowed_interrupts() as check:
        check()
        for number in signals.STOPPING:
            with contextlib.suppress(KeyboardInterrupt):  # as in a callback of the garbage collector
                os.kill(os.getpid(), number)
                time.sleep(1)
            with pytest.raises(KeyboardInterrupt):
                check()


def test_signals_that_come_together_are_one(handled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `timeout` sends two, and a shell passes on that its terminal was closed."""
    received, clock = [], [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    handle = signals.settled(lambda number, frame: received.append((clock[0], number)))
    for moment, number in ((0.0, signal.SIGTERM), (0.01, signal.SIGTERM), (0.9, signal.SIGHUP), (1.1, signal.SIGINT)):
        clock[0] = moment
        handle(number, None)
    assert received == [(0.0, signal.SIGTERM), (1.1, signal.SIGINT)]


@pytest.mark.parametrize("number", signals.STOPPING)
def test_every_one_of_them_interrupts(handled: None, number: signal.Signals) -> None:
    signals.raise_interrupt()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        time.sleep(1)
    os.kill(os.getpid(), number)  # together with the other
    time.sleep(0.1)
