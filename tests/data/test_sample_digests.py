"""Samples of a prepared file that are damaged, or in each other's place, are found as they are read."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.cli import casnet
from helpers.datasets import write_blocks

from casnet_cli.data.sample_digests import of_sample
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import Unfit, UnfitKind


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_blocks(tmp_path / "x.h5", {"train": 4, "test": 2})


@contextmanager
def changing(file: Path) -> Iterator[h5py.File]:
    """A copy to change, which then takes the file's place, as the file may still be open."""
    copy = Path(shutil.copy(file, file.with_name("copy.h5")))
    with h5py.File(copy, "r+") as opened:
        yield opened
    copy.replace(file)


def exchange(file: Path, *keys: str) -> None:
    """Exchange rows 1 and 3, of one size, of arrays of train."""
    with changing(file) as opened:
        for key in keys:
            opened[f"train/{key}"][1], opened[f"train/{key}"][3] = opened[f"train/{key}"][3], opened[f"train/{key}"][1]


def faults(file: Path) -> dict[str, str]:
    """What is wrong with each sample of train, by its name."""
    found = {}
    store = Store(file)
    for row, name in enumerate(store.names["train"]):
        try:
            Subset(store, "train", (row,))[0]
        except Unfit as fault:
            assert fault.kind is UnfitKind.CHANGED
            found[name] = fault.faults[0].removeprefix(f"{file}: train/{name}: ")
    return found


def test_digests_depend_on_name_and_content_and_each_on_its_own_part() -> None:
    whole = of_sample("train/a", b"image", b"label")
    assert whole.shape == (2, 16) and len(np.unique(whole)) > 20
    for other, same in (
        (of_sample("train/b", b"image", b"label"), [False, False]),
        (of_sample("val/a", b"image", b"label"), [False, False]),
        (of_sample("train/a", b"imagE", b"label"), [False, True]),
        (of_sample("train/a", b"image", b"labe"), [True, False]),
        (of_sample("train/a", b"image", b"label"), [True, True]),
    ):
        assert (other == whole).all(axis=1).tolist() == same


@pytest.mark.parametrize(
    ("keys", "parts"), [(("image", "label"), "image and label"), (("label",), "label"), (("name",), "image and label")]
)
def test_samples_in_each_others_place_are_named(file: Path, keys: tuple[str, ...], parts: str) -> None:
    assert faults(file) == {}
    exchange(file, *keys)
    fault = f"damaged: not the {parts} that was prepared (prepare the data again)"
    assert faults(file) == {"train/001": fault, "train/003": fault}


def test_every_flipped_bit_is_found(file: Path) -> None:
    with changing(file) as opened:
        for row in range(4):
            key = ("image", "label")[row % 2]
            content = opened[f"train/{key}"][row].copy()
            content[len(content) // 2] ^= 1 << row
            opened[f"train/{key}"][row] = content
    assert list(faults(file)) == [f"train/{row:03d}" for row in range(4)]


def test_a_row_that_cannot_be_read_is_one_line(file: Path) -> None:
    with h5py.File(file) as opened:
        place = opened["train/image"].id.get_offset()
    content = bytearray(file.read_bytes())
    content[place + 12] ^= 0x40  # the number of the row in its heap
    file.write_bytes(content)
    with pytest.raises(Unfit, match="x.h5: train/train/000: damaged: .* .prepare the data again") as raised:
        Subset(Store(file), "train", (0,))[0]
    assert "\n" not in raised.value.faults[0]


def test_the_first_reading_alone_is_checked(file: Path) -> None:
    store = Store(file)
    sample = store.parts()["test"][0]
    store.digests.check("test", 0, sample.name, b"other", sample.label)
    with pytest.raises(Unfit, match="x.h5: test/test/001: damaged: not the image that was prepared"):
        store.digests.check("test", 1, "test/001", b"other", store.file["test/label"][1].tobytes())


def test_check_names_changed_samples_and_notes_files_without_digests(file: Path) -> None:
    assert "without digests" not in casnet("check", "x.h5")
    exchange(file, "label")
    shown = casnet("check", "x.h5", code=1)
    assert "2 samples that are not those that were prepared" in shown and "train/train/003" in shown
    with changing(file) as opened:
        del opened["train/digest"], opened["test/digest"]
    assert faults(file) == {}
    shown = casnet("check", "x.h5", code=1)
    assert "x.h5: prepared by an earlier casnet, without digests, so that damage cannot be seen" in shown
    assert "train labels are not those that were prepared" in shown and "train images" not in shown
    exchange(file, "label")
    assert "not those" not in casnet("check", "x.h5")


@pytest.mark.parametrize("how", ["shape", "type", "one"])
def test_digests_that_are_not_whole_are_damage(file: Path, how: str) -> None:
    with changing(file) as opened:
        del opened["train/digest"]
        if how != "one":
            shape, kind = ((4, 2, 8), "u1") if how == "shape" else ((4, 2, 16), "i2")
            opened.create_dataset("train/digest", data=np.zeros(shape, kind))
    assert "x.h5: damaged" in casnet("info", "x.h5", code=2)
