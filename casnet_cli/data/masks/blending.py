"""Whether masks were scaled with blending, smoothed or compressed: a few values fill areas, many lie in the borders."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from casnet_cli.data.masks.mask_file import unpack_color
from casnet_cli.labels import VOID

THIN = 0.05
"""Share of a value's pixels within areas of it, under which the value occurs in borders alone."""

INNER = 9
"""Pixels within areas of a value, at the least, that smooth photographs do not have by chance."""

FEWEST, FEWEST_LOSSY, FEWEST_WHITE = 8, 3, 2
"""Different values in borders from which on blending is likely; in files that compression has changed;
between black and white, where nearly all lie so."""

MOST_THIN = 0.45
"""Largest share of the pixels that lie in borders; where there are more, the files are no masks."""

RINGING = 24
"""Difference that compression makes beside borders."""

STEADY = {False: 2, True: 6}
"""Difference that compression makes within areas, of greys and of colours; greater ones would let photographs pass."""

TWINS = 2
"""Difference of colours that rounding makes of one."""

MIXED = 0.5
"""Share of the pixels between areas that have a smaller and a greater value beside them, where blending made them."""

MIXED_WHITE = 0.9
"""As `MIXED`, of few values between black and white."""

ASIDE = 40
"""Largest difference in a channel of a blended colour from the line between the two that were blended."""

LOOKED_AT = 500
"""Colours of borders, the most frequent ones, that are compared with such lines."""

MOST_AREAS = 64
"""Values of areas between which lines are drawn, the most frequent ones."""


@dataclass(frozen=True)
class Blending:
    """What blending has made of masks."""

    solid: tuple[int, ...]
    """Values or packed colours that fill areas, the most frequent first: these are classes."""
    share: float
    """Share of the pixels that have another value."""
    reach: int
    """Largest difference, of a channel, of any pixel from the nearest solid value."""


@dataclass(frozen=True)
class Areas:
    """The values that fill areas."""

    values: tuple[int, ...]
    """Values or packed colours, the most frequent first."""
    pixels: int
    """Pixels that have them, and where compression has changed values those that differ by `STEADY` at most."""


def areas_of(pixels: Mapping[int, int], inner: Mapping[int, int], by_color: bool, lossy: bool) -> Areas:
    """The values that fill areas. pixels, inner, by_color, lossy: as in `blending_of`."""
    found = [value for value, number in pixels.items() if inner.get(value, 0) >= max(INNER, THIN * number)]
    found.sort(key=lambda value: -pixels[value])
    if not lossy:
        return Areas(tuple(found), sum(pixels[value] for value in found))
    keys = list(pixels)
    points, counts = _points(keys, by_color), np.array([pixels[key] for key in keys])
    areas, held, rest = [], 0, np.array([_points([value], by_color)[0] for value in found]).reshape(-1, points.shape[1])
    while len(found):
        areas.append(found[0])
        near = np.abs(points - rest[0]).max(axis=1) <= STEADY[by_color]
        held += int(counts[near].sum())
        far = np.abs(rest - rest[0]).max(axis=1) > RINGING
        found, rest = [value for value, other in zip(found, far, strict=True) if other], rest[far]
    return Areas(tuple(areas), held)


def blending_of(
    pixels: Mapping[int, int],
    inner: Mapping[int, int],
    by_color: bool,
    lossy: bool,
    dropped: int = 0,
    between: Mapping[int, int] | None = None,
) -> Blending | None:
    """The blending that pixels of values, or of packed colours, show; None: they show none.

    inner: pixels within an area of their value. lossy: whether compression has changed values. dropped: further pixels,
    of values that are too many to list. between: of values that are no colours the pixels that have a smaller and a
    greater one beside them, as blending makes them and narrow things do not.
    """
    solid = list(areas_of(pixels, inner, by_color, lossy).values)
    if not by_color and not lossy and VOID in pixels:  # smoothing leaves areas just under white
        solid = list(dict.fromkeys(VOID if value >= VOID - RINGING else value for value in solid))
    if by_color and not lossy:
        solid = _without_twins(solid)
    if len(solid) < 2:
        return None
    values = np.array(list(pixels))
    counts, points = np.array(list(pixels.values())), _points(values.tolist(), by_color)
    areas = _points(solid, by_color)
    distance = np.min([np.abs(points - area).max(axis=1) for area in areas], axis=0)
    thin = distance > (RINGING if lossy else 0)
    total = counts.sum() + dropped
    share = (counts[thin].sum() + dropped) / total
    different = int((distance > 0).sum())
    mixed = sum(between.get(int(value), 0) for value in values[thin]) if between and not lossy else 0
    if between and not lossy and set(solid) == {0, VOID} and mixed >= MIXED_WHITE * counts[thin].sum():
        fewest = FEWEST_WHITE  # straight borders have few values
    else:
        fewest = max(FEWEST_LOSSY if lossy else FEWEST, len(solid) + 1)
    if different < fewest or share > MOST_THIN:
        return None
    if between is not None and not lossy and mixed < MIXED * counts[thin].sum():
        return None
    looked_at = np.flatnonzero(thin)[np.argsort(-counts[thin], kind="stable")][:LOOKED_AT]
    beside = _aside(points[looked_at], areas[:MOST_AREAS]) <= (2 if lossy else 1) * ASIDE
    if counts[looked_at][beside].sum() < 0.8 * counts[looked_at].sum():
        return None
    changed = (counts[distance > 0].sum() + dropped) / total
    return Blending(tuple(solid), float(changed), int(distance.max()))


def _without_twins(colors: list[int]) -> list[int]:
    """Packed colours without those that differ from one before by rounding alone."""
    kept: list[int] = []
    for color in colors:
        gaps = np.abs(_points(kept, True) - _points([color], True)).max(axis=1)
        if not (gaps <= TWINS).any():
            kept.append(color)
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
