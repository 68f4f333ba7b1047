"""Where the fine branch can be left out: what the answer loses if easy images get the coarse answer alone."""

from collections.abc import Sequence
from dataclasses import dataclass

LOSS = 0.001
"""Share of all labelled pixels that the chosen threshold may cost."""


@dataclass(frozen=True)
class ImageErrors:
    """An image: its largest difficulty, labelled pixels, and those that the coarse and the final answer have right."""

    difficulty: float
    labelled: int
    coarse_right: int
    fused_right: int


@dataclass(frozen=True)
class Point:
    """easy_below: a difficulty. share: of the images none of whose pixels is more difficult. accuracy: share of pixels
    right where these have the coarse answer. loss: how much less that is than with the fine branch everywhere."""

    easy_below: float
    share: float
    accuracy: float
    loss: float


def curve(looks: Sequence[ImageErrors]) -> list[Point]:
    """From no image without the fine branch to all of them, the easiest first, equally difficult ones together; empty
    if nothing is labelled."""
    total = sum(look.labelled for look in looks)
    if not total:
        return []
    right = sum(look.fused_right for look in looks)
    points, lost = {-1.0: Point(-1.0, 0.0, right / total, 0.0)}, 0
    for count, look in enumerate(sorted(looks, key=lambda look: look.difficulty), 1):
        lost += look.fused_right - look.coarse_right
        share = count / len(looks)
        points[look.difficulty] = Point(look.difficulty, share, (right - lost) / total, lost / total)
    return list(points.values())


def threshold(points: Sequence[Point], loss: float = LOSS) -> Point | None:
    """The one that leaves the fine branch out most often for at most that loss. None without a curve.

    Never beyond the most difficult image that was looked at: what is harder than all of them is asked about in full.
    """
    return max((point for point in points if point.loss <= loss), key=lambda point: point.share, default=None)
