import io
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from helpers.cli import casnet
from helpers.datasets import FOUR_BANDS, LABELS, bands, blocks, write_bands, write_blocks
from PIL import Image
from typer.testing import CliRunner

from casnet_cli.cli import app
from casnet_cli.data import store
from casnet_cli.data.images import encode_label
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.loader import whole_images
from casnet_cli.data.pixels.stored import encode_pixels
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

MEAN = (10.0, 20.0, 30.0)


def write(path: Path, *entries: Entry) -> None:
    store.write(path, Source("s", LABELS, lambda root: [], ""), entries, {})


def test_what_is_written_is_read_back(blocks_file: Path) -> None:
    opened = Store(blocks_file)
    assert (opened.name, opened.labels, opened.folds) == ("blocks", LABELS, None)
    assert {split: len(names) for split, names in opened.names.items()} == {"train": 12, "val": 3, "test": 4}
    wholes = list(whole_images(opened.parts()["test"]))
    assert [whole.name for whole in wholes] == [f"test/{index:03d}" for index in range(4)]
    for index, whole in enumerate(wholes):
        original = blocks(15 + index, 48 if index % 2 else 57)
        np.testing.assert_array_equal(whole.label, original.label)
        np.testing.assert_array_equal(whole.image, np.asarray(Image.open(io.BytesIO(original.image))))
        assert opened.parts()["test"][index].image == original.image


def test_layout_is_the_contract(blocks_file: Path) -> None:
    with h5py.File(blocks_file) as file:
        assert sorted(file) == ["test", "train", "val"] and file.attrs["format"] == "casnet-data"
        needed = {"version", "name", "classes", "palette", "folds", "source", "source_sha256", "created"}
        assert needed <= set(file.attrs)
        for key in ("image", "label", "name"):
            assert file["train"][key].ndim == 1


def test_folds_and_groups_that_names_do_not_give_are_stored(tmp_path: Path) -> None:
    entries = [
        Entry("train", f"{k}", lambda k=k: blocks(k), fold=k // 2, group=None if k == 7 else f"{k // 2}")  # type: ignore[misc]
        for k in range(8)
    ] + [Entry("val", "1", lambda: blocks(9))]
    source = Source("s", LABELS, lambda root: entries, "", folds=3)
    store.write(tmp_path / "a.h5", source, entries, {})
    opened = Store(tmp_path / "a.h5")
    assert opened.fold_of == {"2": 1, "3": 1, "4": 2, "5": 2, "6": 3, "7": 3}
    assert opened.group_of == {"0": "0", "1": "0", "2": "1", "3": "1", "4": "2", "5": "2", "6": "3", "7": "7"}
    tested = [{sample.name for sample in opened.parts(fold)["test"]} for fold in (1, 2, 3)]
    assert tested == [{"2", "3"}, {"4", "5"}, {"6", "7"}]
    assert {"0", "1"} <= {sample.name for sample in opened.parts(2)["train"]}
    pixels = [np.bincount(blocks(k).label.ravel(), minlength=3)[:3] for k in range(8)]
    assert opened.training_pixels(2) == np.sum([pixels[k] for k in (0, 1, 2, 3, 6, 7)], axis=0).tolist()
    copy = opened.entries()
    assert [entry.fold for entry in copy] == [0, 0, 1, 1, 2, 2, 3, 3, None]
    assert [entry.group for entry in copy] == [*"00112237", None]
    store.write(tmp_path / "b.h5", source, [replace(entry, fold=None, group=None) for entry in entries], {})
    assert Store(tmp_path / "b.h5").content_sha256 != opened.content_sha256, "runs of other folds are of other data"


@pytest.mark.parametrize("folds", [[1, 1, 1], [1, 2], [1, 2, 5], ["a", "b", "c"]])
def test_folds_that_are_not_whole_are_damage(tmp_path: Path, folds: list[object]) -> None:
    entries = [Entry("train", f"{k}", lambda k=k: blocks(k)) for k in range(3)]  # type: ignore[misc]
    store.write(tmp_path / "a.h5", Source("s", LABELS, lambda root: entries, "", folds=2), entries, {})
    with h5py.File(tmp_path / "a.h5", "a") as file:
        assert "fold" not in file["train"]
        file["train"].create_dataset("fold", data=folds)
    assert "damaged" in casnet("info", tmp_path / "a.h5", code=2)


def test_statistics_are_counted_right(blocks_file: Path) -> None:
    opened = Store(blocks_file)
    samples = [
        blocks(seed, 48 if index % 2 else 57)
        for split in ((0, 12), (12, 15), (15, 19))
        for index, seed in enumerate(range(*split))
    ]
    ids = np.concatenate([sample.label.ravel() for sample in samples])
    pixels = np.concatenate([np.asarray(Image.open(io.BytesIO(s.image))).reshape(-1, 3) for s in samples])
    found = opened.statistics()
    assert found["class_pixels"] == [int((ids == k).sum()) for k in range(3)]
    assert found["void_pixels"] == int((ids == VOID).sum())
    assert found["class_images"] == [sum(bool((s.label == k).any()) for s in samples) for k in range(3)]
    np.testing.assert_allclose(found["color_mean"], pixels.mean(0), atol=1e-9)


def test_content_digest_sees_pixels_and_names_but_not_the_clock(tmp_path: Path) -> None:
    digests = {Store(write_blocks(tmp_path / f"{k}.h5", {"train": n})).content_sha256 for k, n in enumerate((3, 3, 4))}
    assert len(digests) == 2


def test_deep_bands_are_read_back_as_they_were_and_counted_as_they_are_seen(tmp_path: Path) -> None:
    opened = Store(write_bands(tmp_path / "x.h5", {"train": 3}))
    assert opened.intensities == FOUR_BANDS
    originals = [bands(index, 48 if index % 2 else 57) for index in range(3)]
    for index, original in enumerate(originals):
        stored = opened.file["train/image"][index].tobytes()
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(stored)), original)
        np.testing.assert_array_equal(next(whole_images(Subset(opened, "train", (index,)))).image, original)
    flat = np.concatenate([original.reshape(-1, 4) for original in originals]).astype(np.float64)
    low, high = np.array(FOUR_BANDS.low), np.array(FOUR_BANDS.high)
    expected = (np.clip((flat - low) / (high - low), 0, 1) * 255).mean(axis=0)
    np.testing.assert_allclose(opened.statistics()["color_mean"], expected, rtol=1e-5)


