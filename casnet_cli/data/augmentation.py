"""Random scaling, translation, mirroring and colour (section 4.2): pure functions of image, label and generator."""

import math

import numpy as np
from PIL import Image, ImageEnhance

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.labels import VOID
from casnet_cli.recipe import AugmentationSection

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the grey of a picture."""


def augment(
    image: Image.Image | np.ndarray,
    label: Image.Image,
    section: AugmentationSection,
    mean: tuple[float, ...],
    rng: np.random.Generator,
    intensities: Intensities = PLAIN,
    held: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One crop: image (crop, crop, N) and label (crop, crop) uint8, transformed together.

    image: 8-bit RGB, of which the crop is uint8; or (H, W, N) stored values of these intensities, of which the crop is
    what the network sees, float32 in 0..255. What the crop has beyond the image's border is the mean colour, (N) in
    0..255, and void. held: a class of which the crop is to hold a pixel; the label has some.
    """
    scale, place = rng.uniform(*section.scales), rng.uniform(size=2)
    if held is not None:
        place = place_around(label, held, section.crop, scale, place, rng)
    pixels, ids = scaled_crop(image, label, section.crop, scale, place, mean, intensities)
    if section.mirror and rng.random() < 0.5:
        pixels, ids = pixels[:, ::-1], ids[:, ::-1]
    if section.mirror_vertical and rng.random() < 0.5:
        pixels, ids = pixels[::-1], ids[::-1]
    if section.quarter_turns:
        turns = int(rng.integers(4))
        pixels, ids = np.rot90(pixels, turns), np.rot90(ids, turns)
    if section.color_jitter:
        factors = 1 + section.color_jitter * rng.uniform(-1, 1, size=3)
        pixels = (
            jitter(pixels, factors) if pixels.dtype == np.uint8 else jitter_bands(pixels, factors, intensities.colors)
        )
    return np.ascontiguousarray(pixels), np.ascontiguousarray(ids)


def place_around(
    label: Image.Image, held: int, crop: int, scale: float, place: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The place, for `scaled_crop`, of a crop around a random pixel of class `held` of the label.

    place: (2,) in 0..1, where in the crop that pixel comes to lie as far as the borders of the image allow.
    """
    found = np.flatnonzero(np.asarray(label) == held)
    down, across = divmod(int(rng.choice(found)), label.width)
    places = []
    for side, pixel, fraction in zip(label.size, (across, down), place, strict=True):
        scaled = max(1, round(side * scale))
        free = scaled - min(crop, scaled)  # positions of the crop in the scaled image, less one
        source = (pixel + 0.5) * scaled / side - fraction * min(crop, scaled)
        places.append(min(1.0, max(0.0, source / free)) if free else fraction)
    return np.asarray(places)


def scaled_crop(
    image: Image.Image | np.ndarray,
    label: Image.Image,
    crop: int,
    scale: float,
    place: np.ndarray,
    mean: tuple[float, ...],
    intensities: Intensities = PLAIN,
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of image and label, both scaled by `scale`; types and shapes are those of `augment`.

    place: (2,) position across and down in 0..1, where 0 is the left or upper end of the possible positions. Only the
    part that is needed is scaled: bilinear with anti-aliasing for the image, nearest neighbour for the label.
    """
    if isinstance(image, Image.Image):
        pixels = np.empty((crop, crop, 3), np.uint8)
        pixels[:] = np.rint(mean)
    else:
        pixels = np.empty((crop, crop, image.shape[-1]), np.float32)
        pixels[:] = mean
    ids = np.full((crop, crop), VOID, np.uint8)
    box, spans = [], []
    for side, fraction in zip(label.size, place, strict=True):
        scaled = max(1, round(side * scale))
        taken = min(crop, scaled)
        source = round((scaled - taken) * fraction)  # into the scaled image
        target = round((crop - taken) * fraction)  # into the crop
        box.append((source * side / scaled, min(side, (source + taken) * side / scaled)))
        spans.append((target, target + taken))
    (left, right), (top, bottom) = box
    (x0, x1), (y0, y1) = spans
    size, area = (x1 - x0, y1 - y0), (left, top, right, bottom)
    if isinstance(image, Image.Image):
        pixels[y0:y1, x0:x1] = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=area))
    else:
        pixels[y0:y1, x0:x1] = _seen(image, size, area, mean, intensities)
    ids[y0:y1, x0:x1] = np.asarray(label.resize(size, Image.Resampling.NEAREST, box=area))
    return pixels, ids


def _seen(
    image: np.ndarray,
    size: tuple[int, int],
    area: tuple[float, float, float, float],
    mean: tuple[float, ...],
    intensities: Intensities,
) -> np.ndarray:
    """The area (left, top, right, bottom) of stored values as the network sees it, at a size of width and height.

    Bilinear with anti-aliasing; only what the filter reaches is mapped.
    """
    reach = [math.ceil((area[axis + 2] - area[axis]) / size[axis]) + 1 for axis in (0, 1)]
    left, top = (max(0, math.floor(area[axis]) - reach[axis]) for axis in (0, 1))
    cut = image[top : math.ceil(area[3]) + reach[1], left : math.ceil(area[2]) + reach[0]]
    box = (area[0] - left, area[1] - top, area[2] - left, area[3] - top)
    seen = intensities.seen(cut, mean).astype(np.float32, copy=False)
    bands = (Image.fromarray(np.ascontiguousarray(seen[..., band])) for band in range(seen.shape[-1]))
    return np.stack([np.asarray(band.resize(size, Image.Resampling.BILINEAR, box=box)) for band in bands], axis=-1)


def jitter(pixels: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 with brightness, contrast and saturation multiplied by one of the three factors each."""
    image = Image.fromarray(pixels)
    for enhance, factor in zip(
        (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), factors, strict=True
    ):
        image = enhance(image).enhance(float(factor))
    return np.asarray(image)


def jitter_bands(pixels: np.ndarray, factors: np.ndarray, colors: bool) -> np.ndarray:
    """The same of (H, W, N) float32 in 0..255; saturation changes the first three bands alone, where they are colours.

    Contrast is that around the mean grey of the colours, and around the mean of each other band.
    """
    brightness, contrast, saturation = (np.float32(factor) for factor in factors)
    found = np.clip(pixels * brightness, 0, 255)
    middle = found.mean(axis=(0, 1))
    if colors:
        middle[:3] = middle[:3] @ np.asarray(LUMINANCE, np.float32)
    found = np.clip(middle + contrast * (found - middle), 0, 255)
    if colors:
        grey = found[..., :3] @ np.asarray(LUMINANCE, np.float32)[:, None]
        found[..., :3] = np.clip(grey + saturation * (found[..., :3] - grey), 0, 255)
    return found
