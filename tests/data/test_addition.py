"""Pictures that are added to a prepared file: which it has already, where they go, and what stays as it was."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.datasets import LABELS, bands, blocks, write_bands, write_blocks
from PIL import Image

from casnet_cli.data import store
from casnet_cli.data.addition import Addition
from casnet_cli.data.images import decode_label
from casnet_cli.data.pixels.stored import encode_pixels
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID, LabelSet

BANDED = LabelSet(("blue", "red"), LABELS.palette[:2])
Load = Callable[[], Sample]


def corrected(seed: int, width: int = 57, label: int = 1) -> Sample:
    """The picture of `blocks`, with another label."""
    return Sample(blocks(seed, width).image, np.full((40, width), label, np.uint8))


def source(given: dict[str, Load], labels: LabelSet = LABELS, **more: Any) -> Source:
    entries = [Entry("train", name, load) for name, load in given.items()]
    return Source("other", labels, lambda root: entries, "", **more)


def merge(old: Path, added: Source, out: Path, group_by: str | None = None) -> tuple[Addition, Store]:
    addition = Addition(Store(old), added, group_by)
    entries = addition.entries(Path())
    store.write(out, addition.united(), entries, {}, intensities=addition.old.intensities)
    return addition, Store(out)


def label(opened: Store, split: str, name: str) -> np.ndarray:
    return np.asarray(decode_label(opened.file[split]["label"][opened.names[split].index(name)].tobytes()))


def test_known_pictures_keep_name_and_split_whatever_they_are_called_and_new_ones_go_to_train(
    blocks_file: Path, tmp_path: Path
) -> None:
    given = {"train/000": partial(corrected, 0), "renamed": partial(corrected, 12), "fresh": partial(blocks, 99)}
    addition, merged = merge(blocks_file, source(given), tmp_path / "new.h5")
    assert addition.replaced == {("train", "train/000"): "train/000", ("val", "val/000"): "renamed"}
    assert addition.new == ["train/fresh"]
    old = Store(blocks_file)
    assert merged.names == old.names | {"train": [*old.names["train"], "fresh"]} and merged.name == "blocks"
    for split, name in addition.replaced:
        assert (label(merged, split, name) == 1).all()
        assert merged.file[split]["image"][0].tobytes() == old.file[split]["image"][0].tobytes()
    for split, names in old.names.items():
        for name in names:
            if (split, name) not in addition.replaced:
                np.testing.assert_array_equal(label(merged, split, name), label(old, split, name))
    assert merged.statistics()["split_class_pixels"][1][1] > old.statistics()["split_class_pixels"][1][1]
    assert list(addition.sentences()) == [
        "2 labels replaced (1 in val: they stay there), such as that of train/000 by train/000",
        "1 new image, such as train/fresh",
    ]


def test_what_was_held_out_stays_so_and_what_each_version_was_trained_on_is_known(tmp_path: Path) -> None:
    first = write_blocks(tmp_path / "a.h5", {"train": 12, "test": 2})
    _, second = merge(first, source({f"new-{k}": partial(blocks, 50 + k) for k in range(9)}), tmp_path / "b.h5")
    third = merge(second.path, source({"late": partial(blocks, 90)}), tmp_path / "c.h5")[1]
    old = Store(first)
    held = {part: [sample.name for sample in old.parts(fraction=0.25, seed=3)[part]] for part in ("val", "test")}
    for opened in (second, third):
        parts = opened.parts(fraction=0.25, seed=3)
        assert {part: [sample.name for sample in parts[part]] for part in held} == held
    assert len(third.parts(fraction=0.25, seed=3)["train"]) == 12 - 3 + 10
    for version, trained in ((old, 9), (second, 18), (third, 19)):
        assert third.images_of(version.content_sha256) == trained + 3
        assert len(third.parts(fraction=0.25, seed=3, version=version.content_sha256)["train"]) == trained
    assert third.images_of("another") is None and old.images_of(third.content_sha256) is None


def test_folds_stay_and_new_pictures_are_in_none(tmp_path: Path) -> None:
    first = write_blocks(tmp_path / "a.h5", {"train": 10}, folds=5)
    _, merged = merge(first, source({f"{k}": partial(blocks, 50 + k) for k in range(7)}), tmp_path / "b.h5")
    old = Store(first)
    assert merged.fold_of == old.fold_of and merged.folds == 5
    for fold in range(1, 6):
        ours, theirs = merged.parts(fold), old.parts(fold)
        assert [one.name for one in ours["test"]] == [one.name for one in theirs["test"]]
        assert [one.name for one in ours["val"]] == [one.name for one in theirs["val"]]
        assert len(ours["train"]) == len(theirs["train"]) + 7


def grouped(path: Path) -> Path:
    """Two pictures of each of six films, the last of them in val."""
    films = [("train", f"{film}-{k}", film) for film in "abcde" for k in (0, 1)] + [("val", "f-0", None)]
    entries = [Entry(split, name, partial(blocks, seed), group=film) for seed, (split, name, film) in enumerate(films)]
    store.write(path, Source("films", LABELS, lambda root: entries, ""), entries, {})
    return path


def test_new_pictures_are_where_their_group_is(tmp_path: Path) -> None:
    first = grouped(tmp_path / "a.h5")
    given = source({name: partial(blocks, 50 + k) for k, name in enumerate([f"{film}-9" for film in "abcdefg"])})
    addition, merged = merge(first, given, tmp_path / "b.h5", group_by=r"^\w")
    assert addition.new == [f"{'val' if film == 'f' else 'train'}/{film}-9" for film in "abcdefg"]
    parts = merged.parts(fraction=0.4, seed=1, stored=False)
    films = {part: {sample.name[0] for sample in parts[part]} for part in ("train", "val")}
    assert not films["train"] & films["val"] and "g" in films["train"] and len(films["val"]) == 2
    assert {sample.name for sample in parts["val"]} == {f"{film}-{k}" for film in films["val"] for k in (0, 1, 9)}
    with pytest.raises(DataError, match="keeps groups together"):
        merge(first, given, tmp_path / "c.h5")
    with pytest.raises(DataError, match="has no groups"):
        merge(write_blocks(tmp_path / "d.h5", {"train": 2}), given, tmp_path / "c.h5", group_by=r"^\w")


def test_classes_agree_by_their_names_and_more_of_them_stand_behind(blocks_file: Path, tmp_path: Path) -> None:
    ids = np.zeros((40, 48), np.uint8)
    ids[:10], ids[10:20] = 1, VOID
    turned = {"fresh": lambda: Sample(blocks(99).image, ids)}
    _, merged = merge(blocks_file, source(turned, BANDED), tmp_path / "b.h5")
    assert merged.labels == LABELS
    np.testing.assert_array_equal(label(merged, "train", "fresh"), np.array([2, 0, VOID])[ids.clip(0, 2)])
    more = LabelSet((*LABELS.names, "cow"), (*LABELS.palette, (1, 2, 3)))
    addition, merged = merge(blocks_file, source({"x": partial(corrected, 99, label=3)}, more), tmp_path / "c.h5")
    assert merged.labels == more and "new classes: cow" in list(addition.sentences())
    assert (label(merged, "train", "x") == 3).all()
    unordered = LabelSet(("cow", *LABELS.names), ((1, 2, 3), *LABELS.palette))
    with pytest.raises(DataError, match=r"its classes are red, green, blue; those to add cow, red, green, blue"):
        merge(blocks_file, source({}, unordered), tmp_path / "d.h5")


def again(sample: Sample) -> bytes:
    """The same pixels in another file."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(sample.image)) as image:
        image.save(buffer, "PNG", compress_level=1)
    assert buffer.getvalue() != sample.image
    return buffer.getvalue()