def test_what_was_not_measured_is_no_part_of_the_mean_colour(tmp_path: Path) -> None:
    pixels = np.full((4, 6, 1), 100, np.int16)
    pixels[:2] = -9999
    grey = Intensities("int16", ("grey",), (0,), (200,), nodata=-9999)
    entry = Entry("train", "a", lambda: Sample(encode_pixels(pixels), np.zeros((4, 6), np.uint8)))
    store.write(tmp_path / "x.h5", Source("s", LABELS, lambda root: [], ""), [entry], {}, intensities=grey)
    assert Store(tmp_path / "x.h5").statistics()["color_mean"] == [127.5]


def test_the_content_digest_depends_on_range_and_pixels_alone(tmp_path: Path) -> None:
    ranges = [FOUR_BANDS, replace(FOUR_BANDS, high=(3000.0,) * 4)]
    digests = []
    for index, intensities in enumerate(ranges):
        entry = Entry("train", "a", lambda: Sample(encode_pixels(bands(0)), blocks(0).label))
        path = tmp_path / f"{index}.h5"
        store.write(path, Source("s", LABELS, lambda root: [], ""), [entry], {}, intensities=intensities)
        digests.append(Store(path).content_sha256)
    assert digests[0] != digests[1]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, bands(0), photometric="minisblack", planarconfig="contig")
    entry = Entry("train", "a", lambda: Sample(buffer.getvalue(), blocks(0).label))
    store.write(tmp_path / "again.h5", Source("s", LABELS, lambda root: [], ""), [entry], {}, intensities=ranges[0])
    assert Store(tmp_path / "again.h5").content_sha256 == digests[0]


def test_a_file_of_version_1_is_read(blocks_file: Path) -> None:
    newer = list(whole_images(Store(blocks_file).parts()["val"]))
    with h5py.File(blocks_file, "r+") as file:
        file.attrs["version"] = 1
        del file.attrs["intensities"]
    opened = Store(blocks_file)
    assert opened.intensities == PLAIN
    for old, new in zip(whole_images(opened.parts()["val"]), newer, strict=True):
        np.testing.assert_array_equal(old.image, new.image)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (Sample(b"no image", np.zeros((4, 4), np.uint8)), "train/bad: the image cannot be decoded"),
        (Sample(blocks(0).image[:200], blocks(0).label), "train/bad: the image cannot be decoded"),
        (Sample(blocks(0).image, np.zeros((4, 4), np.uint8)), "image 48x40, label 4x4"),
        (Sample(blocks(0).image, np.full((40, 48), 3, np.uint8)), "label 3 is no class"),
    ],
)
def test_a_bad_sample_leaves_nothing_behind(tmp_path: Path, sample: Sample, reason: str) -> None:
    good = Entry("train", "good", lambda: blocks(0))
    for file in (tmp_path / "x.h5", tmp_path / "new" / "data" / "x.h5"):
        with pytest.raises(DataError, match=reason):
            write(file, good, Entry("train", "bad", lambda: sample))
        assert not list(tmp_path.iterdir())


def test_two_samples_of_one_name_are_refused(tmp_path: Path) -> None:
    entry = Entry("train", "same", lambda: blocks(0))
    with pytest.raises(DataError, match="same: the name occurs twice"):
        write(tmp_path / "x.h5", entry, entry)


