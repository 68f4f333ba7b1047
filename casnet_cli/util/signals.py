"""Signals that stop a process: held back, passed on, or handled during a block of code."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the end of a job's time, and a terminal that was closed."""

INTERRUPTED = 130
"""Exit code of a process that was stopped."""

SETTLING = 1.0
"""Seconds in which several signals are one: `timeout` and `srun` send theirs to a process and to its group, and a shell
whose terminal is closed passes on what its jobs have had already."""


def stoppable() -> list[signal.Signals]:
    """Those of `STOPPING` that are not ignored, as shells have it for background jobs, and `nohup` for its command."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def leave_at_once() -> None:
    """Let a signal end the process without another word: there is nothing to clear away, yet or any more."""
    for number in stoppable():
        signal.signal(number, lambda number, frame: os._exit(INTERRUPTED))


def raise_interrupt() -> None:
    """Let a signal raise KeyboardInterrupt, so that unfinished files are removed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in stoppable():
        signal.signal(number, settled(interrupt))


def settled(handler: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], None]:
    """The handler, which is not called for signals within `SETTLING` seconds of one that it was called for."""
    last = -SETTLING

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SETTLING:
            last = now
            handler(number, frame)

    return handle


@contextmanager
def handling(handler: Handler) -> Iterator[None]:
    """Handle the signals of `STOPPING` by `handler` during the block; one that is ignored stays ignored."""
    before = {number: signal.signal(number, handler) for number in stoppable()}
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
