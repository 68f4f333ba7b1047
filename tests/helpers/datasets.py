"""Small data that the tests make themselves."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data import store
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.stored import encode_pixels
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


FOUR_BANDS = Intensities(
    "uint16", ("red", "green", "blue", "near infrared"), (100.0,) * 4, (3000.0, 3000.0, 3000.0, 4000.0)
)
"""Of a satellite's pictures."""


def bands(seed: int, width: int = 48, height: int = 40, intensities: Intensities = FOUR_BANDS) -> np.ndarray:
    """(H, W, N) as stored: the areas of `blocks` in other values in each band, up to the ends of its range."""
    label = np.where(blocks(seed, width, height).label == VOID, 0, blocks(seed, width, height).label)
    rng = np.random.default_rng(seed)
    found = []
    for band, (low, high) in enumerate(zip(intensities.low, intensities.high, strict=True)):
        levels = np.roll(np.array([0.1, 0.5, 0.9]), band) * (high - low) + low
        found.append(levels[label] + rng.uniform(-0.1, 0.1, label.shape) * (high - low))
    return np.stack(found, axis=-1).astype(intensities.dtype)


def write_bands(path: Path, counts: dict[str, int], intensities: Intensities = FOUR_BANDS) -> Path:
    """A prepared data set of the labels of `blocks` with pictures of `bands`, of two sizes."""

    def load(seed: int, width: int) -> Sample:
        return Sample(encode_pixels(bands(seed, width, intensities=intensities)), blocks(seed, width).label)

    entries = []
    for split, count in counts.items():
        for index in range(count):
            seed, width = len(entries), 48 if index % 2 else 57
            entries.append(Entry(split, f"{split}/{index:03d}", partial(load, seed, width)))
    source = Source("bands", LABELS, lambda root: entries, "")
    provenance = {"source": "made by a test", "source_sha256": "", "source_stamp": "x"}
    store.write(path, source, entries, provenance, intensities=intensities)
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
