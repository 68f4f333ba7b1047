import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.augmentation import augment, jitter, scaled_crop
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
