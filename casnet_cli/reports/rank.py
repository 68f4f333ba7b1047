"""The page of `casnet rank`: the images to label first, their hard regions outlined."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from casnet_cli.data.images import UNREADABLE, as_array, decode_rgb
from casnet_cli.reports.html import Picture, picture, render

LONGEST, YELLOW = 360, (255, 220, 0)


def page(
    rows: Sequence[tuple[int, float, dict[str, Any]]],
    total: int,
    by: str,
    title: str,
    hard_classes: Callable[[dict[str, Any]], str],
) -> str:
    """rows: rank, value and line of the manifest of each image shown. total: how many are on the list."""
    cards = [
        {
            "rank": number,
            "file": record["file"],
            "value": value,
            "difficulty": record["difficulty"],
            "hard": record["hard_share"],
            "classes": hard_classes(record),
            "picture": outlined(record),
        }
        for number, value, record in rows
    ]
    return render("rank.html", title=f"To label first, by {by}", asked=title, cards=cards, total=total)


def outlined(record: dict[str, Any]) -> Picture | None:
    """The image, reduced, with a box around each hard region; None if it is gone."""
    try:
        with open(record["file"], "rb") as file:
            image = Image.fromarray(as_array(decode_rgb(file, oriented=True)))
    except UNREADABLE:
        return None
    scale = min(1.0, LONGEST / max(image.size))
    image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BOX)
    pen = ImageDraw.Draw(image)
    for region in record["regions"]:
        x, y = region["x"] * scale, region["y"] * scale
        corner = (
            max(x, (region["x"] + region["width"]) * scale - 1),
            max(y, (region["y"] + region["height"]) * scale - 1),
        )
        pen.rectangle((x, y, *corner), outline=YELLOW, width=2)
    return picture(np.asarray(image), f"{record['file']}, {len(record['regions'])} hard regions", LONGEST)
