from pathlib import Path

import helpers.counted
import numpy as np
import pytest

from casnet_cli.data.store import Store


@pytest.fixture
def counted(tmp_path: Path) -> Store:
    return helpers.counted.counted(tmp_path / "counted.h5")


def test_median_frequency_weights_are_those_of_their_definition(counted: Store) -> None:
    # Pixels of the class over the labelled pixels of the images that have it: sky 16 / 25, road 10 / 28, cow 52 / 53.
    frequency = np.array([16 / 25, 10 / 28, 52 / 53])
    weights = counted.statistics()["median_frequency_weights"]
    np.testing.assert_allclose(weights, np.median(frequency) / frequency, rtol=1e-12)


def test_sizes_are_counted(counted: Store) -> None:
    found = counted.statistics()
    assert sorted(found["sizes"]) == [[3, 1, 1], [4, 3, 1], [7, 3, 1], [50, 1, 1]] and found["different_sizes"] == 4
