"""Metrics near borders, against SciPy's morphology and pixel by pixel."""

import numpy as np
import pytest
from helpers.segmentation import K, near, regions
from scipy import ndimage

from casnet_cli.evaluation.boundary import WIDTH, Boundary, band, sets_of
from casnet_cli.labels import VOID


@pytest.mark.parametrize("classes", [K, 70, 150])
def test_bands_agree_with_looking_at_every_window(classes: int) -> None:
    label = (regions(1) * (1 if classes == K else 14)).astype(np.uint8)
    label[regions(1) == VOID] = VOID
    for width in (1, 3):
        np.testing.assert_array_equal(band(sets_of(label, classes), width), near(label, width))


def by_dilation(truth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Boundary IoU and F1 class by class with SciPy's morphology."""
    mask = np.where(truth == VOID, VOID, mask)
    square = np.ones((2 * WIDTH + 1,) * 2, bool)
    ious, f1s = [], []
    for k in range(K):
        bands = [near(ids, WIDTH) & (ids == k) for ids in (truth, mask)]
        edges = [near(ids, 1) & (ids == k) for ids in (truth, mask)]
        if bands[0].any():
            ious.append((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum())
        if edges[0].any():
            recall = edges[0][ndimage.binary_dilation(edges[1], square)].sum() / edges[0].sum()
            hit = ndimage.binary_dilation(edges[0], square)
            precision = edges[1][hit].sum() / edges[1].sum() if edges[1].any() else 0
            f1s.append(2 * precision * recall / (precision + recall) if precision + recall else 0)
    return float(np.mean(ious)), float(np.mean(f1s))


def test_boundary_metrics_agree_with_morphology() -> None:
    truth, mask = regions(2), regions(2)
    mask = np.roll(mask, 2, axis=1)
    mask[mask == VOID] = 4
    found = Boundary(K)
    found.add(truth, {"mask": mask})
    iou, f1 = by_dilation(truth, mask)
    assert found.iou() == pytest.approx(iou) and found.f1() == pytest.approx(f1) and 0.2 < iou < f1 < 1
    perfect = Boundary(K)
    perfect.add(truth, {"mask": np.where(truth == VOID, 0, truth)})
    assert perfect.iou() == perfect.f1() == 1.0
    assert Boundary(K).iou() is None and Boundary(K).f1() is None


def test_the_frame_is_no_border() -> None:
    one = np.zeros((9, 9), np.uint8)
    found = Boundary(K)
    found.add(one, {"mask": one})
    assert found.iou() is None and not band(sets_of(one, K), 2).any()
