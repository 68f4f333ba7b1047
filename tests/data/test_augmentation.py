import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.augmentation import augment, jitter, jitter_bands, scaled_crop
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.picture import COLORS
from casnet_cli.labels import VOID
from casnet_cli.recipe import AugmentationSection

MEAN = (124.0, 117.0, 104.0)


def pair(width: int, height: int) -> tuple[Image.Image, Image.Image]:
    """Columns and rows readable from the pixels; the label is the same picture in coarse steps."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    image = np.stack([x, y, 0 * x], -1).astype(np.uint8)
    return Image.fromarray(image), Image.fromarray((x // 8).astype(np.uint8))


def test_at_scale_1_the_crop_is_a_plain_cut() -> None:
    image, label = pair(60, 50)
    pixels, ids = scaled_crop(image, label, 33, 1.0, np.array([0.5, 1.0]), MEAN)
    left, top = round((60 - 33) * 0.5), 50 - 33
    np.testing.assert_array_equal(pixels, np.asarray(image)[top:, left : left + 33])
    np.testing.assert_array_equal(ids, np.asarray(label)[top:, left : left + 33])


@pytest.mark.parametrize("scale", [0.5, 0.77, 1.3, 2.0])
def test_image_and_label_stay_together(scale: float) -> None:
    image, label = pair(200, 160)
    pixels, ids = scaled_crop(image, label, 65, scale, np.array([0.3, 0.6]), MEAN)
    known = ids != VOID
    column_of_pixel = pixels[..., 0].astype(float)
    inside = np.abs(column_of_pixel / 8 - ids - 0.5) < 0.5 + 2 / 8
    assert inside[known].mean() > 0.99
    assert known.all() if scale * 160 >= 65 else not known.all()


def test_smaller_than_the_crop_is_padded_with_mean_and_void() -> None:
    image, label = pair(20, 10)
    pixels, ids = scaled_crop(image, label, 33, 1.0, np.array([1.0, 0.0]), MEAN)
    np.testing.assert_array_equal(ids[:10, 13:], np.asarray(label))
    assert (ids == VOID).sum() == 33 * 33 - 200
    assert (pixels[ids == VOID] == np.rint(MEAN)).all()


def test_scale_is_uniform_in_the_range_and_places_cover_the_image() -> None:
    image, label = pair(200, 200)
    section = AugmentationSection(crop=33, scales=(0.5, 2.0))
    corners = []
    for seed in range(300):
        pixels, _ = augment(image, label, section, MEAN, np.random.default_rng(seed))
        row = pixels[16, :, 0].astype(float)
        corners.append((row[0], 32 / max(row[-1] - row[0], 1)))
    starts, scales = np.array(corners).T
    assert starts.min() < 10 and starts.max() > 150
    assert scales.min() < 0.6 and scales.max() > 1.8 and abs(np.median(scales) - 1.25) < 0.15


def test_mirror_flips_both() -> None:
    image, label = pair(33, 33)
    section = AugmentationSection(crop=33, scales=(1.0, 1.0), mirror=True)
    flips = set()
    for seed in range(20):
        pixels, ids = augment(image, label, section, MEAN, np.random.default_rng(seed))
        flipped = bool(pixels[0, 0, 0] > pixels[0, -1, 0])
        flips.add(flipped)
        np.testing.assert_array_equal(ids, np.asarray(label)[:, ::-1] if flipped else np.asarray(label))
    assert flips == {True, False}


def test_jitter_of_one_changes_nothing_and_more_brightens() -> None:
    pixels = np.random.default_rng(0).integers(0, 200, (8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(jitter(pixels, np.ones(3)), pixels)
    assert jitter(pixels, np.array([1.2, 1.0, 1.0])).mean() > 1.1 * pixels.mean()


def test_same_generator_same_crop() -> None:
    image, label = pair(90, 70)
    section = AugmentationSection(crop=33, mirror=True, color_jitter=0.3)
    one, two, other = (augment(image, label, section, MEAN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True)) and (one[0] != other[0]).any()


FLOATS = Intensities("float32", (*COLORS, "fourth"), (0.0,) * 4, (255.0,) * 4)


def smooth(width: int, height: int, bands: int) -> np.ndarray:
    """(H, W, bands) float32 in 0..255 without steps."""
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    return np.stack([127.5 + 100 * np.sin((k + 2) * x + y * (k + 1)) for k in range(bands)], -1).astype(np.float32)


@pytest.mark.parametrize(("scale", "place"), [(0.37, (0.2, 0.9)), (1.0, (0.5, 1.0)), (1.7, (0.0, 0.4)), (0.1, (1, 0))])
def test_bands_are_cut_and_scaled_like_the_colours_of_a_photograph(scale: float, place: tuple[float, float]) -> None:
    rounded = np.rint(smooth(200, 160, 3)).astype(np.uint8)
    label = Image.fromarray((np.arange(200 * 160).reshape(160, 200) % 7).astype(np.uint8))
    expected, ids = scaled_crop(Image.fromarray(rounded), label, 65, scale, np.array(place), MEAN)
    bands = np.concatenate([rounded, rounded[..., :1]], -1).astype(np.float32)
    pixels, other = scaled_crop(bands, label, 65, scale, np.array(place), (*MEAN, 124.0), FLOATS)
    assert pixels.shape == (65, 65, 4) and pixels.dtype == np.float32
    np.testing.assert_array_equal(ids, other)
    np.testing.assert_allclose(pixels[..., :3], expected, atol=1.01)
    np.testing.assert_array_equal(pixels[..., 3], pixels[..., 0])
    deep = Intensities("uint16", FLOATS.bands, (100.0,) * 4, (100.0 + 255 * 8,) * 4)
    again, _ = scaled_crop((bands * 8 + 100).astype(np.uint16), label, 65, scale, np.array(place), (*MEAN, 124.0), deep)
    np.testing.assert_allclose(again, pixels, atol=0.01)


def test_jitter_of_bands_is_that_of_a_photograph_and_moves_no_colour_into_a_further_band() -> None:
    rounded = np.rint(smooth(40, 30, 4)).astype(np.uint8)
    for factors in ((1.2, 1, 1), (1, 0.7, 1), (1, 1, 1.4), (0.8, 1.2, 0.6)):
        expected = jitter(rounded[..., :3], np.array(factors))
        found = jitter_bands(rounded.astype(np.float32), np.array(factors), True)
        np.testing.assert_allclose(found[..., :3], expected, atol=3)
        fourth, middle = rounded[..., 3] * factors[0], np.mean(rounded[..., 3] * factors[0])
        np.testing.assert_allclose(found[..., 3], np.clip(middle + factors[1] * (fourth - middle), 0, 255), atol=0.1)
        without = jitter_bands(rounded.astype(np.float32), np.array(factors), False)
        assert factors[2] == 1 or not np.allclose(without[..., :3], found[..., :3], atol=1)
    np.testing.assert_array_equal(jitter_bands(rounded.astype(np.float32), np.ones(3), True), rounded)


def test_bands_go_through_every_augmentation() -> None:
    section = AugmentationSection(crop=33, mirror=True, color_jitter=0.3)
    label = Image.fromarray(np.zeros((50, 60), np.uint8))
    for bands in (1, 2, 4):
        image, mean = smooth(60, 50, bands), (10.0,) * bands
        floats = Intensities("float32", tuple(map(str, range(bands))), (0.0,) * bands, (255.0,) * bands)
        pixels, ids = augment(image, label, section, mean, np.random.default_rng(1), floats)
        assert pixels.shape == (33, 33, bands) and pixels.dtype == np.float32 and ids.shape == (33, 33)
        assert pixels.min() >= 0 and pixels.max() <= 255
        again, _ = augment(image, label, section, mean, np.random.default_rng(1), floats)
        np.testing.assert_array_equal(pixels, again)
