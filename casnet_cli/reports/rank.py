"""The page of `casnet rank`: the images to label first, their hard regions outlined."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image, ImageDraw

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.read import content_of
from casnet_cli.data.pixels.take import shown, take
from casnet_cli.prediction.large_picture import UnreadablePart, open_large
from casnet_cli.ranking.image_scores import HardRegion, ListedImage, hard_classes
from casnet_cli.reports.html import Picture, picture, render
from casnet_cli.reports.panels import YELLOW
from casnet_cli.util.text import count

LONGEST = 360
"""Pixels of the longer side of a picture."""

TITLE = "To label first, "
"""How the title of every such page begins."""

ORDERS = {"mixed": "by difficulty and variety", "random": "in random order"}
"""Orders in words, those that are not by what they are called."""


def page(images: Sequence[ListedImage], total: int, by: str, title: str, intensities: Intensities = PLAIN) -> str:
    """The text of the page. images: those shown. total: how many are on the list. by: the order. title: of the run.
    intensities: of the run's pictures.
    """
    cards = [
        {
            "rank": image.rank,
            "file": image.line["file"],
            "difficulty": image.line["difficulty"],
            "hard": image.line["hard_share"],
            "classes": hard_classes(image.line),
            "picture": outlined(image.line, intensities),
        }
        for image in images
    ]
    return render("rank.html", title=f"{TITLE}{ORDERS.get(by, f'by {by}')}", run=title, cards=cards, total=total)


class OutlinedImage(TypedDict):
    """What is known of an image that is drawn; an `ImageLine` is one."""

    file: str
    """The image."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    regions: list[HardRegion]
    """Those that get a box."""


def outlined(line: OutlinedImage, intensities: Intensities = PLAIN, longest: int = LONGEST) -> Picture | None:
    """The image as the network sees it, reduced, with a box around each hard region; None if it is gone.

    longest: pixels of its longer side at most.
    """
    try:
        file = Path(line["file"])
        large = open_large(file, intensities)
        pixels = large.reduced() if large else take(content_of(file), intensities, oriented=True)
        image = Image.fromarray(shown(pixels, intensities))
    except (*UNREADABLE, UnreadablePart):
        return None
    size = line["width"], line["height"]
    scale = min(1.0, longest / max(size))
    image = image.resize([max(1, round(side * scale)) for side in size], Image.Resampling.BOX)
    pen = ImageDraw.Draw(image)
    for region in line["regions"]:
        x, y = region["x"] * scale, region["y"] * scale
        corner = (
            max(x, (region["x"] + region["width"]) * scale - 1),
            max(y, (region["y"] + region["height"]) * scale - 1),
        )
        pen.rectangle((x, y, *corner), outline=YELLOW, width=2)
    return picture(np.asarray(image), f"{line['file']}, {count(len(line['regions']), 'hard region')}", longest)
