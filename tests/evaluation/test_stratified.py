"""Accuracy of parts of the pixels, counted pixel by pixel."""

import numpy as np
import pytest
from helpers.segmentation import K, near, regions
from scipy import ndimage

from casnet_cli.evaluation import stratified
from casnet_cli.evaluation.stratified import StratifiedAccuracy
from casnet_cli.labels import VOID


def test_strata_agree_with_distances_pixel_by_pixel() -> None:
    truth = regions(3)
    mask = np.where(np.random.default_rng(0).random(truth.shape) < 0.3, (truth + 1) % K, truth).astype(np.uint8)
    found = StratifiedAccuracy(K)
    found.add(truth, {"mask": mask})
    strata = found.summary()["accuracy_by"]
    known, right = truth != VOID, truth == mask
    edges = np.argwhere(near(truth, 1))
    rows, columns = np.indices(truth.shape)
    away = np.min([np.maximum(abs(rows - r), abs(columns - c)) for r, c in edges], axis=0) + 1
    bounds = [*stratified.DISTANCES, 10**9]
    for row, low, high in zip(strata["boundary_distance_px"], bounds, bounds[1:], strict=False):
        inside = known & (away >= low) & (away < high)
        assert row["from"] == low and row["pixels"] == inside.sum()
        assert row["accuracy"] == (pytest.approx(right[inside].mean()) if inside.any() else None)
    size = np.zeros(truth.shape)
    for k in range(K):
        pieces, count = ndimage.label(truth == k)
        for piece in range(1, count + 1):
            size[pieces == piece] = (pieces == piece).sum() / truth.size
    bounds = [*stratified.REGION_SHARES, 2]
    for row, low, high in zip(strata["region_share_of_image"], bounds, bounds[1:], strict=False):
        inside = known & (size >= low) & (size < high)
        assert row["pixels"] == inside.sum()
        assert row["accuracy"] == (pytest.approx(right[inside].mean()) if inside.any() else None)
