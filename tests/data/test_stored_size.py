"""The size of a prepared file, foreseen: close to what is then written, and never below what surely is in it."""

from functools import partial
from pathlib import Path

import pytest
from helpers.datasets import LABELS, blocks

from casnet_cli.data import store
from casnet_cli.data.intensities import PLAIN
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.stored_size import TRIED, stored_size
from casnet_cli.errors import DataError

IMAGES = 60


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Pictures as files, their labels made when they are read."""
    found = []
    for seed in range(IMAGES):
        file = tmp_path / f"{seed:02d}.png"
        file.write_bytes(blocks(seed, 300, 200).image)
        found.append(Entry("train", file.stem, partial(_load, file, seed), file))
    return found


def _load(file: Path, seed: int) -> Sample:
    return Sample(file.read_bytes(), blocks(seed, 300, 200).label)


def test_it_is_close_to_the_file_and_least_is_what_the_pictures_have(entries: list[Entry], tmp_path: Path) -> None:
    found = stored_size(entries, len(LABELS), PLAIN)
    assert found
    source = Source("blocks", LABELS, lambda root: entries, "")
    store.write(tmp_path / "blocks.h5", source, entries, {})
    written = (tmp_path / "blocks.h5").stat().st_size
    pictures = sum(entry.image.stat().st_size for entry in entries if entry.image)
    assert found.least == pictures <= written
    assert found.likely == pytest.approx(written, rel=0.15)
    assert found.basis == f"{TRIED} of {IMAGES} images"


def test_pictures_that_are_stored_anew_have_no_least_size(entries: list[Entry]) -> None:
    def smaller(entry: Entry) -> Entry:
        return Entry("train", entry.name, lambda: blocks(0, 40, 30), entry.image)

    found = stored_size([smaller(entry) for entry in entries], len(LABELS), PLAIN)
    assert found and found.least == 0 and found.likely > 0


def test_what_cannot_be_read_is_left_to_the_writing(entries: list[Entry]) -> None:
    def broken() -> Sample:
        raise DataError("broken")

    unreadable = [Entry("train", entry.name, broken, entry.image) for entry in entries]
    assert stored_size(unreadable, len(LABELS), PLAIN) is None and stored_size([], len(LABELS), PLAIN) is None
    some = stored_size([*unreadable[:1], *entries[1:]], len(LABELS), PLAIN)
    assert some and some.basis == f"{TRIED - 1} of {IMAGES} images"
