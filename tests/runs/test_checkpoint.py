"""A checkpoint: what it carries, what goes on from it, and what is refused."""

import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.tiny_training import TinyTraining

from casnet_cli.errors import RunError
from casnet_cli.runs import checkpoint

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_restored_state_goes_on_bit_for_bit_dropout_included(tmp_path: Path) -> None:
    one = TinyTraining("model.dropout=0.5")
    one.losses(0, 3)
    checkpoint.save(tmp_path / "last.h5", one.model, one.optimizer, one.meta(3))
    expected = one.losses(3, 6)
    two = TinyTraining("model.dropout=0.5", "training.seed=7")
    checkpoint.restore(tmp_path / "last.h5", two.model, two.optimizer)
    assert two.losses(3, 6) == expected
    for ours, theirs in zip(two.model.get_weights(), one.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_checkpoint_carries_its_meta_and_network_and_no_time(tmp_path: Path) -> None:
    training = TinyTraining()
    file = tmp_path / "best.h5"
    checkpoint.save(file, training.model, training.optimizer, training.meta(7))
    first = file.read_bytes()
    checkpoint.save(file, training.model, training.optimizer, training.meta(7))
    assert file.read_bytes() == first and not list(tmp_path.glob("*.part"))
    model, meta = checkpoint.load_model(file)
    assert meta == training.meta(7)
    with pytest.raises(RunError, match="a training has just written it anew"):
        checkpoint.load_model(file, training.meta(6))
    for ours, theirs in zip(model.get_weights(), training.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with h5py.File(file, "r+") as opened:
        frozen = list(opened["optimizer/coarse_logits"])
        del opened["optimizer/coarse_logits"], opened.attrs["content_sha256"]
    checkpoint.restore(file, training.model, training.optimizer)
    speeds = training.optimizer.named()
    assert frozen and all(not speeds[f"coarse_logits/{name}"].numpy().any() for name in frozen)


def test_foreign_and_damaged_checkpoints_are_refused_by_name(tmp_path: Path) -> None:
    training = TinyTraining()
    good = tmp_path / "good.h5"
    checkpoint.save(good, training.model, training.optimizer, training.meta(0))
    truncated = tmp_path / "truncated.h5"
    truncated.write_bytes(good.read_bytes()[:5000])
    text = tmp_path / "text.h5"
    text.write_text("hello")
    foreign = tmp_path / "foreign.h5"
    h5py.File(foreign, "w").close()
    newer = tmp_path / "newer.h5"
    newer.write_bytes(good.read_bytes())
    with h5py.File(newer, "r+") as file:
        file.attrs["version"] = 99
    for file, reason in (
        (truncated, "not a readable HDF5 file"),
        (text, "not a readable HDF5 file"),
        (foreign, "not a checkpoint"),
        (newer, "another casnet, version 99"),
        (tmp_path / "missing.h5", "no such checkpoint"),
    ):
        with pytest.raises(RunError, match=f"{file.name}: .*{reason}"):
            checkpoint.read_meta(file)
    checkpoint.save(tmp_path / "previous.h5", training.model, training.optimizer, training.meta(7))
    for file in (truncated, text):
        with pytest.raises(RunError, match="previous.h5 beside it, after step 7, is good"):
            checkpoint.read_meta(file)
    with h5py.File(good, "r+") as file:
        del file["model/coarse_logits/kernel"]
    with pytest.raises(RunError, match="good.h5: damaged checkpoint: its content does not fit its digest"):
        checkpoint.load_model(good)
    with h5py.File(good, "r+") as file:
        del file.attrs["content_sha256"]
    with pytest.raises(RunError, match="model/coarse_logits/kernel is missing"):
        checkpoint.load_model(good)


def places_of_arrays(file: Path) -> np.ndarray:
    """Where in the file the bytes of its arrays lie."""
    places: list[np.ndarray] = []

    def add(name: str, found: object) -> None:
        if isinstance(found, h5py.Dataset):
            start = found.id.get_offset()
            places.append(np.arange(start, start + found.nbytes))

    with h5py.File(file) as opened:
        opened.visititems(add)
        assert {"model", "optimizer", "random"} <= set(opened)
    return np.concatenate(places)


def test_flipped_bits_of_any_array_are_found_and_the_checkpoint_before_is_named(tmp_path: Path) -> None:
    training = TinyTraining("model.dropout=0.5")
    last = tmp_path / "last.h5"
    for step in (3, 4):
        checkpoint.save(last, training.model, training.optimizer, training.meta(step))
    whole, places, random = last.read_bytes(), places_of_arrays(last), np.random.default_rng(0)
    assert checkpoint.read_checked_meta(last) == training.meta(4)
    for flipped in (64, *[1] * 10):
        content = bytearray(whole)
        for place in random.choice(places, flipped, replace=False):
            content[place] ^= 1 << int(random.integers(8))
        last.write_bytes(content)
        with pytest.raises(RunError, match="damaged checkpoint: its content does not fit its digest") as raised:
            checkpoint.restore(last, training.model, training.optimizer)
        assert "(previous.h5 beside it, after step 3, is good)" in raised.value.faults[0]
    with pytest.raises(RunError, match="does not fit its digest"):
        checkpoint.amend(last, {})
    assert checkpoint.read_meta(last) == training.meta(4), "its attributes are whole"


def test_changed_attributes_are_found(tmp_path: Path) -> None:
    training = TinyTraining()
    file = tmp_path / "best.h5"
    checkpoint.save(file, training.model, training.optimizer, training.meta(3))
    checkpoint.amend(file, {"temperature": 1.5})
    assert checkpoint.load_model(file)[1].temperature == 1.5
    whole = file.read_bytes()
    for key in ("recipe", "classes", "palette", "progress", "calibration"):
        file.write_bytes(whole)
        with h5py.File(file, "r+") as opened:
            value = opened.attrs[key]
            opened.attrs[key] = value[::-1] if isinstance(value, np.ndarray) else value + " "
        with pytest.raises(RunError, match="does not fit its digest"):
            checkpoint.read_checked_meta(file)


def test_a_checkpoint_without_a_digest_is_read_and_known_as_such(tmp_path: Path) -> None:
    training = TinyTraining()
    file = tmp_path / "best.h5"
    checkpoint.save(file, training.model, training.optimizer, training.meta(3))
    assert checkpoint.load_model(file)[1].checkable
    with h5py.File(file, "r+") as opened:
        del opened.attrs["content_sha256"]
    checkpoint.amend(file, {"temperature": 1.5})
    found = checkpoint.load_model(file)[1]
    assert found.temperature == 1.5 and not found.checkable, "what was not checked is not believed from now on"


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path: Path) -> None:
    training = TinyTraining()
    file = tmp_path / "last.h5"
    checkpoint.save(file, training.model, training.optimizer, training.meta(1))
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunError, match="last.h5: the checkpoint cannot be written: File too large"):
            checkpoint.save(file, training.model, training.optimizer, training.meta(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_the_previous_checkpoint_stays_and_the_best_is_the_new_one(tmp_path: Path) -> None:
    training = TinyTraining()
    last, best, previous = (tmp_path / f"{name}.h5" for name in ("last", "best", "previous"))
    for step in (1, 2, 3):
        found = best if step == 2 else None
        checkpoint.save(last, training.model, training.optimizer, training.meta(step), found)
    steps = [checkpoint.read_meta(file).progress.step for file in (last, previous, best)]
    assert steps == [3, 2, 2]


def test_nothing_in_a_checkpoint_was_read_off_the_clock(tmp_path: Path) -> None:
    training = TinyTraining()
    for name, seconds in (("a", 1.5), ("b", 7.0)):
        meta = training.meta(3)
        meta.progress.seconds, meta.progress.history = seconds, [{"epoch": 1, "loss": 2.0, "train_seconds": seconds}]
        checkpoint.save(tmp_path / name, training.model, training.optimizer, meta)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
