"""SIGINT and SIGTERM: held back, passed on, or handled during a block of code."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def handling(handler: Handler) -> Iterator[None]:
    """Handle SIGINT and SIGTERM by `handler` during the block.

    A signal that is ignored, as shells have it for background jobs, stays ignored.
    """
    handled = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in handled}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Delay an interrupt until after the block: imports of the libraries lose some that come during them."""
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
    """A function to call now and then: it raises KeyboardInterrupt if one came and was lost in a library's callback."""
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if received:
            raise KeyboardInterrupt

    with handling(interrupt):
        yield check


@contextmanager
def interruptible() -> Iterator[None]:
    """Let an interrupt end the process at once: a library that waits for other workers calls no handler."""
    with handling(signal.SIG_DFL):
        yield
