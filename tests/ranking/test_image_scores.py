"""What is kept of an image, counted by hand."""

import numpy as np
import pytest
from helpers.datasets import LABELS

from casnet_cli.ranking.image_scores import RankedImage, features_of


def scored(difficulty: np.ndarray, mask: np.ndarray) -> RankedImage:
    """Put in as two blocks."""
    found = RankedImage(np.empty(mask.shape, np.uint8), np.empty(mask.shape, np.uint8))
    width = slice(0, mask.shape[1])
    for rows in (slice(0, 7), slice(7, len(mask))):
        outputs = {"mask": mask[rows], "difficulty": difficulty[rows]}
        outputs |= {"entropy": difficulty[rows] / 2, "margin": difficulty[rows] / 4, "pooled": np.array([0.5, -2.0])}
        found.add(rows, width, outputs)
    return found


def test_means_shares_and_features() -> None:
    difficulty, mask = np.zeros((20, 30)), np.zeros((20, 30), int)
    difficulty[:10], mask[:5] = 0.4, 2
    line = scored(difficulty, mask).record("a.png", LABELS)
    assert (line["width"], line["height"]) == (30, 20)
    assert (line["difficulty"], line["entropy"], line["margin"]) == pytest.approx((0.2, 0.1, 0.05))
    assert line["hard_share"] == 0 and line["regions"] == []
    assert line["classes"] == {"red": [0.75, 0.5], "blue": [0.25, 0.5]}
    np.testing.assert_array_equal(features_of(line), np.array([0.5, -2.0], np.float32))


def test_what_was_not_measured_belongs_to_no_class() -> None:
    difficulty, mask = np.full((20, 30), 0.8), np.zeros((20, 30), int)
    difficulty[:10], mask[:10], mask[10:15] = 0, 255, 2
    line = scored(difficulty, mask).record("a.png", LABELS)
    assert line["classes"] == {"red": [0.5, 0.5], "blue": [0.5, 0.5]}
    (upper, *_) = line["regions"]
    assert (upper["y"], upper["height"]) == (10, 10)
    nowhere = scored(np.zeros((20, 30)), np.full((20, 30), 255)).record("a.png", LABELS)
    assert nowhere["classes"] == {} and nowhere["regions"] == []


def test_hard_regions_the_hardest_first_without_specks() -> None:
    difficulty, mask = np.full((40, 60), 0.1), np.ones((40, 60), int)
    difficulty[2:6, 3:13] = 0.6  # 40 pixels
    difficulty[20:30, 40:55] = 0.8  # 150 pixels
    difficulty[35, 5] = 1.0  # less than a thousandth of 2400 pixels
    mask[20:28, 40:55] = 2
    regions = scored(difficulty, mask).record("a.png", LABELS)["regions"]
    boxes = [tuple(region[key] for key in ("x", "y", "width", "height", "pixels", "class")) for region in regions]
    assert boxes == [(40, 20, 15, 10, 150, "blue"), (3, 2, 10, 4, 40, "green")]
    assert [region["difficulty"] for region in regions] == pytest.approx([0.8, 0.6], abs=0.003)
