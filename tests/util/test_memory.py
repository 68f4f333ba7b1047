import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from casnet_cli.util import memory


def test_memory_grows_with_what_is_held_and_the_peak_stays() -> None:
    before = memory.memory_now()
    held = np.ones(1 << 26, np.uint8)
    during = memory.memory_now()
    assert 0.9 * held.nbytes < during - before < 3 * held.nbytes
    del held
    assert memory.memory_peak() > 0.99 * during  # the system counts both in batches of pages


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_without_proc_the_peak_stands_for_both(
    platform: str, unit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PROC", tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda who: type("Usage", (), {"ru_maxrss": 5000}))
    assert memory.memory_now() == memory.memory_peak() == 5000 * unit


@pytest.mark.parametrize(
    ("limit", "free"), [("8000000000", 7_600_000_000), ("1000000000", 600_000_000), ("100000", 0), ("max", None)]
)
def test_a_container_leaves_what_it_does_not_use_and_what_is_kept_of_files(
    limit: str, free: int | None, tmp_path: Path
) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("900000000\n")
    (tmp_path / "memory.stat").write_text(
        "anon 300000000\nfile 600000000\ninactive_file 350000000\nactive_file 150000000\n"
    )
    assert memory._free_of_container(tmp_path) == free


def test_the_numbers_are_the_systems_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statm").write_text("900 300 5 1 0 10 0\n")
    (tmp_path / "status").write_text("Name:\tcasnet\nVmPeak:\t9999 kB\nVmHWM:\t  7000 kB\nVmRSS:\t  10 kB\n")
    monkeypatch.setattr(memory, "PROC", tmp_path)
    assert memory.memory_now() == 300 * resource.getpagesize()
    assert memory.memory_peak() == 7000 * 1024
