"""Where files say that nothing was measured, as rasterio's masks have it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")

from casnet_cli.data.pixels.read import info_of, read  # noqa: E402
from casnet_cli.prediction.gaps import gaps_of, may_have_gaps  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
PLACE = {"crs": "EPSG:32632", "transform": rasterio.Affine(1, 0, 5e5, 0, -1, 5e6)}


def written(file: Path, bands: np.ndarray, **options: Any) -> Path:
    form = {"driver": "GTiff", "count": len(bands), "height": 20, "width": 30, "dtype": bands.dtype}
    with rasterio.open(file, "w", **form, photometric="RGB", **options) as dataset:
        dataset.write(bands)
    return file


def test_no_data_is_where_all_bands_have_its_value(tmp_path: Path) -> None:
    bands = np.random.default_rng(0).integers(0, 3, (3, 20, 30)).astype(np.uint8)
    file = written(tmp_path / "a.tif", bands, nodata=0)
    found = gaps_of(read(file), oriented=True)
    with rasterio.open(file) as dataset:
        np.testing.assert_array_equal(found, dataset.dataset_mask() == 0)
    assert may_have_gaps(info_of(file)) and 0 < found.mean() < 0.2


def test_alpha_counts_on_the_earth(tmp_path: Path) -> None:
    bands = np.random.default_rng(0).integers(0, 256, (4, 20, 30)).astype(np.uint8)
    bands[3] = np.where(bands[3] > 60, 255, 0)
    file = written(tmp_path / "a.tif", bands, alpha="YES", **PLACE)
    with rasterio.open(file) as dataset:
        np.testing.assert_array_equal(gaps_of(read(file), oriented=False), dataset.dataset_mask() == 0)
    elsewhere = written(tmp_path / "b.tif", bands, alpha="YES")
    assert may_have_gaps(info_of(file)) and not may_have_gaps(info_of(elsewhere))
    assert not gaps_of(read(elsewhere), oriented=False).any()


def test_infrared_that_is_marked_as_alpha_is_none(tmp_path: Path) -> None:
    bands = np.random.default_rng(0).integers(0, 3, (4, 20, 30)).astype(np.uint8)
    assert not gaps_of(read(written(tmp_path / "a.tif", bands, alpha="YES", **PLACE)), oriented=False).any()
