"""Pictures of other types and bands in a predictor: mapped region by region, and void where nothing was measured."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.datasets import FOUR_BANDS, bands
from helpers.networks import lively, picture

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.inference import predictor
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.outputs import RANKING, evaluation_outputs
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.inference.stored_pixels import check_kind, unmeasured
from casnet_cli.inference.tiling import Axis, region

pytestmark = pytest.mark.usefixtures("uncompiled")

EVERYTHING = InferenceSettings(tta="multiscale", scale=1.25)


@pytest.mark.parametrize("settings", [InferenceSettings(), EVERYTHING, InferenceSettings(tile=33)])
def test_8_bit_rgb_gives_the_same_bits_with_a_mapping_that_changes_nothing(settings: InferenceSettings) -> None:
    image, mapped = picture(70, 90), replace(PLAIN, chosen=(1, 2, 3))
    assert PLAIN.plain and not mapped.plain
    plain, other = (
        KerasPredictor(lively(), settings, evaluation_outputs(2.0), intensities).predict(image)
        for intensities in (PLAIN, mapped)
    )
    assert plain.keys() == other.keys()
    for name, x in plain.items():
        np.testing.assert_array_equal(other[name], x, err_msg=name)


@pytest.mark.parametrize("settings", [InferenceSettings(), EVERYTHING, InferenceSettings(tile=33)])
def test_stored_values_give_what_the_mapped_picture_gives(settings: InferenceSettings) -> None:
    """A range of whole steps: 16 bits hold the 8-bit picture times 16 and plus 100."""
    image = picture(70, 90)
    deep = Intensities("uint16", low=(100.0,) * 3, high=(100.0 + 16 * 255,) * 3)
    stored = image.astype(np.uint16) * 16 + 100
    expected = KerasPredictor(lively(), settings).predict(image)
    found = KerasPredictor(lively(), settings, intensities=deep).predict(stored)
    assert len(np.unique(expected["mask"])) > 1
    np.testing.assert_array_equal(found["mask"], expected["mask"])
    np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-5)


def test_only_the_part_that_a_tile_needs_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    seen = Intensities.seen

    def noted(self: Intensities, pixels: np.ndarray, mean: object) -> np.ndarray:
        sizes.append(pixels.shape[0] * pixels.shape[1])
        return seen(self, pixels, mean)  # type: ignore[arg-type]

    monkeypatch.setattr(Intensities, "seen", noted)
    image = np.tile(bands(0, 96, 80), (2, 2, 1))
    model = lively(input_bands=4)
    KerasPredictor(model, InferenceSettings(tile=49), intensities=FOUR_BANDS).predict(image)
    assert len(sizes) > 4 and max(sizes) <= 49 * 49 < image.shape[0] * image.shape[1]


def test_where_nothing_was_measured_the_network_gets_the_mean_colour_also_when_enlarged() -> None:
    intensities = Intensities("float32", ("elevation",), (0.0,), (1.0,))
    image = np.full((20, 20, 1), 0.5, np.float32)
    image[5:9, 5:9] = np.nan
    axes = Axis(20, 2.0, 16), Axis(20, 2.0, 16)
    given = region(image, axes, (slice(0, axes[0].cells), slice(0, axes[1].cells)), (100.0,), intensities)
    assert given.dtype == np.float32 and np.isfinite(given).all()
    assert given[2, 2] == 127.5 and given[14, 14] == 100.0 and given[-1, -1] == 100.0  # beyond the image too
    assert given.min() == 100.0 and given.max() == 127.5


@pytest.mark.parametrize("settings", [InferenceSettings(), InferenceSettings(tile=33), InferenceSettings(tta="flip")])
def test_unmeasured_pixels_are_void_and_not_difficult(settings: InferenceSettings) -> None:
    intensities = replace(FOUR_BANDS, nodata=0.0)
    image = bands(0, 60, 50)
    image[10:30, 20:40] = 0
    image[40, 40, :3] = 0  # in three bands of four
    outputs = KerasPredictor(lively(input_bands=4), settings, RANKING, intensities).predict(image)
    inside = np.zeros(image.shape[:2], bool)
    inside[10:30, 20:40] = True
    np.testing.assert_array_equal(outputs["mask"] == 255, inside)
    for name in ("difficulty", "entropy", "margin"):
        assert not outputs[name][inside].any() and (outputs[name][~inside] > 0).all()


def test_blocks_are_void_where_their_own_pixels_are(monkeypatch: pytest.MonkeyPatch) -> None:
    intensities = replace(FOUR_BANDS, nodata=0.0)
    image = bands(0, 60, 50)
    image[10:30, 20:40] = 0
    whole = KerasPredictor(lively(input_bands=4), InferenceSettings(), intensities=intensities).predict(image)
    monkeypatch.setattr(predictor, "BLOCK_VALUES", 400)
    monkeypatch.setattr(predictor, "BLOCK_WIDTH", 17)
    parts = KerasPredictor(lively(input_bands=4), InferenceSettings(), intensities=intensities).predict(image)
    np.testing.assert_array_equal(parts["mask"], whole["mask"])


def test_plain_outputs_are_handed_on_as_they_are() -> None:
    outputs = {"mask": np.zeros((2, 2), np.uint8)}
    assert unmeasured(outputs, np.zeros((2, 2, 3), np.uint8), PLAIN, 2) is outputs


@pytest.mark.parametrize(
    "image", [np.zeros((4, 5, 4), np.uint8), np.zeros((4, 5, 3), np.uint16), np.zeros((4, 5), np.uint16)]
)
def test_another_kind_of_picture_is_refused_in_words(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^is 4×5.* and this run takes height×width×4 uint16$"):
        check_kind(image, FOUR_BANDS)
    KerasPredictor(lively(input_bands=4), InferenceSettings(), intensities=FOUR_BANDS).prepare(bands(0))


def test_memory_of_the_network_grows_with_the_bands() -> None:
    costs = [lively(input_bands=count) for count in (3, 12)]
    three, twelve = (KerasPredictor(model, InferenceSettings()).network for model in costs)
    assert twelve.bytes_per_pixel - three.bytes_per_pixel == 9 * 12 and twelve.bands == 12
    assert len(twelve.mean) == 12
