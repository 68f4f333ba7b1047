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
from casnet_cli.inference.protocol import Block, PixelOutputs
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
class FunctionInput:
    image: np.ndarray
    batch_key: tuple[int, ...]
    batch_limit: int


class FunctionPredictor:
    """A predictor, as `casnet_cli.inference.protocol` says, whose outputs are a function of the image.

    batches: the number of images in each batch so far.
    """

    def __init__(self, outputs: Callable[[np.ndarray], PixelOutputs], batch_limit: int = 1):
        self.outputs, self.batch_limit = outputs, batch_limit
        self.batches: list[int] = []

    def prepare(self, image: np.ndarray) -> FunctionInput:
        return FunctionInput(image, image.shape, self.batch_limit)

    def predict_blocks(self, batch: Sequence[FunctionInput]) -> Iterator[Iterator[Block]]:
        """In blocks of two rows."""
        for one, outputs in zip(batch, self.predict_batch(batch), strict=True):
            height, width = one.image.shape[:2]
            tops = [slice(top, min(top + 2, height)) for top in range(0, height, 2)]
            yield iter(
                [(rows, slice(0, width), {name: x[..., rows, :] for name, x in outputs.items()}) for rows in tops]
            )

    def predict_batch(self, batch: Sequence[FunctionInput]) -> Iterator[PixelOutputs]:
        self.batches.append(len(batch))
        return (self.outputs(one.image) for one in batch)

    def predict(self, image: np.ndarray) -> PixelOutputs:
        return self.outputs(image)
