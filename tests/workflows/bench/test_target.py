"""What is measured of a recipe on data of other bands and depths."""

from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import FOUR_BANDS, write_bands

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import RecipeError
from casnet_cli.workflows.bench.target import find_target, random_image

FLOAT = Intensities("float32", ("elevation",), (-10.0,), (500.0,))


@pytest.mark.parametrize("intensities", [PLAIN, FOUR_BANDS, FLOAT], ids=["plain", "uint16", "float32"])
def test_a_random_image_is_spread_over_the_range(intensities: Intensities) -> None:
    image = random_image((60, 50), intensities)
    assert image.shape == (60, 50, len(intensities.bands)) and image.dtype == intensities.dtype
    low, high = np.asarray(intensities.low), np.asarray(intensities.high)
    share = (image - low) / (high - low)
    assert share.min() >= -1e-6 and share.min() < 0.01 and 0.99 < share.max() <= 1


def test_a_recipe_takes_the_bands_of_its_data(tmp_path: Path) -> None:
    data = write_bands(tmp_path / "bands.h5", {"train": 4, "val": 2})
    target = find_target(None, "folder", [], data)
    assert target.recipe.model.input_bands == 4 and target.intensities == FOUR_BANDS
    with pytest.raises(RecipeError, match="model.input_bands: 5"):
        find_target(None, "folder", ["model.input_bands=5"], data)
