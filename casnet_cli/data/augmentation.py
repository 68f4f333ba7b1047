"""Random scaling, translation, mirroring and colour (section 4.2): pure functions of image, label and generator."""

import numpy as np
from PIL import Image, ImageEnhance

from casnet_cli.labels import VOID
from casnet_cli.recipe import AugmentationSection


def augment(
    image: Image.Image,
    label: Image.Image,
    section: AugmentationSection,
    mean: tuple[float, float, float],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """One crop: image (crop, crop, 3) uint8 and label (crop, crop) uint8, transformed together.

    What the crop has beyond the image's border is the mean colour, RGB in 0..255, and void.
    """
    pixels, ids = scaled_crop(image, label, section.crop, rng.uniform(*section.scales), rng.uniform(size=2), mean)
    if section.mirror and rng.random() < 0.5:
        pixels, ids = pixels[:, ::-1], ids[:, ::-1]
    if section.color_jitter:
        pixels = jitter(pixels, 1 + section.color_jitter * rng.uniform(-1, 1, size=3))
    return np.ascontiguousarray(pixels), np.ascontiguousarray(ids)


def scaled_crop(
    image: Image.Image,
    label: Image.Image,
    crop: int,
    scale: float,
    place: np.ndarray,
    mean: tuple[float, float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of image and label, both scaled by `scale`.

    place: (2,) position across and down in 0..1, where 0 is the left or upper end of the possible positions. Only the
    part that is needed is scaled: bilinear with anti-aliasing for the image, nearest neighbour for the label.
    """
    pixels = np.empty((crop, crop, 3), np.uint8)
    pixels[:] = np.rint(mean)
    ids = np.full((crop, crop), VOID, np.uint8)
    box, spans = [], []
    for side, fraction in zip(image.size, place, strict=True):
        scaled = max(1, round(side * scale))
        taken = min(crop, scaled)
        source = round((scaled - taken) * fraction)  # into the scaled image
        target = round((crop - taken) * fraction)  # into the crop
        box.append((source * side / scaled, min(side, (source + taken) * side / scaled)))
        spans.append((target, target + taken))
    (left, right), (top, bottom) = box
    (x0, x1), (y0, y1) = spans
    size, area = (x1 - x0, y1 - y0), (left, top, right, bottom)
    pixels[y0:y1, x0:x1] = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=area))
    ids[y0:y1, x0:x1] = np.asarray(label.resize(size, Image.Resampling.NEAREST, box=area))
    return pixels, ids


def jitter(pixels: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 with brightness, contrast and saturation multiplied by one of the three factors each."""
    image = Image.fromarray(pixels)
    for enhance, factor in zip(
        (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), factors, strict=True
    ):
        image = enhance(image).enhance(float(factor))
    return np.asarray(image)
