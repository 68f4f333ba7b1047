"""What is counted once, when a data set is written: pixels of each class, how many images have it, the mean colour."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casnet_cli.data.splits import SPLITS
from casnet_cli.labels import VOID

KEYS = (
    *("class_pixels", "class_images", "split_class_pixels", "fold_class_pixels", "median_frequency_weights"),
    *("void_pixels", "color_mean", "sizes", "different_sizes"),
)

MOST_SIZES = 100
"""Sizes of images that are kept, the most frequent ones."""


@dataclass
class DataStatistics:
    """Counts over samples. fold_of: the fold of each name of a set that is cross-validated."""

    classes: int
    fold_of: dict[str, int]
    splits: np.ndarray = field(init=False)
    folds: np.ndarray = field(init=False)
    images: np.ndarray = field(init=False)
    shown: np.ndarray = field(init=False)
    color: np.ndarray = field(init=False)
    void: int = 0
    pixels: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.splits = np.zeros((len(SPLITS), self.classes), np.int64)
        self.folds = np.zeros((max(self.fold_of.values(), default=0), self.classes), np.int64)
        self.images = np.zeros(self.classes, np.int64)
        self.shown = np.zeros(self.classes, np.int64)
        self.color = np.zeros(3)

    def add(self, split: str, name: str, size: tuple[int, int], counts: np.ndarray, color: np.ndarray) -> None:
        """size: width and height. counts: (256,) pixels of each id. color: (3,) sum of RGB over all pixels."""
        self.sizes[size] += 1
        ours = counts[: self.classes]
        self.splits[SPLITS.index(split)] += ours
        if name in self.fold_of:
            self.folds[self.fold_of[name] - 1] += ours
        self.images += ours > 0
        self.shown += np.where(ours > 0, ours.sum(), 0)
        self.color += color
        self.void += int(counts[VOID])
        self.pixels += int(counts.sum())

    def attributes(self) -> dict[str, Any]:
        """As they are kept in the file; see `Store.statistics`.

        median_frequency_weights: median of f over f of the class, where f is the share of a class in the labelled
        pixels of the images that have it (Eigen and Fergus, 2015); 0 for a class that no image has.
        """
        pixels = self.splits.sum(axis=0)
        frequency = pixels / np.maximum(1, self.shown)
        median = np.median(frequency[pixels > 0]) if pixels.any() else 0.0
        return {
            "class_pixels": pixels,
            "class_images": self.images,
            "split_class_pixels": self.splits,
            "fold_class_pixels": self.folds,
            "median_frequency_weights": np.where(pixels > 0, median / np.where(pixels > 0, frequency, 1), 0),
            "void_pixels": self.void,
            "color_mean": self.color / max(1, self.pixels),
            "sizes": np.array([(*size, images) for size, images in self.sizes.most_common(MOST_SIZES)]).reshape(-1, 3),
            "different_sizes": len(self.sizes),
        }
