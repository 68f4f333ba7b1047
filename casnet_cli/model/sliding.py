"""A network asked about overlapping tiles of an image, its probabilities blended where tiles overlap."""

from collections.abc import Callable, Iterator

import numpy as np

OVERLAP = 3
"""A tile shares a third of its side with the next."""

Scores = dict[str, np.ndarray]


def starts(length: int, tile: int) -> list[int]:
    """Where tiles of a side begin so that they cover it, evenly spread and overlapping by a third at least."""
    if length <= tile:
        return [0]
    step = tile - tile // OVERLAP
    count = -(-(length - tile) // step) + 1
    return [round(place * (length - tile) / (count - 1)) for place in range(count)]


def window(height: int, width: int) -> np.ndarray:
    """(H, W, 1) float32 weights of a tile's pixels: 1 in its middle, falling evenly towards its edges, never 0."""

    def ramp(side: int) -> np.ndarray:
        inside = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1.0
        return np.minimum(inside / (side // OVERLAP + 1), 1.0)

    return (ramp(height)[:, None] * ramp(width))[..., None].astype(np.float32)


def tiles(height: int, width: int, tile: int) -> Iterator[tuple[slice, slice]]:
    for top in starts(height, tile):
        for left in starts(width, tile):
            yield slice(top, min(top + tile, height)), slice(left, min(left + tile, width))


def sliding(ask: Callable[[np.ndarray], Scores], tile: int) -> Callable[[np.ndarray], Scores]:
    """`ask`, log-probabilities (B, H, W, ·) of images (B, H, W, 3), in tiles of at most tile x tile pixels.

    Returns the logarithm of the weighted mean of the tiles' probabilities, weighted by `window`.
    """

    def asked(images: np.ndarray) -> Scores:
        height, width = images.shape[1:3]
        sums: Scores = {}
        weights = np.zeros((height, width, 1), np.float32)
        for rows, columns in tiles(height, width, tile):
            said = ask(images[:, rows, columns])
            own = window(rows.stop - rows.start, columns.stop - columns.start)
            weights[rows, columns] += own
            for name, scores in said.items():
                total = sums.setdefault(name, np.zeros((len(images), height, width, scores.shape[-1]), np.float32))
                total[:, rows, columns] += own * np.exp(scores)
        tiny = np.finfo(np.float32).tiny
        return {name: np.log(np.maximum(total / weights, tiny)) for name, total in sums.items()}

    return asked
