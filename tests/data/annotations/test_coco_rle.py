"""COCO's run lengths: what is written is read back; pycocotools, where it is installed, writes and reads the same."""

import numpy as np
import pytest

from casnet_cli.data.annotations.coco_rle import decode, encode, spans


def masks() -> list[np.ndarray]:
    """(H, W) bool: noise, single pixels, all pixels, and long runs."""
    rng = np.random.default_rng(3)
    found = [rng.random((height, width)) < share for height, width, share in ((40, 60, 0.1), (7, 9, 0.5), (30, 1, 0.9))]
    for row, column in ((0, 0), (4, 6), (2, 3)):
        single = np.zeros((5, 7), bool)
        single[row, column] = True
        found.append(single)
    found.append(np.ones((6, 8), bool))
    large = np.zeros((900, 1100), bool)
    large[100:890, 50:1090] = True
    large[400:410] = False
    return [*found, large]


def bounds(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the runs of set pixels down the columns."""
    steps = np.diff(mask.T.ravel().astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def test_what_is_written_is_read_back() -> None:
    every = [bounds(mask) for mask in masks()]
    texts = [encode(*one, mask.size).encode() for one, mask in zip(every, masks(), strict=True)]
    for (starts, ends), text, mask in zip(every, texts, masks(), strict=True):
        runs, numbers = decode([text])
        found = spans(runs, numbers, mask.size)
        assert sum(runs) == mask.size and len(runs) == numbers[0]
        np.testing.assert_array_equal(found[0], starts)
        np.testing.assert_array_equal(found[1], ends)
    together = np.concatenate([decode([text])[0] for text in texts])
    np.testing.assert_array_equal(decode(texts)[0], together)
    runs, numbers = decode([b"", *texts[:1], b""])
    assert numbers.tolist() == [0, len(runs), 0]


def test_many_masks_are_taken_apart() -> None:
    """Positions in each mask, and whose they are."""
    starts, ends, owners = spans(np.array([2, 1, 3, 0, 6, 6]), np.array([3, 2, 1]), 6)
    assert (starts.tolist(), ends.tolist(), owners.tolist()) == ([2, 0], [3, 6], [0, 1])


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools under NumPy 2
@pytest.mark.parametrize("mask", masks())
def test_pycocotools_writes_and_reads_the_same(mask: np.ndarray) -> None:
    tools = pytest.importorskip("pycocotools.mask")
    text = encode(*bounds(mask), mask.size)
    assert tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode() == text
    read = tools.decode({"size": list(mask.shape), "counts": text.encode()})
    np.testing.assert_array_equal(read.astype(bool), mask)
