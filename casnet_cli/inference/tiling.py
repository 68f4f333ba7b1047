"""Where the cells of a network's map lie on an image, however enlarged, mirrored or cut into tiles. Plain NumPy."""

from dataclasses import dataclass

import numpy as np

from casnet_cli.data.intensities import PLAIN, Intensities

OVERLAP = 3
"""A tile shares at least this part, a third, of its side with the next."""

FAINT = 1e-3
"""Weight of a tile's outermost cells, which depend on nothing of what lies beyond."""


@dataclass(frozen=True)
class Axis:
    """One side of an image that is enlarged for the network, with a cell every `stride` pixels.

    Cell i lies on pixel i · stride of the enlarged side, whose first and last pixel lie on those of the image. The
    cells reach to its end or beyond: what is beyond has the mean colour.
    """

    length: int
    """Pixels of the side of the image."""
    scale: float
    """Factor by which the network receives it enlarged."""
    stride: int
    """Enlarged pixels between two cells."""

    @property
    def size(self) -> int:
        """Pixels of the enlarged side."""
        return self.length if self.scale == 1.0 else max(round(self.length * self.scale), 2)

    @property
    def cells(self) -> int:
        """Cells of the side."""
        return -(-(self.size - 1) // self.stride) + 1

    @property
    def _step(self) -> float:
        """Cells between two pixels of the image."""
        return (self.size - 1) / max(self.length - 1, 1) / self.stride

    def window(self, pixels: slice) -> slice:
        """The cells that those pixels of the image lie between."""
        first, last = (
            int(place * self._step + shift) for place, shift in ((pixels.start, -1e-6), (pixels.stop - 1, 1))
        )
        return slice(max(first, 0), min(last + 1, self.cells))

    def matrix(self, pixels: slice, cells: slice, mirrored: bool = False) -> np.ndarray:
        """(pixels, cells) float32: the share of each cell in each pixel, bilinear; rows sum to 1.

        mirrored: for an image that the network received mirrored, pixels counted in the image as it is.
        """
        places = np.arange(pixels.start, pixels.stop)
        places = (self.length - 1 - places if mirrored else places) * self._step
        distance = np.abs(places[:, None] - np.arange(cells.start, cells.stop))
        return np.maximum(1 - distance, 0).astype(np.float32)

    def sources(self, cells: slice) -> np.ndarray:
        """Places in the image, float64, of the enlarged pixels that those cells cover, as far as there is an image."""
        pixels = np.arange(cells.start * self.stride, min((cells.stop - 1) * self.stride + 1, self.size))
        return pixels * ((self.length - 1) / max(self.size - 1, 1))


@dataclass(frozen=True)
class View:
    """One pass over an image."""

    axes: tuple[Axis, Axis]
    """Its rows and columns as the network receives them."""
    mirrored: bool
    """Whether the network receives it mirrored, left to right."""
    parts: tuple[list[slice], list[slice]]
    """Rows and columns of its tiles, in cells."""

    @property
    def whole(self) -> bool:
        """Whether there is one tile only."""
        return len(self.parts[0]) == len(self.parts[1]) == 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns of its cells."""
        return tuple(axis.cells for axis in self.axes)


def region(
    image: np.ndarray,
    axes: tuple[Axis, Axis],
    cells: tuple[slice, slice],
    mean: tuple[float, ...],
    intensities: Intensities = PLAIN,
) -> np.ndarray:
    """The network's input for an image (H, W, N) of those intensities where those cells lie: (h, w, N) float32, 0..255.

    mean: of each band; what lies beyond the image has it.
    """
    places = [axis.sources(part) for axis, part in zip(axes, cells, strict=True)]
    corner = [slice(int(place[0]), int(place[-1] + 1 - 1e-9) + 1) for place in places]
    found = intensities.seen(image[corner[0], corner[1]], mean)
    for side, axis in enumerate(axes):
        found = _interpolated(found, places[side] - corner[side].start, side) if axis.scale != 1.0 else found
    sides = [(part.stop - part.start - 1) * axis.stride + 1 for axis, part in zip(axes, cells, strict=True)]
    given = np.empty((*sides, image.shape[-1]), np.float32)
    given[: len(found), : found.shape[1]] = found
    given[len(found) :], given[:, found.shape[1] :] = mean, mean
    return given


def _interpolated(values: np.ndarray, places: np.ndarray, side: int) -> np.ndarray:
    lower = np.minimum(places.astype(np.intp), values.shape[side] - 1)
    upper = np.minimum(lower + 1, values.shape[side] - 1)
    share = (places - lower).astype(np.float32).reshape((-1, 1, 1) if side == 0 else (1, -1, 1))
    below = values.take(lower, side).astype(np.float32)
    return below + share * (values.take(upper, side) - below)


def tiles(cells: int, tile: int) -> list[slice]:
    """Parts of at most `tile` cells that cover a side, evenly spread and overlapping by a third at least."""
    if cells <= tile:
        return [slice(0, cells)]
    step = tile - tile // OVERLAP
    count = -(-(cells - tile) // step) + 1
    starts = [round(place * (cells - tile) / (count - 1)) for place in range(count)]
    return [slice(start, start + tile) for start in starts]


def fading(part: slice, cells: int) -> np.ndarray:
    """(part,) float32 weights of a tile's cells: 1, and falling to `FAINT` where it borders on other tiles.

    The outer quarter of the overlap, where a tile knows least of what lies around, counts next to nothing.
    """
    count = part.stop - part.start
    overlap = count // OVERLAP
    inside = np.full(count, float(count))
    if part.start > 0:
        inside = np.minimum(inside, np.arange(count))
    if part.stop < cells:
        inside = np.minimum(inside, np.arange(count)[::-1])
    margin = overlap / 4
    return np.clip((inside - margin) / max(overlap - 2 * margin, 1.0), FAINT, 1.0).astype(np.float32)
