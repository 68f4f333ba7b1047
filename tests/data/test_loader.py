from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import FOUR_BANDS, bands, write_bands

from casnet_cli.data.intensities import Intensities
from casnet_cli.data.loader import training_batches
from casnet_cli.data.store import Store
from casnet_cli.recipe import AugmentationSection

MEAN = (10.0, 20.0, 30.0)


def batches(path: Path, seed: int, start: int, count: int) -> list[tuple[bytes, bytes, tuple[str, ...]]]:
    section = AugmentationSection(crop=33, mirror=True, color_jitter=0.2)
    stream = training_batches(Store(path).parts()["train"], section, MEAN, 5, seed, start)
    return [(b.image.tobytes(), b.label.tobytes(), b.names) for b, _ in zip(stream, range(count), strict=False)]


def test_a_batch_is_a_function_of_seed_and_number(blocks_file: Path) -> None:
    whole = batches(blocks_file, 0, 0, 8)
    assert batches(blocks_file, 0, 5, 3) == whole[5:]
    assert batches(blocks_file, 1, 0, 8) != whole


def test_batches_of_one_and_the_rows_of_workers_make_up_the_whole(blocks_file: Path) -> None:
    part, section = Store(blocks_file).parts()["train"], AugmentationSection(crop=33)

    def names(size: int, worker: int = 0, workers: int = 1) -> list[tuple[str, ...]]:
        return [b.names for b in islice(training_batches(part, section, MEAN, size, 0, 0, worker, workers), 12)]

    pairs = [first + second for first, second in zip(names(2, 0, 2), names(2, 1, 2), strict=True)]
    assert names(2) == pairs and [one for (one,) in names(1)] == [one for pair in pairs[:6] for one in pair]


def test_every_sample_once_a_pass_in_a_new_order(blocks_file: Path) -> None:
    names = [name for _, _, batch in batches(blocks_file, 0, 0, 24) for name in batch]
    passes = [names[k : k + 12] for k in range(0, 120, 12)]
    assert all(len(set(names)) == 12 for names in passes)
    assert len({tuple(names) for names in passes}) == 10


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_batches_of_bands_are_what_the_network_sees(tmp_path: Path, number: int) -> None:
    names = FOUR_BANDS.bands[:number] if number == 3 else tuple(f"band {k}" for k in range(number))
    intensities = Intensities("uint16", names, (100.0,) * number, (3000.0,) * number)
    path = write_bands(tmp_path / "x.h5", {"train": 2, "val": 1}, intensities)
    section = AugmentationSection(crop=40, scales=(1.0, 1.0), mirror=False)
    batch = next(training_batches(Store(path).parts()["train"], section, (9.0,) * number, 4, 0))
    assert batch.image.shape == (4, 40, 40, number) and batch.image.dtype == np.float32
    low, high = 100.0, 3000.0
    for image, name in zip(batch.image, batch.names, strict=True):
        seed = int(name[-1])
        whole = bands(seed, 48 if seed % 2 else 57, intensities=intensities).astype(np.float64)
        expected = np.clip((whole - low) / (high - low), 0, 1) * 255
        left = [k for k in range(whole.shape[1] - 39) if np.allclose(expected[:, k : k + 40], image, atol=1e-3)]
        assert len(left) == 1
    jittered = AugmentationSection(crop=33, mirror=True, color_jitter=0.2)
    many = list(islice(training_batches(Store(path).parts()["train"], jittered, (9.0,) * number, 4, 0), 5))
    assert all(b.image.min() >= 0 and b.image.max() <= 255 for b in many)
