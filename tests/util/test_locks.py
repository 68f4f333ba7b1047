import errno
import fcntl
from pathlib import Path

import pytest

from casnet_cli.util import locks


def test_one_of_two_gets_the_lock(tmp_path: Path) -> None:
    warned: list[str] = []
    with open(tmp_path / "x", "w") as one:
        locks.lock(one, warned.append)
        for shared in (False, True):
            other = open(tmp_path / "x")  # noqa: SIM115
            with pytest.raises(BlockingIOError):
                locks.lock(other, warned.append, shared)
            assert other.closed and not one.closed
    with open(tmp_path / "x") as one, open(tmp_path / "x") as other:
        for file in (one, other):
            locks.lock(file, warned.append, shared=True)
    assert not warned


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, operation: int) -> None:
        raise OSError(number, "")

    monkeypatch.setattr(fcntl, "flock", fail)
    warned: list[str] = []
    with open(tmp_path / "x", "w") as file:
        if number == errno.EIO:
            with pytest.raises(OSError):
                locks.lock(file, warned.append)
        else:
            locks.lock(file, warned.append)
    assert warned == ([locks.WARNING] if number != errno.EIO else [])
