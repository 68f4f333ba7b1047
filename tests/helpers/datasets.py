"""Small data that the tests make themselves."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data import store
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.labels import VOID, LabelSet

LABELS = LabelSet(("red", "green", "blue"), ((200, 40, 40), (40, 160, 60), (50, 60, 200)))


def blocks(seed: int, width: int = 48, height: int = 40) -> Sample:
    """Three coloured areas with noise and a void corner: any network learns them at once."""
    rng = np.random.default_rng(seed)
    label = np.zeros((height, width), np.uint8)
    label[:, int(rng.integers(width // 4, width // 2)) :] = 1
    label[int(rng.integers(height // 2, height - 8)) :] = 2
    image = np.asarray(LABELS.palette, np.int64)[label] + rng.integers(-30, 30, (height, width, 3))
    label[:4, :4] = VOID
    buffer = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return Sample(buffer.getvalue(), label)


def write_blocks(path: Path, counts: dict[str, int], folds: int | None = None, labels: LabelSet = LABELS) -> Path:
    """A prepared data set of `blocks`, of two sizes."""
    entries = []
    for split, count in counts.items():
        for index in range(count):
            seed = len(entries)
            width = 48 if index % 2 else 57
            entries.append(Entry(split, f"{split}/{index:03d}", partial(blocks, seed, width)))
    source = Source("blocks", labels, lambda root: entries, "", folds=folds)
    store.write(path, source, entries, {"source": "made by a test", "source_sha256": "", "source_stamp": "x"})
    return path


@dataclass
class Ready:
    image: np.ndarray
    group: object
    together: int


class Plain:
    """A function of an image asked as if it were a network. batches: how many images were asked about at once."""

    def __init__(self, answer: Callable[[np.ndarray], dict[str, np.ndarray]], together: int = 1):
        self.answer, self.together = answer, together
        self.batches: list[int] = []

    def prepare(self, image: np.ndarray) -> Ready:
        return Ready(image, image.shape, self.together)

    def say(self, batch: Sequence[Ready]) -> Iterator[dict[str, np.ndarray]]:
        self.batches.append(len(batch))
        return (self.answer(one.image) for one in batch)

    def ask(self, batch: Sequence[Ready]) -> Iterator[Iterator[tuple[slice, slice, dict[str, np.ndarray]]]]:
        """In blocks of two rows."""
        for one, said in zip(batch, self.say(batch), strict=True):
            height, width = one.image.shape[:2]
            tops = [slice(top, min(top + 2, height)) for top in range(0, height, 2)]
            yield iter([(rows, slice(0, width), {name: x[..., rows, :] for name, x in said.items()}) for rows in tops])
