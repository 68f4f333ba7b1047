"""Overlapping tiles: they cover, they blend smoothly, and an image of one tile is asked about as a whole."""

import numpy as np
import pytest

from casnet_cli.model.answers import Protocol, answering, measuring
from casnet_cli.model.casnet import build_casnet
from casnet_cli.model.sliding import sliding, starts, tiles, window
from casnet_cli.recipe import Model


@pytest.mark.parametrize("tile", [33, 48, 100])
@pytest.mark.parametrize("length", [1, 33, 34, 55, 99, 100, 101, 1000])
def test_tiles_cover_a_side_with_a_third_in_common(length: int, tile: int) -> None:
    found = starts(length, tile)
    assert found[0] == 0 and found[-1] == max(0, length - tile) and found == sorted(set(found))
    assert all(later <= earlier + tile - tile // 3 for earlier, later in zip(found, found[1:], strict=False))
    assert len(found) <= 2 + length / (tile - tile // 3)


def scores(images: np.ndarray) -> dict[str, np.ndarray]:
    """Probabilities that depend on the pixel and on the mean of what is seen."""
    x = images.astype(np.float64)
    x = x[..., :2] / 255 + x.mean((1, 2, 3), keepdims=True) / 255
    return {"fused": (x - np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)}


def test_blending_is_the_weighted_mean_of_probabilities() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 50, 71, 3), np.uint8)
    found = sliding(scores, 33)(images)["fused"]
    total, weights = np.zeros((2, 50, 71, 2)), np.zeros((50, 71, 1))
    for rows, columns in tiles(50, 71, 33):
        for row in range(rows.start, rows.stop):
            for column in range(columns.start, columns.stop):
                edges = [
                    min(place - part.start, part.stop - 1 - place) + 1
                    for place, part in ((row, rows), (column, columns))
                ]
                weights[row, column] += np.prod([min(1, edge / 12) for edge in edges])
        p = np.exp(scores(images[:, rows, columns])["fused"])
        total[:, rows, columns] += p * window(rows.stop - rows.start, columns.stop - columns.start)
    np.testing.assert_allclose(np.exp(found), total / weights, rtol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, rtol=1e-5)


def test_one_tile_is_the_whole_image_and_several_nearly() -> None:
    section = {"backbone": "efficientnet-lite0", "output_stride": 16, "weights": "none", "branch_channels": 16}
    model = build_casnet(Model(**section), 4)  # type: ignore[arg-type]
    image = np.random.default_rng(0).integers(0, 256, (60, 81, 3), np.uint8)
    whole = answering(model, Protocol())(image)
    tile = answering(model, Protocol(tile=100))(image)
    assert set(tile) == set(whole)
    np.testing.assert_allclose(tile["difficulty"], whole["difficulty"], atol=1e-6)
    several = measuring(model, Protocol("flip", 1.5, 33), 2.0)(image[None])
    assert several["mask"].shape == (1, 60, 81) and "calibrated" in several and "coarse_margin" in several
