"""What `Segmenter.predict` takes, with a plain function in the network's place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from helpers.datasets import FOUR_BANDS, LABELS, FunctionPredictor, bands
from PIL import Image

from casnet_cli.api import Segmenter
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import InputError

GREY = Intensities("uint16", ("grey",), (0.0,), (4095.0,))


@pytest.fixture
def got() -> list[np.ndarray]:
    """The images that the network was given."""
    return []


def segmenter(got: list[np.ndarray], intensities: Intensities) -> Segmenter:
    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        got.append(image)
        size = image.shape[:2]
        return {"mask": np.zeros(size, np.uint8), "difficulty": np.zeros(size), "probabilities": np.zeros((3, *size))}

    return Segmenter(FunctionPredictor(outputs), LABELS, intensities)


def test_arrays_and_files_of_a_run_on_four_bands(got: list[np.ndarray], tmp_path: Path) -> None:
    pixels, model = bands(1), segmenter(got, FOUR_BANDS)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig")
    for given in (pixels, tmp_path / "a.tif", str(tmp_path / "a.tif")):
        assert model.predict(given).probabilities.shape == (*pixels.shape[:2], 3)
        np.testing.assert_array_equal(got[-1], pixels)
        assert got[-1].dtype == np.uint16
    assert model.intensities == FOUR_BANDS


def test_a_pillow_image_of_a_run_on_grey_of_16_bits(got: list[np.ndarray]) -> None:
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5) * 200
    segmenter(got, GREY).predict(Image.fromarray(pixels))
    np.testing.assert_array_equal(got[0], pixels[..., None])


@pytest.mark.parametrize(
    ("intensities", "image", "expected"),
    [
        (FOUR_BANDS, bands(1)[..., :3], r"uint16 \(40, 48, 3\) \(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, bands(1).astype(np.float32), r"float32 .* \(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, bands(1)[:0], r"\(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, Image.new("RGB", (4, 5)), r"uint8 \(5, 4, 3\) \(\(H, W, 4\) uint16\)"),
        (GREY, Image.new("RGB", (4, 5)), r"\(\(H, W, 1\) uint16\)"),
        (PLAIN, bands(1), r"\(\(H, W, 3\) uint8 RGB\)"),
        (PLAIN, Image.new("I;16", (4, 5)), r"uint16 \(5, 4, 1\) \(\(H, W, 3\) uint8 RGB\)"),
        (PLAIN, Image.new("F", (4, 5)), r"float32 .* \(\(H, W, 3\) uint8 RGB\)"),
    ],
)
def test_others_are_refused(got: list[np.ndarray], intensities: Intensities, image: Any, expected: str) -> None:
    with pytest.raises(InputError, match=f"^image: .*{expected}$"):
        segmenter(got, intensities).predict(image)
    assert not got


def test_a_deep_file_for_a_run_on_8_bits_is_refused(got: list[np.ndarray], tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 5), 4000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match="deep.png: has 16-bit values.*--range"):
        segmenter(got, PLAIN).predict(tmp_path / "deep.png")
