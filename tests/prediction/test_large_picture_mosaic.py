"""A mosaic of 8,000 x 8,000 pixels and four bands of 16 bits, labelled in a process whose memory is measured."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio", reason="the extra geo is not installed")

from casnet_cli.labels import VOID  # noqa: E402

pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
SIDE, BORDER = 8000, 500
BYTES = SIDE * SIDE * 4 * 2
FORM = {
    "driver": "GTiff",
    "width": SIDE,
    "height": SIDE,
    "count": 4,
    "dtype": "uint16",
    "nodata": 0,
    "crs": "EPSG:32633",
    "transform": rasterio.Affine(0.2, 0, 399960.1, 0, -0.2, 5500000.3),
    "photometric": "RGB",
    "compress": "deflate",
    "interleave": "pixel",
}
LABELLING = """
import json, sys
from pathlib import Path
import numpy as np
import rasterio
from helpers.predictions import BlockPredictor, LABELS
from casnet_cli.data.intensities import Intensities
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.prediction.picture_reader import PictureReader
from casnet_cli.util.memory import memory_peak

TILE, STEP = 1281, 854

class Tiles(BlockPredictor):
    "Reads what a network reads: rows of overlapping tiles, each before the blocks that it gives."
    def _blocks(self, image):
        height, width = image.shape[:2]
        for top in range(0, height, STEP):
            for left in range(0, width, STEP):
                assert image[top : top + TILE, left : left + TILE].shape[2] == 4
            for row in range(top, min(top + STEP, height), 64):
                rows = slice(row, min(row + 64, top + STEP, height))
                for left in range(0, width, 1024):
                    columns = slice(left, min(left + 1024, width))
                    yield rows, columns, self.outputs(image[rows, columns])

def bright(image):
    mask = (image.mean(-1) > 2000).astype(np.uint8)
    return {"mask": mask, "difficulty": mask * 0.5, "confidence": np.full(mask.shape, 0.75)}

before = memory_peak()
bands = ("red", "green", "blue", "band 4")
reader = PictureReader(Intensities("uint16", bands, (0.0,) * 4, (4000.0,) * 4, nodata=0.0))
out = Path("out")
with Manifest(Outputs(out, LABELS, "run")) as manifest:
    (entry,) = predict_folder(Tiles(bright), find_images([Path("mosaic.tif")], out), manifest, reader)
print(json.dumps({"entry": entry, "bytes": memory_peak() - before}))
"""


def write(file: Path, **options: Any) -> None:
    """Squares of 32 pixels with no data at the left."""
    rng = np.random.default_rng(0)
    with rasterio.open(file, "w", **FORM, **options) as dataset:
        for top in range(0, SIDE, 320):
            squares = np.kron(
                rng.integers(1, 4000, (4, 10, SIDE // 32)).astype(np.uint16), np.ones((32, 32), np.uint16)
            )
            squares[..., :BORDER] = 0
            dataset.write(squares, window=((top, top + 320), (0, SIDE)))


@pytest.mark.parametrize("options", [{"tiled": True, "blockxsize": 256, "blockysize": 256}, {"blockysize": 16}])
def test_a_mosaic_is_labelled_in_a_part_of_its_memory(tmp_path: Path, options: dict[str, Any]) -> None:
    write(tmp_path / "mosaic.tif", **options)
    words = [sys.executable, "-c", LABELLING]
    done = subprocess.run(
        words, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["entry"]["status"] == "ok" and found["entry"]["overlay_step"] == 4
    assert found["bytes"] < 0.55 * BYTES  # whole, it would need its pixels twice, and the prediction
    with rasterio.open(tmp_path / "out" / "mosaic.tif") as mask, rasterio.open(tmp_path / "mosaic.tif") as given:
        assert (mask.width, mask.height, mask.crs, mask.transform) == (SIDE, SIDE, FORM["crs"], FORM["transform"])
        assert (mask.nodata, mask.dtypes) == (VOID, ("uint8",)) and len(mask.colormap(1)) == 256
        for top in (0, 3000, 7700):
            window = ((top, top + 300), (0, SIDE))
            pixels = given.read(window=window)
            expected = np.where((pixels == 0).all(0), VOID, pixels.mean(0) > 2000)
            np.testing.assert_array_equal(mask.read(1, window=window), expected)


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo of Debian's gdal-bin is not installed")
def test_gdal_reads_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "mosaic.tif", tiled=True, blockxsize=256, blockysize=256)
    subprocess.run([sys.executable, "-c", LABELLING], cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=600)

    def said(name: str) -> list[str]:
        words = ["gdalinfo", "-stats", str(tmp_path / name)]
        return [line.strip() for line in subprocess.check_output(words, text=True, timeout=300).splitlines()]

    given, mask, difficulty = said("mosaic.tif"), said("out/mosaic.tif"), said("out/mosaic.difficulty.tif")
    for found in (mask, difficulty):
        for line in ("Size is 8000, 8000", 'ID["EPSG",32633]]', *(each for each in given if "Origin" in each)):
            assert line in found and line in given
        assert "COMPRESSION=DEFLATE" in found
        assert any(line.startswith("Band 1 Block=256x256 Type=Byte") for line in found)
    assert "NoData Value=255" in mask and "Categories:" in mask and "class_1=bright" in mask
    assert "STATISTICS_MAXIMUM=1" in mask and "STATISTICS_VALID_PERCENT=93.75" in mask
    assert any(line.startswith("Offset: 0,   Scale:0.0039") for line in difficulty)
