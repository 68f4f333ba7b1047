"""What Keras is kept from importing is there again afterwards."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from casnet_cli import backend
from casnet_cli.util import signals


def test_libraries_are_left_out_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    with backend._left_out("tensorflow"), pytest.raises(ImportError):
        importlib.import_module("sklearn")
    assert "sklearn" not in sys.modules and importlib.util.find_spec("sklearn")


@pytest.fixture
def heeded() -> Iterator[None]:
    """Both signals raise, though a shell that runs the tests in the background has one ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, earlier in before.items():
        signal.signal(number, earlier)


def test_an_ignored_signal_stays_ignored(heeded: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received: list[int] = []
    with signals.handling(lambda number, frame: received.append(number)):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        time.sleep(0.1)
    assert received == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_an_interrupt_that_a_library_swallows_is_not_lost(heeded: None) -> None:
    with signals.swallowed_interrupts() as check:
        check()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(KeyboardInterrupt):  # as in a callback of the garbage collector
                os.kill(os.getpid(), number)
                time.sleep(1)
            with pytest.raises(KeyboardInterrupt):
                check()


def test_a_started_engine_has_not_imported_them_and_they_still_import() -> None:
    code = (
        "import sys; from casnet_cli import backend; backend.start(); "
        "assert not {'sklearn', 'matplotlib.pyplot', 'jax'} & set(sys.modules), 'imported'; "
        "import sklearn, matplotlib.pyplot"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
