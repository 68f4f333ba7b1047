"""Archives as they are found on the internet: good, broken and hostile."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile

import pytest

from casnet_cli.data import archives
from casnet_cli.data.archives import open_archive
from casnet_cli.errors import DataError

FILES = {"set/images/a.jpg": b"\x00\xff" * 5000, "set/labels/a.txt": b"1 2 3\n", "set/list.txt": os.urandom(30000)}
SUFFIXES = [".zip", ".tar", ".tar.gz", ".tgz"]


def make(path, files, extra=None):
    """An archive of the kind its suffix names. extra: a ZipInfo or TarInfo of one more member."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            if extra:
                archive.writestr(extra, b"/etc/passwd")
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra:
            archive.addfile(extra)
    return path


def tree(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refused(path, scratch, *words):
    with pytest.raises(DataError) as caught, open_archive(path, scratch):
        pytest.fail("was opened")
    message = str(caught.value)
    assert "\n" not in message
    for word in (path.name, *words):
        assert word in message
    assert not list(scratch.glob("*"))


@pytest.fixture
def scratch(tmp_path):
    return tmp_path / "deep" / "scratch"


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".ZIP"])
def test_files_come_out_as_they_went_in(tmp_path, scratch, suffix):
    archive = make(tmp_path / f"set{suffix.lower()}", FILES)
    archive = archive.rename(tmp_path / f"set{suffix}")
    with open_archive(archive, scratch) as folder:
        assert folder.parent == scratch
        assert tree(folder) == FILES
    assert not list(scratch.glob("*"))


def test_a_folder_is_given_as_it_is(tmp_path, scratch):
    with open_archive(tmp_path, scratch) as folder:
        assert folder == tmp_path
    assert tmp_path.is_dir() and not list(scratch.glob("*"))


def test_scratch_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match="file: cannot be written"),
        open_archive(make(tmp_path / "s.zip", {}), tmp_path / "file"),
    ):
        pass


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_needed_members_are_written(tmp_path, scratch, suffix):
    with open_archive(make(tmp_path / f"set{suffix}", FILES), scratch, lambda name: name.endswith(".txt")) as folder:
        assert tree(folder).keys() == {"set/labels/a.txt", "set/list.txt"}


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_the_folder_goes_whatever_happens(tmp_path, scratch, error):
    with pytest.raises(error, match="mine"), open_archive(make(tmp_path / "set.zip", FILES), scratch):
        assert list(scratch.iterdir())
        raise error("mine")
    assert not list(scratch.glob("*"))


def test_an_interrupt_while_unpacking_leaves_nothing(tmp_path, scratch):
    def interrupt(name):
        if name.endswith("list.txt"):
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt), open_archive(make(tmp_path / "set.tgz", FILES), scratch, interrupt):
        pass
    assert not list(scratch.glob("*"))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/out", "..\\out", "C:\\out", "a/.."])
def test_members_that_point_outside_are_refused(tmp_path, scratch, suffix, name):
    refused(make(tmp_path / f"evil{suffix}", FILES | {name: b"x"}), scratch, "points outside", repr(name))
    assert not (scratch.parent / "out").exists()


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tars_are_refused(tmp_path, scratch, suffix, kind):
    info = tarfile.TarInfo("set/odd")
    info.type, info.linkname = kind, "set/list.txt"
    refused(make(tmp_path / f"evil{suffix}", FILES, info), scratch, "link or a device", "set/odd")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_zips_are_refused(tmp_path, scratch, kind):
    info = zipfile.ZipInfo("set/odd")
    info.external_attr = (kind | 0o777) << 16
    refused(make(tmp_path / "evil.zip", FILES, info), scratch, "link or a device", "set/odd")


def test_zips_are_examined_before_anything_is_written(tmp_path, scratch):
    examined = []
    with (
        pytest.raises(DataError),
        open_archive(make(tmp_path / "e.zip", FILES | {"../x": b""}), scratch, examined.append),
    ):
        pass
    assert examined == []


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_a_bomb_of_zeros_is_refused(tmp_path, scratch, suffix, monkeypatch):
    monkeypatch.setattr(archives, "RATIO_ALLOWANCE", 100_000)
    refused(make(tmp_path / f"bomb{suffix}", {"zeros": bytes(30_000_000)}), scratch, "unpacks to more", "zeros")
    monkeypatch.setattr(archives, "MAX_RATIO", 2000)
    monkeypatch.setattr(archives, "MAX_BYTES", 20_000_000)
    refused(tmp_path / f"bomb{suffix}", scratch, "unpacks to more")


