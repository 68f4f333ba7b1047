"""Bytes of attributes found in a file's headers, against those that h5py gives."""

import contextlib
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from casnet_cli.util.hdf5 import REFERENCE, open_outside
from casnet_cli.util.hdf5_header import check_heap, raw_attributes

MANY = {f"text {k}": "ab" * (k + 1) for k in range(30)}
"""So many that a header of the first version goes on elsewhere."""


def written(path: Path, version: str, attributes: dict[str, object]) -> Path:
    with h5py.File(path, "w", libver=version) as file:
        for group in (file, file.create_group("a")):
            for name, value in attributes.items():
                group.attrs[name] = value
        file["a/x"] = np.arange(3)
    return path


@pytest.mark.parametrize(("version", "number"), [("earliest", 30), ("latest", 6)])
def test_lengths_of_texts_are_those_that_h5py_reads(tmp_path: Path, version: str, number: int) -> None:
    texts = dict(list(MANY.items())[:number])
    path = written(tmp_path / "x.h5", version, {**texts, "numbers": np.arange(5, dtype="<i4"), "names": ["a", "bcd"]})
    with h5py.File(path) as file:
        for group in (file, file["a"]):
            raw = raw_attributes(file.id.get_vfd_handle(), h5py.h5o.get_info(group.id).addr)
            assert raw.keys() == {name.encode() for name in group.attrs}
            assert raw[b"numbers"][:20] == np.arange(5, dtype="<i4").tobytes()
            assert np.frombuffer(raw[b"names"], REFERENCE, 2)["length"].tolist() == [1, 3]
            for name in texts:
                (reference,) = np.frombuffer(raw[name.encode()], REFERENCE, 1)
                assert reference["length"] == len(group.attrs[name])
    open_outside(path).close()


@pytest.mark.parametrize("arrays", [True, False])
@pytest.mark.parametrize("length", [2**32 - 16, 2**31, 60_000])
def test_texts_that_claim_to_be_longer_than_the_file_are_refused(tmp_path: Path, length: int, arrays: bool) -> None:
    path = written(tmp_path / "x.h5", "earliest", {"classes": ["a", "b"]})
    with h5py.File(path) as file:
        (raw,) = raw_attributes(file.id.get_vfd_handle(), h5py.h5o.get_info(file.id).addr).values()
    content = bytearray(path.read_bytes())
    place = content.index(raw[:32])
    content[place : place + 4] = struct.pack("<I", length)
    path.write_bytes(content)
    with pytest.raises(OSError, match="/ has attributes that claim to be longer than the file"):
        open_outside(path, arrays)


def test_attributes_apart_from_their_header_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5", "latest", dict(MANY))
    with pytest.raises(OSError, match="has attributes that stand apart from it"):
        open_outside(path)


def test_a_file_behind_other_bytes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w", userblock_size=512) as file:
        file.attrs["text"] = "a"
    with pytest.raises(OSError, match="begins with bytes of another format"):
        open_outside(tmp_path / "x.h5")


def test_headers_that_are_none_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    loop = struct.pack("<BxHII4x", 1, 1, 1, 24) + struct.pack("<HHB3xQQ", 0x10, 16, 0, 16, 24)
    far = struct.pack("<BxHII4x", 1, 1, 1, 1 << 31)
    for content in (b"", b"\1", loop, far, b"OHDR" + bytes(60), b"OHDR\2\3" + b"\xff" * 60):
        path.write_bytes(content)
        with path.open("rb") as file, contextlib.suppress(ValueError, struct.error):
            assert raw_attributes(file.fileno(), 0) == {}


def test_a_heap_of_texts_with_impossible_sizes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5", "earliest", {"classes": ["sky", "road"]})
    content = path.read_bytes()
    start = content.index(b"GCOL")
    size = int.from_bytes(content[start + 8 : start + 16], "little")
    with path.open("rb") as file:
        check_heap(file.fileno(), start)
    first = start + 16
    for place, value in (
        (start, b"X"),
        (start + 4, b"\2"),
        (start + 15, b"\1"),
        (first + 8, b"\xf0"),
        (first + 15, b"\1"),
    ):
        path.write_bytes(content[:place] + value + content[place + 1 :])
        with pytest.raises(OSError if place != first + 8 else (OSError, ValueError)):
            open_outside(path)
    path.write_bytes(content[:first] + bytes(16) + content[first + 16 :])  # free space of no size, at which HDF5 stays
    with pytest.raises(OSError, match="damaged: its texts are damaged"):
        open_outside(path)
    path.write_bytes(content[: start + size - 8])
    with path.open("rb") as file, pytest.raises(ValueError, match="its texts are damaged"):
        check_heap(file.fileno(), start)
