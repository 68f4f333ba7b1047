"""From the cells of tiles to the blocks of an image: tiles blended into rows of cells, blocks joined into an image."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from casnet_cli.inference.network import POOLED, Cells
from casnet_cli.inference.protocol import Block, PixelOutputs
from casnet_cli.inference.tiling import View, fading


class CellMap:
    """The cells of an image in one pass. Rows of tiles are computed when they are first needed, and dropped after use.

    cells_of: computes the cells (h, w, ·) in the given rows and columns of cells.
    """

    def __init__(self, view: View, cells_of: Callable[[slice, slice], Cells]):
        self._view, self._cells_of = view, cells_of
        self._first, self._tile_rows = 0, 0
        self.pooled: list[np.ndarray] = []
        self._sums: Cells = {}
        self._weights = np.zeros((0, 1, 1), np.float32)

    def at(self, rows: slice, columns: slice) -> Cells:
        """The cells around those pixels, and the matrices `left` and `right` that interpolate them to the pixels."""
        vertical, horizontal = self._view.axes
        window = vertical.window(rows)
        while self._tile_rows < len(self._view.parts[0]) and window.stop > self._final:
            self._add_row()
        self._drop(window.start)
        down = slice(window.start - self._first, window.stop - self._first)
        given = columns
        if self._view.mirrored:
            given = slice(horizontal.length - columns.stop, horizontal.length - columns.start)
        across = horizontal.window(given)
        cells = {name: sums[down, across] / self._weights[down, across] for name, sums in self._sums.items()}
        left, right = vertical.matrix(rows, window), horizontal.matrix(columns, across, self._view.mirrored)
        return cells | {"left": left, "right": right}

    @property
    def _final(self) -> int:
        """The first row of cells that tiles still to come take part in."""
        parts = self._view.parts[0]
        if not self._tile_rows:
            return 0
        return parts[self._tile_rows].start if self._tile_rows < len(parts) else self._view.axes[0].cells

    def _add_row(self) -> None:
        vertical, horizontal = self._view.axes
        rows = self._view.parts[0][self._tile_rows]
        self._tile_rows += 1
        fade = fading(rows, vertical.cells)[:, None, None]
        self._grow(rows.stop)
        down = slice(rows.start - self._first, rows.stop - self._first)
        for columns in self._view.parts[1]:
            weights = fade * fading(columns, horizontal.cells)[:, None]
            self._weights[down, columns] += weights
            cells = self._cells_of(rows, columns)
            if POOLED in cells:
                self.pooled.append(cells.pop(POOLED))
            for name, x in cells.items():
                if name not in self._sums:
                    self._sums[name] = np.zeros((*self._weights.shape[:2], x.shape[-1]), x.dtype)
                self._sums[name][down, columns] += weights * x

    def _grow(self, stop: int) -> None:
        more = stop - self._first - len(self._weights)
        width = self._view.axes[1].cells
        for name, x in self._sums.items():
            self._sums[name] = np.concatenate([x, np.zeros((more, *x.shape[1:]), x.dtype)])
        self._weights = np.concatenate([self._weights.reshape(-1, width, 1), np.zeros((more, width, 1), np.float32)])

    def _drop(self, start: int) -> None:
        """Drop the rows of cells before `start`."""
        gone = start - self._first
        if gone > 0:
            self._sums = {name: x[gone:].copy() for name, x in self._sums.items()}
            self._weights = self._weights[gone:].copy()
            self._first = start


def cells_of_image(cells: Cells, index: int, rows: slice, columns: slice) -> Cells:
    """The cells of one image of a batch, all of them: rows and columns are those of its only tile."""
    return {name: x[index] for name, x in cells.items()}


def mean_pooled(maps: Sequence[CellMap]) -> np.ndarray:
    """(C,) mean of the pooled features of all tiles computed so far, over all passes."""
    return np.mean([pooled for each in maps for pooled in each.pooled], axis=0)


def joined(blocks: Iterator[Block], size: tuple[int, ...]) -> PixelOutputs:
    """The outputs of an image of that height and width from its blocks."""
    outputs: PixelOutputs = {}
    for rows, columns, part in blocks:
        for name, x in part.items():
            if name not in outputs:
                outputs[name] = np.empty((*x.shape[:-2], *size), x.dtype)
            outputs[name][..., rows, columns] = x
    return outputs