def test_claims_of_many_members_add_up(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 900_000)
    refused(make(tmp_path / "many.tar", {str(index): bytes(100_000) for index in range(10)}), scratch, "member '9'")


def test_a_zip_that_claims_gigabytes_is_refused_unread(tmp_path, scratch):
    archive = make(tmp_path / "huge.zip", {"zeros": b"0"})
    data = bytearray(archive.read_bytes())
    position = data.index(b"PK\x01\x02") + 24
    data[position : position + 4] = struct.pack("<I", 0xFFFFFFF0)
    archive.write_bytes(data)
    refused(archive, scratch, "unpacks to more than 1.0 GB")


def test_a_tar_that_claims_terabytes_is_refused(tmp_path, scratch):
    info = tarfile.TarInfo("zeros")
    info.size = 10**13
    (tmp_path / "huge.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    refused(tmp_path / "huge.tar", scratch, "unpacks to more than 1.0 GB", "zeros")


def test_a_tar_header_that_claims_gigabytes_is_refused(tmp_path, scratch):
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 900_000_000
    with gzip.open(tmp_path / "pax.tgz", "wb") as stream:
        stream.write(info.tobuf() + bytes(10_000))
    refused(tmp_path / "pax.tgz", scratch, "unpacks to more")


def test_bytes_beyond_the_claimed_size_are_counted(tmp_path, scratch):
    output = archives.Unpacking(tmp_path / "lying.zip", scratch, None, limit=1000)
    name = output.examined("small", 0, 10)
    with pytest.raises(DataError, match="lying.zip: unpacks to more"):
        output.write(name, io.BytesIO(bytes(5000)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_archives_are_named(tmp_path, scratch, suffix):
    whole = make(tmp_path / f"whole{suffix}", FILES).read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for length in [0, 1, 100, 511, 512, 513, len(whole) // 3, len(whole) // 2]:
        cut.write_bytes(whole[:length])
        refused(cut, scratch, "damaged")
    if suffix != ".tar":
        cut.write_bytes(whole[:-5])
        refused(cut, scratch, "damaged")


def test_a_tar_cut_between_members_is_not_taken_for_whole(tmp_path, scratch):
    whole = make(tmp_path / "whole.tar", {"a": b"1" * 512, "b": b"2" * 512}).read_bytes()
    for length in (1024, 1024 + 100):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        refused(tmp_path / "cut.tar", scratch, "end mark")
    (tmp_path / "cut.tar").write_bytes(whole[:1024] + b"garbage " * 64 + bytes(1024))
    refused(tmp_path / "cut.tar", scratch, "end mark")


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_a_flipped_bit_is_found(tmp_path, scratch, suffix):
    archive = make(tmp_path / f"bad{suffix}", FILES)
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 4
    archive.write_bytes(data)
    refused(archive, scratch, "damaged")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_with_an_archive_name_is_named(tmp_path, scratch, suffix):
    (tmp_path / f"page{suffix}").write_text("<html>404 Not Found</html>\n" * 100)
    refused(tmp_path / f"page{suffix}", scratch, "damaged or no such archive")


def test_other_paths_are_named(tmp_path, scratch):
    refused(tmp_path / "gone.zip", scratch, "no such file or folder")
    (tmp_path / "set.rar").write_text("Rar!")
    refused(tmp_path / "set.rar", scratch, "unknown kind", ".tar.gz")


def test_names_that_collide_are_an_error_not_a_crash(tmp_path, scratch):
    refused(make(tmp_path / "odd.tar", {"a": b"1", "a/b": b"2"}), scratch, "cannot be unpacked")
    refused(make(tmp_path / "long.tar", {"n" * 300: b"1"}), scratch, "cannot be unpacked")


def test_a_plain_tar_named_tar_gz_is_read(tmp_path, scratch):
    make(tmp_path / "set.tar", FILES).rename(tmp_path / "set.tar.gz")
    with open_archive(tmp_path / "set.tar.gz", scratch) as folder:
        assert tree(folder) == FILES
