"""Whether masks were scaled with blending, smoothed or compressed: a few values fill areas, many lie in the borders."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from casnet_cli.data.annotations.mask_file import unpack_color

THIN = 0.05
"""Share of a value's pixels within areas of it, under which the value occurs in borders alone."""

FEWEST, FEWEST_LOSSY = 8, 3
"""Different values in borders from which on blending is likely; in files that compression has changed."""

MOST_THIN = 0.35
"""Largest share of the pixels that lie in borders; where there are more, the files are no masks."""

RINGING = 24
"""Difference up to which compression makes an area of its own beside that of a class."""

ASIDE = 40
"""Largest difference in a channel of a blended colour from the line between the two that were blended."""

LOOKED_AT = 500
"""Colours of borders, the most frequent ones, that are compared with such lines."""


@dataclass(frozen=True)
class Blending:
    """What blending has made of masks."""

    solid: tuple[int, ...]
    """Values or packed colours that fill areas, the most frequent first: these are classes."""
    share: float
    """Share of the pixels that have another value."""
    reach: int
    """Largest difference, of a channel, of such a pixel from the nearest solid value."""


def solid_values(pixels: Mapping[int, int], inner: Mapping[int, int]) -> list[int]:
    """Values that fill areas, the most frequent first. inner: pixels whose neighbours have the same value."""
    found = [value for value, number in pixels.items() if inner.get(value, 0) >= THIN * number and inner.get(value)]
    return sorted(found, key=lambda value: -pixels[value])


def blending_of(
    pixels: Mapping[int, int], inner: Mapping[int, int], by_color: bool, lossy: bool, dropped: int = 0
) -> Blending | None:
    """The blending that pixels of values, or of packed colours, show; None: they show none.

    lossy: whether compression has changed values. dropped: further pixels, of values that are too many to list.
    """
    solid = solid_values(pixels, inner)
    if lossy:
        solid = _without_ringing(solid, pixels, by_color)
    thin = [value for value in pixels if value not in set(solid)]
    share = (sum(pixels[value] for value in thin) + dropped) / max(1, sum(pixels.values()) + dropped)
    enough = len(thin) >= (FEWEST_LOSSY if lossy else FEWEST) and len(thin) > len(solid)
    if len(solid) < 2 or not enough or share > MOST_THIN:
        return None
    thin.sort(key=lambda value: -pixels[value])
    weights = np.array([pixels[value] for value in thin[:LOOKED_AT]], float)
    points, areas = _points(thin[:LOOKED_AT], by_color), _points(solid, by_color)
    beside = _aside(points, areas[:24]) <= (2 if lossy else 1) * ASIDE
    if weights[beside].sum() < 0.8 * weights.sum():
        return None
    reach = np.abs(_points(thin, by_color)[:, None] - areas[None]).max(axis=2).min(axis=1)
    return Blending(tuple(solid), share, int(reach.max()))


def _without_ringing(solid: list[int], pixels: Mapping[int, int], by_color: bool) -> list[int]:
    """Without values that lie close to a much more frequent one."""
    kept: list[int] = []
    for value in solid:
        near = [other for other in kept if pixels[value] < 0.2 * pixels[other]]
        gaps = np.abs(_points(near, by_color) - _points([value], by_color)).max(axis=1)
        if not (gaps <= RINGING).any():
            kept.append(value)
    return kept


def _points(values: list[int], by_color: bool) -> np.ndarray:
    """(n, 3) or (n, 1): channels of values."""
    if by_color:
        return np.array([unpack_color(value) for value in values], float).reshape(-1, 3)
    return np.array(values, float).reshape(-1, 1)


def _aside(points: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """(n,): how far each point is from the nearest line between two areas' values, in the channel that is farthest."""
    best = np.full(len(points), np.inf)
    for one, other in combinations(areas, 2):
        along = other - one
        place = np.clip((points - one) @ along / (along @ along), 0, 1)
        best = np.minimum(best, np.abs(points - (one + place[:, None] * along)).max(axis=1))
    return best
