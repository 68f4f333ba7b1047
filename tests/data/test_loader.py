from itertools import islice
from pathlib import Path

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
