import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest

from casnet_cli.util import signals


@pytest.fixture
def handled() -> Iterator[None]:
    """Both signals raise, though a shell that runs the tests in the background has one ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, earlier in before.items():
        signal.signal(number, earlier)


def test_an_ignored_signal_stays_ignored(handled: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received: list[int] = []
    with signals.handling(lambda number, frame: received.append(number)):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        time.sleep(0.1)
    assert received == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_an_interrupt_that_a_library_swallows_is_not_lost(handled: None) -> None:
    with signals.swallowed_interrupts() as check:
        check()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(KeyboardInterrupt):  # as in a callback of the garbage collector
                os.kill(os.getpid(), number)
                time.sleep(1)
            with pytest.raises(KeyboardInterrupt):
                check()
