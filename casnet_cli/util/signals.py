"""SIGINT and SIGTERM: held back, passed on, or handled for a while."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def handling(handler: Any) -> Iterator[None]:
    """Have `handler` called on SIGINT and SIGTERM, but on none that is ignored, as a shell has its background jobs do;
    whatever was before is put back."""
    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """An interrupt comes after the block: the libraries' imports swallow some that come between."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with handling(lambda number, frame: received.append(number)):
        yield
    if received:
        raise KeyboardInterrupt


@contextmanager
def swallowed_interrupts() -> Iterator[Callable[[], None]]:
    """A function to call now and then: it interrupts if an interrupt came and was lost in a library's callback."""
    received: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if received:
            raise KeyboardInterrupt

    with handling(interrupt):
        yield check


@contextmanager
def interruptible() -> Iterator[None]:
    """Let an interrupt end the process at once: joining workers waits in the library, where no handler is called."""
    with handling(signal.SIG_DFL):
        yield
