"""The connected regions of a mask and their outlines, along the sides of pixels.

Coordinates are corners of pixels: x to the right, y downwards, (0, 0) the upper left corner of the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from casnet_cli.labels import VOID
from casnet_cli.prediction.simplify import Ring, enclosed, inset, simplified

NO_REGION = -1
"""In place of a region's number: pixels outside belong to none."""

EVERYWHERE = -1
"""As the class outside of all regions: there is no such pixel, void ones form regions too."""


@dataclass
class Region:
    """Pixels of one class that touch by their sides."""

    class_id: int
    """Their class."""
    pixels: int
    """Their number."""
    difficulty: float | None
    """Their mean difficulty, 0..1; None: not known."""
    rings: list[Ring]
    """The outer ring first, then the holes. Rings are closed and pass no corner twice; they may touch in corners. With
    numbers as they stand, outer rings turn counterclockwise and holes clockwise; on the screen it is the other way
    round."""
    filled: int = 0
    """Pixels within the outer ring, holes included."""


def regions(
    mask: np.ndarray,
    difficulty: np.ndarray | None = None,
    simplify: float = 0.0,
    outside: int = VOID,
    through_centres: bool = False,
) -> list[Region]:
    """The regions of (H, W) class ids and VOID, unsigned integers, in the order of their first pixels.

    difficulty: (H, W) 0..1, or uint8 up to 255. simplify: how far outlines may lie from the sides of pixels; two
    neighbours share theirs, so that nothing gapes between them. outside: the class whose pixels belong to no region.
    through_centres: outlines run half a pixel further inside, through the centres of the region's outermost pixels, for
    programs that draw an outline's own pixels too.
    """
    found = _connected(mask, difficulty, outside)
    means = [None] * len(found.pixels) if found.difficulty is None else found.difficulty.tolist()
    facts = zip(found.class_ids.tolist(), found.pixels.astype(int).tolist(), means, strict=True)
    listed = [Region(class_id, pixels, mean, []) for class_id, pixels, mean in facts]
    numbers, rings = zip(*_rings(mask, found, outside), strict=True) if listed else ((), ())
    corners = simplified(rings, mask, simplify) if simplify else rings
    for number, ring, kept in zip(numbers, rings, corners, strict=True):
        region = listed[number]
        region.filled = region.filled or enclosed(ring)
        region.rings.append(inset(kept, ring) if through_centres else kept)
    return listed


def without_holes(rings: Sequence[Ring]) -> Ring:
    """The rings of a region as one, not closed: holes hang on it by two sides that lie on each other.

    So it encloses the same for programs that know no holes.
    """
    joined = np.asarray(rings[0][:-1])
    for ring in rings[1:]:
        hole = np.asarray(ring)
        place = int(((joined - hole[0]) ** 2).sum(1).argmin())
        joined = np.concatenate([joined[: place + 1], hole, joined[place:]])
    return joined.tolist()


@dataclass(frozen=True)
class RegionRuns:
    """The pixels of a region, by rows."""

    class_id: int
    """Their class."""
    starts: np.ndarray
    """(R,) where runs of them begin in the flat mask, in order; none goes over the end of a row."""
    ends: np.ndarray
    """(R,) where they end, exclusive."""


def region_runs(mask: np.ndarray) -> Iterator[RegionRuns]:
    """The regions of (H, W) class ids and VOID, unsigned integers, in the order of their first pixels."""
    found = _connected(mask, None, VOID)
    ends = np.append(found.starts[1:], mask.size)
    order = np.argsort(found.of_run, kind="stable")
    places = np.searchsorted(found.of_run[order], np.arange(len(found.pixels) + 1))
    for class_id, (first, last) in zip(found.class_ids.tolist(), pairwise(places.tolist()), strict=True):
        runs = order[first:last]
        yield RegionRuns(class_id, found.starts[runs], ends[runs])


@dataclass(frozen=True)
class _Regions:
    """The N connected regions of a mask, and its R runs: pixels of one class that follow each other in a row."""

    starts: np.ndarray
    """(R,) index in the flat mask at which each run starts."""
    of_run: np.ndarray
    """(R,) region of each run, NO_REGION for void."""
    class_ids: np.ndarray
    """(N,) class of each region."""
    pixels: np.ndarray
    """(N,) pixels of each region."""
    difficulty: np.ndarray | None
    """(N,) mean difficulty of each region, 0..1; None: not known."""

    def at(self, flat: np.ndarray) -> np.ndarray:
        """(S,) indices in the flat mask → (S,) regions."""
        return self.of_run[np.searchsorted(self.starts, flat, "right") - 1]


