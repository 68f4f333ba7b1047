import hashlib
from pathlib import Path

import pytest

from casnet_cli.errors import DataError, InputError
from casnet_cli.util.files import (
    check_writable,
    remove_stale,
    sha256_of,
    stays_below,
    unfinished,
    unfinished_name,
    write_whole,
)


def test_sha256_of_files_and_folders(tmp_path: Path) -> None:
    file = tmp_path / "set" / "b"
    file.parent.mkdir()
    file.write_bytes(b"content")
    assert sha256_of(file) == hashlib.sha256(b"content").hexdigest()
    first = sha256_of(file.parent)
    (tmp_path / "set" / "a").write_bytes(b"")
    second = sha256_of(file.parent)
    file.rename(tmp_path / "set" / "c")
    assert len({first, second, sha256_of(file.parent)}) == 3
    assert sha256_of(file.parent) == sha256_of((tmp_path / "set").rename(tmp_path / "moved"))
    with pytest.raises(DataError, match="gone: cannot be read"):
        sha256_of(tmp_path / "gone")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, "ä")
    assert target.read_bytes() == "ä".encode()
    with pytest.raises(ValueError), unfinished(target) as path:
        path.write_bytes(b"half")
        raise ValueError
    assert target.read_bytes() == "ä".encode() and list(tmp_path.iterdir()) == [target]


def test_only_what_ended_processes_left_is_removed(tmp_path: Path) -> None:
    own = unfinished_name(tmp_path / "file")
    ended = own.with_name(own.name.rpartition("-")[0] + "-999999999.part")
    other = own.with_name(".file.another machine-999999999.part")
    for file in (own, ended, other):
        file.touch()
    remove_stale(tmp_path / "file")
    assert sorted(tmp_path.iterdir()) == sorted([own, other])


def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(tmp_path / "new/below")
    check_writable(tmp_path)
    assert not list(tmp_path.rglob("*"))
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file/below", Path("/proc/casnet")):
        with pytest.raises(InputError, match="cannot be written"):
            check_writable(folder)
    monkeypatch.setattr(Path, "write_bytes", lambda *given: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(InputError, match="No space left on device"):
        check_writable(tmp_path / "new/below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_paths_that_lead_out_of_a_folder() -> None:
    assert all(map(stays_below, ("a", "a/b.png", "a..b", "./a", "...")))
    assert not any(map(stays_below, ("/a", "..", "../a", "a/../../b", "a/..", "//a")))
