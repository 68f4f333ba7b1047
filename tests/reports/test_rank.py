"""The page of a ranking on a picture of four bands."""

from pathlib import Path

import numpy as np
import tifffile
from helpers.datasets import FOUR_BANDS, LABELS, bands
from helpers.shown_pictures import coarse, decoded, expected

from casnet_cli.ranking.image_scores import RankedImage
from casnet_cli.reports import rank


def test_a_picture_is_shown_as_the_network_sees_it(tmp_path: Path) -> None:
    stored = bands(1)
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, stored, photometric="minisblack", planarconfig="contig")
    scores = RankedImage(np.zeros((40, 48), np.uint8), np.zeros((40, 48), np.uint8))
    picture = rank.outlined(scores.record(str(file), LABELS), FOUR_BANDS)
    assert picture
    assert abs(coarse(decoded(picture.source)) - coarse(expected(stored, FOUR_BANDS))).max() < 6
    assert rank.outlined(scores.record(str(file), LABELS)) is None, "no picture of a run on 8-bit RGB"
