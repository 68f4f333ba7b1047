"""A run and data: pictures that its network can take, and others, which are refused in words."""

from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from helpers.checkpoints import meta_after, write_checkpoint
from helpers.datasets import FOUR_BANDS, write_bands, write_blocks

from casnet_cli import recipe as recipes
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.ranges import described
from casnet_cli.data.store import Store
from casnet_cli.errors import RunError
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.trained import check_alike, find_run, open_run_data


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return recipes.load(recipes.find("folder"))


def written(file: Path, data: Path, recipe: Recipe) -> Path:
    return write_checkpoint(file, meta_after(Store(data), recipe, 1))


def test_a_checkpoint_of_8_bit_rgb_says_nothing_of_intensities(tmp_path: Path, recipe: Recipe) -> None:
    file = written(tmp_path / "best.h5", write_blocks(tmp_path / "blocks.h5", {"train": 3}), recipe)
    with h5py.File(file) as opened:
        assert "intensities" not in opened.attrs
    assert read_meta(file).intensities == PLAIN


def test_a_checkpoint_keeps_the_intensities_of_its_data(tmp_path: Path, recipe: Recipe) -> None:
    chosen = replace(FOUR_BANDS, nodata=0.0, chosen=(4, 3, 2, 1))
    file = written(tmp_path / "best.h5", write_bands(tmp_path / "bands.h5", {"train": 3}, chosen), recipe)
    assert read_meta(file).intensities == chosen


@pytest.mark.parametrize("text", ["", "[]", '{"dtype": "text"}', '{"low": [1, 2]}', '{"colour": 3}', '{"bands": []}'])
def test_damaged_intensities_are_named(tmp_path: Path, recipe: Recipe, text: str) -> None:
    file = written(tmp_path / "best.h5", write_blocks(tmp_path / "blocks.h5", {"train": 3}), recipe)
    with h5py.File(file, "r+") as opened:
        opened.attrs["intensities"] = text
    with pytest.raises(RunError, match="best.h5: damaged checkpoint"):
        read_meta(file)


def test_pictures_and_network_of_different_numbers_of_bands_are_refused(tmp_path: Path, recipe: Recipe) -> None:
    store = Store(write_bands(tmp_path / "bands.h5", {"train": 3}))
    meta = replace(meta_after(store, recipe, 1), recipe=recipe)
    with pytest.raises(RunError, match="damaged checkpoint: its network takes 3 bands, and its pictures have 4"):
        read_meta(write_checkpoint(tmp_path / "best.h5", meta))


@pytest.mark.parametrize(
    "other",
    [
        replace(FOUR_BANDS, high=(3000.0, 3000.0, 3000.0, 4001.0)),
        replace(FOUR_BANDS, nodata=0.0),
        replace(FOUR_BANDS, bands=("red", "green", "blue", "elevation")),
        Intensities("uint16", ("red", "green", "blue"), (100.0,) * 3, (3000.0,) * 3),
        Intensities("float32", FOUR_BANDS.bands, FOUR_BANDS.low, FOUR_BANDS.high),
    ],
    ids=["range", "nodata", "names", "number", "type"],
)
def test_data_with_other_pictures_than_the_runs_are_refused(tmp_path: Path, recipe: Recipe, other: Intensities) -> None:
    run = find_run(written(tmp_path / "best.h5", write_bands(tmp_path / "own.h5", {"train": 3}), recipe))
    data = write_bands(tmp_path / "other.h5", {"train": 3}, other)
    with pytest.raises(RunError) as caught:
        open_run_data(run, data)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{data}: its pictures are not as those of {run.file} (the run has 16 bits, ")
    assert described(other) in fault and "`casnet prepare … --range --bands --nodata`" in fault


def test_8_bit_data_and_a_run_on_deeper_ones_are_apart(tmp_path: Path, recipe: Recipe) -> None:
    plain, deep = (
        write_blocks(tmp_path / "plain.h5", {"train": 3}),
        write_bands(tmp_path / "deep.h5", {"train": 3}),
    )
    for own, other in ((plain, deep), (deep, plain)):
        run = find_run(written(tmp_path / "best.h5", own, recipe))
        assert open_run_data(run, own).intensities == Store(own).intensities
        with pytest.raises(RunError, match="its pictures are not as those of"):
            open_run_data(run, other)


def test_bands_may_lie_elsewhere_in_the_files_of_other_data(tmp_path: Path) -> None:
    store = Store(write_bands(tmp_path / "bands.h5", {"train": 3}, replace(FOUR_BANDS, chosen=(4, 1, 2, 3))))
    check_alike(store, FOUR_BANDS, "best.h5")
    nan = replace(FOUR_BANDS, nodata=float("nan"))
    check_alike(Store(write_bands(tmp_path / "nan.h5", {"train": 3}, nan)), nan, "best.h5")
