"""Pictures in the manner of the paper's figures 3 and 4: panels of one image side by side, with a legend."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from casnet_cli.data.images import colored
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.ranking.image_scores import HARD

GAP, CAPTION, LEGEND = 6, 22, 20
"""Pixels between panels, and the heights of a caption and of a row of the legend."""

INK, PAPER = (32, 33, 36), (255, 255, 255)
YELLOW = (255, 220, 0)
"""Colour of what is outlined in pictures, here and on pages."""

_HEAT = np.array([(13, 8, 60), (120, 28, 109), (220, 80, 60), (250, 170, 40), (252, 255, 164)], np.float64)


def strip(image: np.ndarray, truth: np.ndarray | None, outputs: PixelOutputs, labels: LabelSet) -> Image.Image:
    """Input, truth, difficulty with the hard regions in yellow boxes, coarse output, final output, errors.

    image (H, W, 3) uint8; truth (H, W) ids or None; outputs: those for the image, (H, W) each. Panels without content
    are left out.
    """
    panels = [("input", image)]
    if truth is not None:
        panels.append(("truth", colored(truth, labels)))
    panels.append(("difficulty", boxed(heat(outputs["difficulty"]), outputs["difficulty"])))
    if "coarse" in outputs:
        panels.append(("coarse", colored(outputs["coarse"], labels)))
    panels.append(("final", colored(outputs["mask"], labels)))
    if truth is not None:
        panels.append(("errors", errors(image, truth, outputs["mask"])))
    shown = np.unique(np.concatenate([outputs["mask"].ravel(), *([truth.ravel()] if truth is not None else [])]))
    return _row(panels, [(labels.names[k], labels.palette[k]) for k in shown if k != VOID])


def heat(values: np.ndarray) -> np.ndarray:
    """(H, W) 0..1 → (H, W, 3) uint8, dark = 0, bright = 1."""
    position = np.clip(values, 0, 1) * (len(_HEAT) - 1)
    stops = np.arange(len(_HEAT))
    return np.stack([np.interp(position, stops, _HEAT[:, channel]) for channel in range(3)], -1).astype(np.uint8)


def boxed(picture: np.ndarray, difficulty: np.ndarray, most: int = 6) -> np.ndarray:
    """Yellow boxes around the largest connected regions of difficult pixels, as in figure 4."""
    regions, count = ndimage.label(ndimage.binary_opening(difficulty > HARD, iterations=2))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    drawn = Image.fromarray(picture)
    pen = ImageDraw.Draw(drawn)
    boxes = ndimage.find_objects(regions)
    for region in sorted(range(1, count + 1), key=lambda region: -sizes[region])[:most]:
        rows, columns = boxes[region - 1]
        if sizes[region] * 500 >= difficulty.size:
            pen.rectangle((columns.start, rows.start, columns.stop - 1, rows.stop - 1), outline=YELLOW, width=2)
    return np.asarray(drawn)


def errors(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The faded image with wrong pixels red and unlabelled ones grey."""
    picture = (image * 0.35 + 255 * 0.65).astype(np.uint8)
    picture[(mask != truth) & (truth != VOID)] = (214, 39, 40)
    picture[truth == VOID] = (150, 150, 150)
    return picture


def stack(strips: Sequence[Image.Image]) -> Image.Image:
    """Pictures one below the other on one sheet."""
    sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), PAPER)
    top = 0
    for picture in strips:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet


def _row(panels: list[tuple[str, np.ndarray]], legend: list[tuple[str, tuple[int, int, int]]]) -> Image.Image:
    font = ImageFont.load_default(14)
    height, width = panels[0][1].shape[:2]
    total = GAP + len(panels) * (width + GAP)
    places = _legend_places(legend, font, total)
    rows = 1 + max((row for _, row in places), default=-1)
    sheet = Image.new("RGB", (total, CAPTION + height + GAP + rows * LEGEND + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, (caption, picture) in enumerate(panels):
        left = GAP + index * (width + GAP)
        pen.text((left, 3), caption, INK, font)
        sheet.paste(Image.fromarray(picture), (left, CAPTION))
    for (left, row), (name, color) in zip(places, legend, strict=True):
        top = CAPTION + height + GAP + row * LEGEND
        pen.rectangle((left, top + 2, left + 14, top + 14), color, INK)
        pen.text((left + 20, top), name, INK, font)
    return sheet


def _legend_places(
    legend: list[tuple[str, tuple[int, int, int]]], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[tuple[int, int]]:
    places, left, row = [], GAP, 0
    for name, _ in legend:
        needed = 20 + int(font.getlength(name)) + 16
        if left + needed > width and left > GAP:
            left, row = GAP, row + 1
        places.append((left, row))
        left += needed
    return places
