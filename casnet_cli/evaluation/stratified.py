"""Accuracy of parts of the pixels: by distance to a border, and by size of the region."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from casnet_cli.evaluation.boundary import band, sets_of
from casnet_cli.inference.protocol import PixelOutputs

DISTANCES = (1, 2, 4, 8, 16, 32)
"""Lower bounds of the bins of distance, in pixels (chessboard), to the next labelled pixel of another class."""

REGION_SHARES = (0.0, 0.001, 0.01, 0.1)
"""Lower bounds of the bins of size: share of the image that a connected region of one class takes up."""


@dataclass
class StratifiedAccuracy:
    """Labelled pixels and right ones of each bin, (bins, 2) each."""

    classes: int
    """Number of classes."""
    distance: np.ndarray = field(default_factory=lambda: np.zeros((len(DISTANCES), 2), np.int64))
    """By distance to a border."""
    size: np.ndarray = field(default_factory=lambda: np.zeros((len(REGION_SHARES), 2), np.int64))
    """By size of the region."""

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image, (H, W) ids each."""
        sets = sets_of(truth, self.classes)
        known = (sets != 0).any(axis=0)
        right = (truth == outputs["mask"])[known]
        edge = band(sets, 1)
        # A border pixel touches another class: 1. Without any border every pixel is in the last bin.
        away = 1 + ndimage.distance_transform_cdt(~edge, "chessboard") if edge.any() else np.full(truth.shape, 1 << 20)
        self.distance += _counted(np.searchsorted(DISTANCES, away[known], "right") - 1, right, len(DISTANCES))
        share = _region_pixels(truth, known) / truth.size
        self.size += _counted(np.searchsorted(REGION_SHARES, share[known], "right") - 1, right, len(REGION_SHARES))

    def summary(self) -> dict[str, object]:
        """Of the key `accuracy_by` the rows of each bin: `from`, its lower bound, `pixels`, and `accuracy`."""
        strata = {
            "boundary_distance_px": _rows(DISTANCES, self.distance),
            "region_share_of_image": _rows(REGION_SHARES, self.size),
        }
        return {"accuracy_by": strata}


def _region_pixels(truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W) pixels of the 4-connected region of one class that each labelled pixel belongs to, 0 elsewhere."""
    found = np.zeros(truth.shape, np.int64)
    for k in np.unique(truth[known]):
        regions, _ = ndimage.label(truth == k)
        found += np.where(regions > 0, np.bincount(regions.ravel())[regions], 0)
    return found


def _counted(place: np.ndarray, right: np.ndarray, parts: int) -> np.ndarray:
    """(parts, 2): all pixels and the right ones."""
    return np.stack([np.bincount(place, minlength=parts), np.bincount(place[right], minlength=parts)], axis=1)


def _rows(bounds: tuple[float, ...], counts: np.ndarray) -> list[dict[str, object]]:
    return [
        {"from": bound, "pixels": int(pixels), "accuracy": int(right) / int(pixels) if pixels else None}
        for bound, (pixels, right) in zip(bounds, counts, strict=True)
    ]