def test_another_file_of_the_same_pixels_is_known_where_names_end_alike(blocks_file: Path, tmp_path: Path) -> None:
    written = {"sub/001": lambda: Sample(again(blocks(13)), np.zeros((40, 48), np.uint8))}
    addition, merged = merge(blocks_file, source(written), tmp_path / "b.h5")
    assert list(addition.replaced) == [("val", "val/001")] and not addition.new
    assert merged.file["val"]["image"][1].tobytes() == blocks(13).image


def test_another_picture_of_a_name_is_refused(blocks_file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="val/000: .* has another picture of this name"):
        merge(blocks_file, source({"val/000": partial(blocks, 70)}), tmp_path / "b.h5")


def test_of_twins_the_one_of_the_name_is_meant(tmp_path: Path) -> None:
    entries = [Entry(split, name, partial(blocks, 1)) for split, name in (("train", "a"), ("train", "b"), ("val", "c"))]
    store.write(tmp_path / "a.h5", source({}), entries, {})
    addition, _ = merge(tmp_path / "a.h5", source({"b": partial(corrected, 1, 48)}), tmp_path / "b.h5")
    assert list(addition.replaced) == [("train", "b")]
    with pytest.raises(DataError, match="train/a and train/b of .* are the same picture"):
        merge(tmp_path / "a.h5", source({"z": partial(corrected, 1, 48)}), tmp_path / "b.h5")
    with pytest.raises(DataError, match="y: b is the same picture"):
        write_blocks(tmp_path / "c.h5", {"train": 2})
        merge(tmp_path / "c.h5", source(dict.fromkeys("by", partial(corrected, 0))), tmp_path / "b.h5")


def test_labels_of_nothing_replace_none(blocks_file: Path, tmp_path: Path) -> None:
    blank = {"train/000": partial(corrected, 0, label=VOID), "x": partial(blocks, 60)}
    addition, merged = merge(blocks_file, source(blank), tmp_path / "b.h5")
    assert addition.blank == ["train/000"] and not addition.replaced
    np.testing.assert_array_equal(label(merged, "train", "train/000"), blocks(0, 57).label)
    with pytest.raises(DataError, match="nothing to add: no label but void in 1 image"):
        merge(blocks_file, source({"train/000": blank["train/000"]}), tmp_path / "c.h5")


def test_labels_that_are_the_same_are_counted_apart(blocks_file: Path, tmp_path: Path) -> None:
    given = {"train/000": partial(blocks, 0, 57), "train/001": partial(corrected, 1, 48)}
    addition, _ = merge(blocks_file, source(given), tmp_path / "b.h5")
    assert list(addition.replaced) == [("train", "train/001")] and addition.same == 1
    with pytest.raises(DataError, match=r"nothing to add: .*blocks\.h5 has 1 label of these already"):
        merge(blocks_file, source({"train/000": given["train/000"]}), tmp_path / "c.h5")


def test_deep_pictures_are_known_by_their_pixels_and_others_do_not_fit(blocks_file: Path, tmp_path: Path) -> None:
    first = write_bands(tmp_path / "a.h5", {"train": 3})
    with pytest.raises(DataError, match=r"its pictures are of .*; those to add of .*"):
        merge(first, source({"x": partial(blocks, 60)}), tmp_path / "b.h5")
    old = Store(first)

    class Deep(Source):
        def intensities(self, on_progress: Any = None) -> Any:
            return old.intensities

    image = encode_pixels(bands(1, 48))
    entries = [Entry("train", "renamed", lambda: Sample(image, np.zeros((40, 48), np.uint8)))]
    addition, merged = merge(first, Deep("other", LABELS, lambda root: entries, ""), tmp_path / "b.h5")
    assert list(addition.replaced) == [("train", "train/001")] and merged.intensities == old.intensities
