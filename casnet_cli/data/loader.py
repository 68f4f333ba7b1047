"""Samples of a prepared file as batches and whole images, decoded and augmented ahead by several threads."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import grain
import numpy as np
from PIL import Image

from casnet_cli.data.augmentation import augment
from casnet_cli.data.images import UNREADABLE, decode_label, decode_rgb
from casnet_cli.data.pixels.stored import decode_pixels
from casnet_cli.data.rare_classes import ClassCrops
from casnet_cli.data.store import StoredSample, Subset
from casnet_cli.errors import DataError, reason
from casnet_cli.labels import VOID
from casnet_cli.recipe import AugmentationSection

THREADS = 2
AHEAD = 4
"""Batches that wait ready for the training step."""


@dataclass(frozen=True)
class Batch:
    """B augmented crops."""

    image: np.ndarray
    """(B, crop, crop, N): what the network sees, uint8 RGB of plain intensities, else float32 in 0..255."""
    label: np.ndarray
    """(B, crop, crop) uint8 class ids."""
    names: tuple[str, ...]
    """Of the B samples."""


@dataclass(frozen=True)
class WholeSample:
    """One sample at its own size."""

    name: str
    """Unique within its split."""
    image: np.ndarray
    """(H, W, N) as stored, of the type and bands of the set's intensities: mostly uint8 RGB."""
    label: np.ndarray
    """(H, W) uint8 class ids."""


PASSES = 1 << 40
"""Passes over the training images: practically endless. Grain's own endless repetition overflows for batches of 1."""


def training_batches(
    subset: Subset,
    section: AugmentationSection,
    mean: tuple[float, ...],
    batch_size: int,
    seed: int,
    start: int = 0,
    worker: int = 0,
    workers: int = 1,
) -> Iterator[Batch]:
    """Batches `start`, start + 1, … without end. Batch k is a pure function of subset, settings, seed and k.

    mean: (N) colour, in 0..255, beyond an image's border and where nothing was measured.
    Of several workers each gets its own `batch_size` / workers rows of the batch, in the order of the workers. Every
    pass over the subset has a new order; batches run across the passes, so that no sample is left out.
    """

    share = 0.0 if section.class_crops == "auto" else section.class_crops
    crops = ClassCrops.of(subset, share) if share else None

    def transform(place: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        place, held = crops.draw(place, rng) if crops else (place, None)
        record = subset[place]
        image, label = _decoded(record, subset)
        intensities = subset.store.intensities
        stored = image if intensities.plain else np.asarray(image)
        return *augment(stored, label, section, mean, rng, intensities, held), record.name

    dataset = grain.MapDataset.source(range(len(subset))).seed(seed).shuffle().repeat(PASSES).random_map(transform)
    dataset = dataset.batch(batch_size // workers, batch_fn=_stack)[start * workers + worker :: workers]
    yield from dataset.to_iter_dataset(grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=AHEAD))


def whole_images(subset: Subset) -> Iterator[WholeSample]:
    """Each sample of the subset once, in order, at its own size, decoded ahead."""

    def decode(record: StoredSample) -> WholeSample:
        image, label = _decoded(record, subset)
        return WholeSample(record.name, np.asarray(image), np.asarray(label))

    dataset = grain.MapDataset.source(subset).map(decode)
    yield from dataset.to_iter_dataset(grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=2 * AHEAD))


def _decoded(record: StoredSample, subset: Subset) -> tuple[Image.Image | np.ndarray, Image.Image]:
    """Image and label of a sample, the image as an array unless it is RGB of 8 bits.

    Raises DataError if the file was damaged after it was prepared.
    """
    where = f"{subset.store.path}: {subset.group}/{record.name}"
    intensities = subset.store.intensities
    image: Image.Image | np.ndarray
    try:
        label = decode_label(record.label)
        image = decode_rgb(io.BytesIO(record.image)) if intensities.rgb else decode_pixels(record.image, intensities)
    except UNREADABLE as error:
        raise DataError(f"{where}: damaged: {reason(error)} (prepare the data again)") from None
    classes = len(subset.store.labels)
    size = image.size if isinstance(image, Image.Image) else image.shape[1::-1]
    if label.mode != "L" or size != label.size or any(label.histogram()[classes:VOID]):
        raise DataError(f"{where}: damaged: its label is no image of ids 0..{classes - 1} and 255 of the image's size")
    return image, label


def _stack(samples: list[tuple[np.ndarray, np.ndarray, str]]) -> Batch:
    images, labels, names = zip(*samples, strict=True)
    return Batch(np.stack(images), np.stack(labels), tuple(names))
