"""Statistics of a data set, counted once when it is written: pixels and images of each class, mean colour, sizes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

from casnet_cli.data.splits import SPLITS
from casnet_cli.labels import VOID

MOST_SIZES = 100
"""At most so many image sizes are kept, the most frequent ones."""


class StatisticsRecord(TypedDict):
    """The statistics as they are kept in the prepared file and read from it, as plain numbers and lists."""

    class_pixels: list[int]
    """(K) labelled pixels of each class."""
    class_images: list[int]
    """(K) images that show each class."""
    split_class_pixels: list[list[int]]
    """(3, K) labelled pixels in train, val and test."""
    fold_class_pixels: list[list[int]]
    """(folds, K) labelled pixels in each fold; no rows without folds."""
    median_frequency_weights: list[float]
    """(K) median of f over f of the class, where f is the share of a class in the labelled pixels of the images that
    show it (Eigen and Fergus, 2015); 0 for a class that no image shows."""
    void_pixels: int
    """Pixels without a label."""
    color_mean: list[float]
    """(N) mean of each band over all pixels where something was measured, as the network sees them, in 0..255."""
    sizes: list[list[int]]
    """Rows of width, height and number of images, the most frequent first, at most `MOST_SIZES`."""
    different_sizes: int
    """How many different sizes there are."""


KEYS = tuple(StatisticsRecord.__annotations__)


def check_statistics(found: Mapping[str, np.ndarray], classes: int, bands: int, folds: int) -> None:
    """Raises ValueError if arrays of these keys are not the statistics of a set of so many classes, bands and folds."""
    shapes = {
        "split_class_pixels": (len(SPLITS), classes),
        "fold_class_pixels": (folds, classes),
        "color_mean": (bands,),
        "sizes": (None, 3),
        "void_pixels": (),
        "different_sizes": (),
    }
    for key, values in found.items():
        shape = shapes.get(key, (classes,))
        fits = len(shape) == values.ndim and all(n in (None, m) for n, m in zip(shape, values.shape, strict=True))
        if not fits or values.dtype.kind not in "iuf" or not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"{key} are not what was counted")
    if not found["class_pixels"].sum() + found["void_pixels"]:
        raise ValueError("no pixels were counted")


@dataclass
class DataStatistics:
    """Counts over the samples added so far."""

    classes: int
    """K, the number of classes."""
    fold_of: dict[str, int]
    """The fold, from 1, of each training image that is in one; empty for a set without folds."""
    splits: np.ndarray = field(init=False)
    """(3, K) labelled pixels in train, val and test."""
    folds: np.ndarray = field(init=False)
    """(folds, K) labelled pixels in each fold."""
    images: np.ndarray = field(init=False)
    """(K) images that show each class."""
    labelled: np.ndarray = field(init=False)
    """(K) labelled pixels of all classes in the images that show each class."""
    bands: int = 3
    """N, the number of bands of an image."""
    color: np.ndarray = field(init=False)
    """(N) sum of each band over all pixels where something was measured, in 0..255."""
    measured: int = 0
    """Pixels of which `color` is the sum."""
    void: int = 0
    """Pixels without a label."""
    pixels: int = 0
    """All pixels."""
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Images of each width and height."""

    def __post_init__(self) -> None:
        self.splits = np.zeros((len(SPLITS), self.classes), np.int64)
        self.folds = np.zeros((max(self.fold_of.values(), default=0), self.classes), np.int64)
        self.images = np.zeros(self.classes, np.int64)
        self.labelled = np.zeros(self.classes, np.int64)
        self.color = np.zeros(self.bands)

    def add(
        self, split: str, name: str, size: tuple[int, int], counts: np.ndarray, color: np.ndarray, measured: int
    ) -> None:
        """size: width and height. counts: (256,) pixels of each id. color: (N,) sum over the `measured` pixels."""
        self.sizes[size] += 1
        of_classes = counts[: self.classes]
        self.splits[SPLITS.index(split)] += of_classes
        if split == "train" and name in self.fold_of:
            self.folds[self.fold_of[name] - 1] += of_classes
        self.images += of_classes > 0
        self.labelled += np.where(of_classes > 0, of_classes.sum(), 0)
        self.color += color
        self.measured += measured
        self.void += int(counts[VOID])
        self.pixels += int(counts.sum())

    def attributes(self) -> dict[str, np.ndarray | int]:
        """The attributes of the prepared file, by the keys of `StatisticsRecord`."""
        pixels = self.splits.sum(axis=0)
        frequency = pixels / np.maximum(1, self.labelled)
        median = np.median(frequency[pixels > 0]) if pixels.any() else 0.0
        return {
            "class_pixels": pixels,
            "class_images": self.images,
            "split_class_pixels": self.splits,
            "fold_class_pixels": self.folds,
            "median_frequency_weights": np.where(pixels > 0, median / np.where(pixels > 0, frequency, 1), 0),
            "void_pixels": self.void,
            "color_mean": self.color / max(1, self.measured),
            "sizes": np.array([(*size, images) for size, images in self.sizes.most_common(MOST_SIZES)]).reshape(-1, 3),
            "different_sizes": len(self.sizes),
        }
