"""HDF5 files that are no plain arrays in one piece: each is refused in a line, and nothing outside it is touched."""

import os
import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from casnet_cli.util.hdf5 import REFERENCE, open_outside

TEXT = h5py.string_dtype()


def plain(file: h5py.File) -> None:
    """What checkpoints, prepared data and weight files are made of."""
    file.attrs.update(
        {"text": "ä", "texts": ["a", "bc"], "numbers": np.arange(6).reshape(2, 3), "none": h5py.Empty("f4")}
    )
    file.create_dataset("group/deeper/kernel", data=np.ones((3, 4), "f4"))
    file.create_dataset("group/scalar", data=np.int64(3))
    file.create_dataset("group/empty", (0, 4))
    file.create_dataset("names", data=["a", "bc", ""], dtype=TEXT)
    file.create_dataset("layers", data=np.array([b"a", b"b"]))
    rows = file.create_dataset("rows", (2,), h5py.vlen_dtype(np.uint8))
    rows[0] = np.arange(7, dtype=np.uint8)
    file["again"] = file["group/scalar"]


def made(path: Path, change: Callable[[h5py.File], object] = lambda file: None) -> Path:
    with h5py.File(path, "w") as file:
        plain(file)
        change(file)
    return path


def refusal(path: Path) -> str:
    """Why a file is refused: one line, soon and with little memory."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(OSError) as raised:
        open_outside(path).close()
    assert time.perf_counter() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_plain_arrays_and_attributes_are_read(tmp_path: Path) -> None:
    for versions in ("earliest", "latest"):
        path = tmp_path / f"{versions}.h5"
        with h5py.File(path, "w", libver=versions) as file:
            plain(file)
        with open_outside(path) as file:
            assert file["group/deeper/kernel"].shape == (3, 4) and file["rows"][0].tolist() == list(range(7))
            assert list(file["names"].asstr()[:]) == ["a", "bc", ""] and file.attrs["text"] == "ä"


def external_storage(file: h5py.File) -> None:
    secret = Path(file.filename).with_name("secret")
    secret.write_bytes(bytes(range(64)))
    file.create_dataset("x", (16,), "f4", external=[(str(secret), 0, 64)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(Path(file.filename).with_name("other.h5")), "x", (4,))
    file.create_virtual_dataset("x", layout)


def named_type(file: h5py.File) -> None:
    file["x"] = np.dtype("f4")


def unknown_filter(file: h5py.File) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((4,))
    settings.set_filter(32123, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, settings)


def nested(file: h5py.File) -> None:
    file.create_group("/".join("x" * 20))


def array_of_bytes(file: h5py.File) -> None:
    rows = np.empty(1, object)
    rows[0] = np.zeros(3, np.uint8)
    file.attrs.create("x", rows, dtype=h5py.vlen_dtype(np.uint8))


def array_of_texts(file: h5py.File) -> None:
    file.attrs.create("many", ["a"] * 1025, dtype=TEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.update({"x": h5py.ExternalLink("other.h5", "/x")}), "x is a link"),
        (lambda file: file.update({"group/x": h5py.SoftLink("/rows")}), "group/x is a link"),
        (lambda file: file.update({"x": h5py.SoftLink("/nowhere")}), "x is a link"),
        (external_storage, "x is stored in another file"),
        (virtual, "x is a view of other"),
        (named_type, "x is neither a group nor an array"),
        (unknown_filter, "x is compressed or filtered"),
        (lambda file: file.create_dataset("x", (1 << 40,), "f4", compression="gzip"), "x is compressed"),
        (
            lambda file: file.create_dataset("x", (1 << 40,), "f4", chunks=(1024,)),
            "x claims 1,099,511,627,776 elements",
        ),
        (lambda file: file.create_dataset("x", (1 << 40,), "f4"), "x claims 1,099,511,627,776 elements"),
        (lambda file: file.create_dataset("x", (4,), TEXT, chunks=(2,)), "x is not stored in one piece"),
        (lambda file: file.create_dataset("x", data=file.ref, dtype=h5py.ref_dtype), "x holds neither"),
        (lambda file: file.create_dataset("x", data=np.zeros(2, [("a", "f4")])), "x holds neither"),
        (lambda file: file.create_dataset("x", (2,), h5py.vlen_dtype("f8")), "x holds neither"),
        (lambda file: file.attrs.create("x", file["group"].ref, dtype=h5py.ref_dtype), "/ attribute x holds neither"),
        (array_of_bytes, "/ attribute x holds neither numbers nor texts"),
        (array_of_texts, "/ attribute many claims 1,025 elements"),
        (nested, "groups more than 16 deep"),
    ],
)
def test_whatever_leads_elsewhere_or_claims_too_much_is_refused(
    tmp_path: Path, change: Callable[[h5py.File], object], words: str
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(4, dtype="f4")
    assert words in refusal(made(tmp_path / "x.h5", change))


def test_attributes_alone_are_checked_where_nothing_else_is_read(tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5", lambda file: file.update({"x": h5py.SoftLink("/rows")}))
    open_outside(path, arrays=False).close()
    made(path, array_of_texts)
    with pytest.raises(OSError, match="many claims"):
        open_outside(path, arrays=False)


@pytest.mark.parametrize(("array", "length"), [("rows", 2**32 - 16), ("names", 2**31), ("names", 50_000)])
def test_rows_that_claim_to_be_longer_than_the_file_are_refused(tmp_path: Path, array: str, length: int) -> None:
    path = made(tmp_path / "x.h5")
    with h5py.File(path) as file:
        place = file[array].id.get_offset()
    content = bytearray(path.read_bytes())
    (before,) = np.frombuffer(content[place : place + REFERENCE.itemsize], REFERENCE)
    assert before["length"] in (1, 7)
    content[place : place + 4] = struct.pack("<I", length)
    path.write_bytes(content)
    assert f"{array} claims rows that are longer than the file" in refusal(path)


def test_a_group_within_itself_ends(tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5", lambda file: file.update({"group/loop": file["group"]}))
    open_outside(path).close()


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casnet_cli.util.hdf5.MOST_OBJECTS", 5)
    assert "more than 5 objects" in refusal(made(tmp_path / "x.h5"))


def test_a_damaged_file_is_one_line_or_read(tmp_path: Path) -> None:
    content = made(tmp_path / "x.h5").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        bad = bytearray(content)
        for place in random.integers(0, len(bad), 3):
            bad[place] ^= int(random.integers(1, 256))
        (tmp_path / "bad.h5").write_bytes(bad)
        try:
            open_outside(tmp_path / "bad.h5").close()
        except OSError as error:
            assert "\n" not in str(error)


def test_a_file_that_takes_its_place_meanwhile_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = made(tmp_path / "x.h5"), h5py.File
    (tmp_path / "new").write_bytes(b"of a training that goes on")

    def replaced(*words: object, **options: object) -> h5py.File:
        file = opened(*words, **options)
        os.replace(tmp_path / "new", path)
        return file

    monkeypatch.setattr(h5py, "File", replaced)
    with open_outside(path) as file:
        assert file.attrs["text"] == "ä" and file["rows"][0].tolist() == list(range(7))
