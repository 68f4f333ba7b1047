import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from casnet_cli import machine


def test_memory_grows_with_what_is_held_and_the_peak_stays() -> None:
    before = machine.memory_now()
    held = np.ones(1 << 26, np.uint8)
    during = machine.memory_now()
    assert 0.9 * held.nbytes < during - before < 3 * held.nbytes
    del held
    assert machine.memory_peak() > 0.99 * during  # the system counts both in batches of pages


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_proc_the_peak_stands_for_both(
    platform: str, unit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "PROC", tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda who: type("Usage", (), {"ru_maxrss": 5000}))
    assert machine.memory_now() == machine.memory_peak() == 5000 * unit


def test_the_numbers_are_the_systems_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statm").write_text("900 300 5 1 0 10 0\n")
    (tmp_path / "status").write_text("Name:\tcasnet\nVmPeak:\t9999 kB\nVmHWM:\t  7000 kB\nVmRSS:\t  10 kB\n")
    monkeypatch.setattr(machine, "PROC", tmp_path)
    assert machine.memory_now() == 300 * resource.getpagesize()
    assert machine.memory_peak() == 7000 * 1024