def test_foreign_newer_and_damaged_files_are_refused_by_name(tmp_path: Path, blocks_file: Path) -> None:
    text, empty, newer, cut = (tmp_path / f"{name}.h5" for name in ("text", "empty", "newer", "cut"))
    text.write_text("hello")
    h5py.File(empty, "w").close()
    newer.write_bytes(blocks_file.read_bytes())
    cut.write_bytes(blocks_file.read_bytes()[:3000])
    with h5py.File(newer, "r+") as file:
        file.attrs["version"] = 3
    for file, reason in (
        (text, "not a readable HDF5 file"),
        (cut, "not a readable HDF5 file"),
        (empty, "not a prepared data set"),
        (newer, "newer casnet, version 3"),
        (tmp_path / "none.h5", "no such prepared data set"),
    ):
        with pytest.raises(DataError, match=f"{file.name}: .*{reason}"):
            Store(file)


def damaged(file: Path, how: str) -> None:
    with h5py.File(file, "r+") as opened:
        if how == "version":
            del opened.attrs["version"]
        elif how == "palette":
            opened.attrs["palette"] = 3
        elif how == "group":
            del opened["test/name"]
        elif how == "empty":
            for split in ("train", "val", "test"):
                del opened[split]
        else:
            values = {
                "text": b"hello",
                "ids": encode_label(np.full((40, 57), 77, np.uint8)),
                "size": encode_label(np.zeros((4, 4), np.uint8)),
            }
            key = "image" if how == "text" else "label"
            opened[f"test/{key}"][0] = np.frombuffer(values[how], np.uint8)
            for split in ("train", "val", "test"):
                del opened[f"{split}/digest"]  # as in older files


@pytest.mark.parametrize("how", ["version", "palette", "group", "empty", "text", "ids", "size"])
def test_what_is_damaged_inside_is_one_clear_fault(blocks_file: Path, how: str) -> None:
    damaged(blocks_file, how)
    with pytest.raises(DataError, match="blocks.h5: .*(damaged|holds no images)") as raised:
        list(whole_images(Store(blocks_file).parts()["test"]))
    assert len(raised.value.faults) == 1 and "\n" not in raised.value.faults[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 9 MB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=9m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    with pytest.raises(DataError, match="x.h5: cannot be written: No space left on device"):
        write_blocks(small_disk / "x.h5", {"train": 400})
    assert not list(small_disk.iterdir())


def spoilt(file: Path, key: str, value: object) -> None:
    with h5py.File(file, "r+") as opened:
        if value is None:
            del opened.attrs[key]
        else:
            opened.attrs[key] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("intensities", "[1]"),
        ("intensities", '{"bands": ["red"]}'),
        ("intensities", "no JSON"),
        ("format", [1, 2]),
        ("folds", -3),
        ("folds", 13),
        ("palette", "red"),
        ("classes", 3),
        ("content_sha256", None),
        ("sizes", None),
        ("class_pixels", "many"),
        ("void_pixels", "many"),
    ],
)
def test_a_damaged_file_is_one_line_for_every_command(blocks_file: Path, key: str, value: object) -> None:
    spoilt(blocks_file, key, value)
    output = casnet("info", blocks_file, code=2)
    assert output.count("error:") == 1 and blocks_file.name in output


def test_flipped_bytes_give_findings_or_one_line(blocks_file: Path) -> None:
    whole, rng = blocks_file.read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 30):
            damaged[place] ^= 0xFF
        blocks_file.write_bytes(damaged)
        for verb in ("check", "info"):
            done = CliRunner().invoke(app, [verb, str(blocks_file)])
            assert isinstance(done.exception, SystemExit | None), (verb, done.exception)
    blocks_file.write_bytes(whole[:-8000] + bytes(8000))
    done = CliRunner().invoke(app, ["check", str(blocks_file)])
    assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("folds", 3),
        ("folds", -1),
        ("class_pixels", np.zeros(2)),
        ("class_pixels", [-1, 2, 3]),
        ("split_class_pixels", np.zeros((3, 4))),
        ("color_mean", [np.nan] * 3),
        ("sizes", np.zeros((1, 2))),
        ("void_pixels", "many"),
        ("palette", [[0, 0, 300]] * 3),
        ("classes", ["a"] * 300),
        ("content", '{"train images": 3}'),
        ("content_sha256", 3),
        ("name", ["a", "b"]),
    ],
)
def test_attributes_that_are_not_as_they_are_written_are_damage(blocks_file: Path, key: str, value: object) -> None:
    spoilt(blocks_file, key, value)
    with pytest.raises(DataError, match="blocks.h5: damaged") as raised:
        Store(blocks_file).statistics()
    assert len(raised.value.faults) == 1 and "\n" not in raised.value.faults[0]


@pytest.mark.parametrize("versions", ["no JSON", "[1]", '[["a", 0]]', '[["a", 13]]', '[["a", 3], ["b", 2]]'])
def test_earlier_versions_that_cannot_be_are_damage(blocks_file: Path, versions: str) -> None:
    with h5py.File(blocks_file, "a") as file:
        assert "versions" not in file.attrs
        file.attrs["versions"] = versions
    assert "damaged" in casnet("info", blocks_file, code=2)
