"""Leaving the fine branch out: what accuracy costs if easy images get the coarse output alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

LOSS = 0.001
"""Pixel accuracy that the threshold may cost, a fraction."""


@dataclass(frozen=True)
class ImageErrors:
    """Difficulty and right pixels of one image."""

    difficulty: float
    """The largest of its pixels, 0..1."""
    labelled: int
    """Labelled pixels."""
    coarse_right: int
    """Those that the coarse output has right."""
    fused_right: int
    """Those that the final output has right."""


@dataclass(frozen=True)
class Point:
    """A threshold of difficulty, and what it saves and costs."""

    easy_below: float
    """Images none of whose pixels is more difficult get the coarse output."""
    share: float
    """Share of the images that get it."""
    accuracy: float
    """Pixel accuracy then."""
    loss: float
    """How much lower that is than with the fine branch everywhere."""


class TimedPoint(TypedDict):
    """A `Point` with the time of an image."""

    easy_below: float
    """Images none of whose pixels is more difficult get the coarse output."""
    share: float
    """Share of the images that get it."""
    accuracy: float
    """Pixel accuracy then."""
    loss: float
    """How much lower that is than with the fine branch everywhere."""
    seconds: float
    """Mean time of an image."""


class EarlyExitRecord(TypedDict):
    """What leaving the fine branch out costs and saves on a run's images, as `casnet bench --json` writes it."""

    images: int
    """Images measured."""
    always_seconds: float
    """Time of an image with the fine branch."""
    never_seconds: float
    """Time of an image without it."""
    points: list[TimedPoint]
    """The curve, from no image without the fine branch to all of them."""
    chosen: TimedPoint | None
    """The point of the threshold that validation chose; null: it chose none."""


def curve(images: Sequence[ImageErrors]) -> list[Point]:
    """The points from no image without the fine branch to all of them, the easiest first, equally difficult ones
    together; empty if nothing is labelled."""
    total = sum(image.labelled for image in images)
    if not total:
        return []
    right = sum(image.fused_right for image in images)
    points, lost = {-1.0: Point(-1.0, 0.0, right / total, 0.0)}, 0
    for count, image in enumerate(sorted(images, key=lambda image: image.difficulty), 1):
        lost += image.fused_right - image.coarse_right
        share = count / len(images)
        points[image.difficulty] = Point(image.difficulty, share, (right - lost) / total, lost / total)
    return list(points.values())


def threshold(points: Sequence[Point], loss: float = LOSS) -> Point | None:
    """The point that leaves the fine branch out most often for at most that loss. None without points.

    Never beyond the most difficult image that was measured: a harder one gets the fine branch.
    """
    return max((point for point in points if point.loss <= loss), key=lambda point: point.share, default=None)