def _connected(mask: np.ndarray, difficulty: np.ndarray | None, outside: int) -> _Regions:
    """Connects runs rather than pixels, as there are far fewer of them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    width = mask.shape[1]
    begins = ~_like(mask, 1)
    starts = np.flatnonzero(begins)
    # Two runs that lie on each other share a column where one of them begins.
    touching = _like(mask, 0)
    touching[1:] &= begins[1:] | begins[:-1]
    below = np.flatnonzero(touching)
    lower, upper = (np.searchsorted(starts, flat, "right") - 1 for flat in (below, below - width))
    links = coo_array((np.ones(len(lower), bool), (lower, upper)), shape=(len(starts), len(starts)))
    of_run = connected_components(links, directed=False)[1]
    first = np.unique(of_run, return_index=True)[1]
    order = np.argsort(first)
    order = order[mask.ravel()[starts[first[order]]] != outside]
    rank = np.full(len(first), NO_REGION)
    rank[order] = np.arange(len(order))
    of_run = rank[of_run]
    known = of_run != NO_REGION
    lengths = np.diff(starts, append=mask.size)

    def summed(of_runs: np.ndarray) -> np.ndarray:
        return np.bincount(of_run[known], of_runs[known], minlength=len(order))

    pixels = summed(lengths)
    class_ids = mask.ravel()[starts[first[order]]]
    if difficulty is None:
        return _Regions(starts, of_run, class_ids, pixels, None)
    sums = np.add.reduceat(difficulty.ravel(), starts, dtype=np.float64)
    full = 255 if difficulty.dtype == np.uint8 else 1
    return _Regions(starts, of_run, class_ids, pixels, summed(sums) / full / pixels)


def _like(mask: np.ndarray, axis: int) -> np.ndarray:
    """(H, W) bool: of one class with the pixel before it along the axis."""
    found = np.zeros(mask.shape, bool)
    if axis:
        np.equal(mask[:, 1:], mask[:, :-1], out=found[:, 1:])
    else:
        np.equal(mask[1:], mask[:-1], out=found[1:])
    return found


@dataclass(frozen=True)
class _Pieces:
    """Straight pieces of outlines, all level or all upright, directed so that the region lies to the right on the
    screen."""

    region: np.ndarray
    """(S,) region that each piece bounds."""
    begin: np.ndarray
    """(S, 2) x and y of its first corner."""
    end: np.ndarray
    """(S, 2) x and y of its last corner."""
    onward: np.ndarray
    """(S,) bool: whether it runs towards larger coordinates."""


def _rings(mask: np.ndarray, found: _Regions, outside: int) -> Iterator[tuple[int, Ring]]:
    """Each closed ring with its region; of one region the outer ring first, from its upper left corner on."""
    inside = mask != outside
    like_left, like_above = _like(mask, 1), _like(mask, 0)
    level = _pieces(inside, like_left, like_above, found, upright=False)
    upright = _pieces(inside.T, like_above.T, like_left.T, found, upright=True)
    # Where pixels of one region touch in a corner alone, two pieces end. A ring then turns left, around the foreign
    # pixel, for no ring may pass a corner twice: east is followed by north, west by south, south by east.
    to_upright = _followers(level, upright, left_reverses=True)
    to_level = _followers(upright, level, left_reverses=False)
    level_corners, upright_corners = level.begin.tolist(), upright.begin.tolist()
    passed = bytearray(len(level.region))
    # In the order of rows the first piece of a region is the top of its outer ring.
    for first, region in enumerate(level.region.tolist()):
        ring, piece = [], first
        while not passed[piece]:
            passed[piece] = True
            turned = to_upright[piece]
            ring += [level_corners[piece], upright_corners[turned]]
            piece = to_level[turned]
        if ring:
            yield region, [*ring, list(ring[0])]


def _pieces(
    inside: np.ndarray, like_before: np.ndarray, like_beside: np.ndarray, found: _Regions, upright: bool
) -> _Pieces:
    """The sides of pixels along rows that bound a region, joined where they go straight on, in the order of rows.

    like_before: of one class with the pixel before it in the row. like_beside: of one class with the pixel in the row
    before. upright: the arrays are transposed.
    """
    near_side, far_side = inside & ~like_beside, inside.copy()
    far_side[:-1] &= ~like_beside[1:]
    region, line, begin, end, onward = [], [], [], [], []
    for side, offset in ((near_side, 0), (far_side, 1)):
        goes_on = side[:, 1:] & side[:, :-1] & like_before[:, 1:]
        begins, ends = side.copy(), side.copy()
        begins[:, 1:] &= ~goes_on
        ends[:, :-1] &= ~goes_on
        row, low = np.nonzero(begins)
        high = np.nonzero(ends)[1] + 1
        region.append(found.at(low * len(inside) + row if upright else row * inside.shape[1] + low))
        line.append(row + offset)
        # The region to the right: eastwards on its top, southwards on its right.
        forth = bool(offset) == upright
        begin.append(low if forth else high)
        end.append(high if forth else low)
        onward.append(np.full(len(row), forth))
    regions, lines, begins, ends = (np.concatenate(each) for each in (region, line, begin, end))
    order = np.lexsort((begins, lines))
    both = [np.stack([lines, along] if upright else [along, lines], 1)[order] for along in (begins, ends)]
    return _Pieces(regions[order], both[0], both[1], np.concatenate(onward)[order])


def _followers(pieces: _Pieces, others: _Pieces, left_reverses: bool) -> list[int]:
    """For each piece the index of the one that begins where it ends; of two the one to the left.

    left_reverses: a turn to the left changes between growing and falling coordinates.
    """
    ending = np.lexsort((pieces.onward ^ left_reverses, pieces.end[:, 0], pieces.end[:, 1], pieces.region))
    beginning = np.lexsort((others.onward, others.begin[:, 0], others.begin[:, 1], others.region))
    following = np.empty_like(ending)
    following[ending] = beginning
    return following.tolist()
