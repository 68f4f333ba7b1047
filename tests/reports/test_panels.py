"""Panels of one image: which there are, their sizes, and the boxes around hard regions."""

import numpy as np
import pytest
from helpers.datasets import LABELS
from PIL import Image

from casnet_cli.labels import VOID
from casnet_cli.ranking.image_scores import HARD
from casnet_cli.reports import audit, panels, rank
from casnet_cli.reports.panels import CAPTION, GAP, YELLOW, boxed, errors, heat, stack, strip

SIZE = (60, 80)


def outputs(coarse: bool = True) -> dict[str, np.ndarray]:
    difficulty = np.full(SIZE, 0.1)
    difficulty[10:30, 20:50] = 0.9
    found = {"mask": np.zeros(SIZE, np.uint8), "difficulty": difficulty}
    return found | ({"coarse": np.ones(SIZE, np.uint8)} if coarse else {})


@pytest.mark.parametrize(("labelled", "coarse", "count"), [(True, True, 6), (False, True, 4), (False, False, 3)])
def test_panels_without_content_are_left_out(labelled: bool, coarse: bool, count: int) -> None:
    truth = np.zeros(SIZE, np.uint8) if labelled else None
    drawn = strip(np.zeros((*SIZE, 3), np.uint8), truth, outputs(coarse), LABELS)
    assert drawn.width == GAP + count * (SIZE[1] + GAP) and drawn.height > CAPTION + SIZE[0]
    both = stack([drawn, drawn])
    assert both.size == (drawn.width, 2 * drawn.height)


def test_a_hard_region_has_a_yellow_box_and_nothing_else_has() -> None:
    drawn = boxed(heat(outputs()["difficulty"]), outputs()["difficulty"])
    rows, columns = np.nonzero((drawn == YELLOW).all(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 29, 20, 49)
    calm = np.full(SIZE, HARD)
    assert not (boxed(heat(calm), calm) == YELLOW).all(-1).any()


def test_wrong_pixels_are_red_and_void_ones_grey() -> None:
    truth, mask = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)
    truth[0, 0], mask[1, 1] = VOID, 2
    shown = errors(np.zeros((2, 2, 3), np.uint8), truth, mask)
    assert shown.tolist() == [[[150] * 3, [165] * 3], [[165] * 3, [214, 39, 40]]]


def test_pages_share_one_yellow() -> None:
    assert audit.YELLOW is rank.YELLOW is panels.YELLOW


def test_an_image_that_is_gone_has_no_picture(tmp_path) -> None:
    region = {"x": 4, "y": 8, "width": 20, "height": 10, "pixels": 200, "difficulty": 0.8, "class": "red"}
    line: rank.ImageLine = {
        "file": str(tmp_path / "a.png"), "status": "ok", "width": 80, "height": 60, "difficulty": 0.2, "entropy": 0.1,
        "margin": 0.1, "hard_share": 0.1, "classes": {"red": [1.0, 1.0]}, "regions": [region], "features": "",
    }  # fmt: skip
    assert rank.outlined(line) is None
    Image.new("RGB", (80, 60)).save(line["file"])
    found = rank.outlined(line)
    assert found and found.caption.endswith(", 1 hard region")
    assert "The file is gone." not in rank.page([rank.ListedImage(1, 0.5, line)], 1, "mixed", "a run")
