"""Ask a network about images of any size, on any Keras back end.

An image is one tile if it is not too large, else many; tiles overlap, and their cells are blended. What is said of the
pixels is read off the blended cells block by block, so that memory grows neither with the classes nor with the image.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from casnet_cli.inference import pixel_outputs, postprocess
from casnet_cli.inference.compiled import CompiledModel
from casnet_cli.inference.inference_model import POOLED, Cells, InferenceModel
from casnet_cli.inference.tiling import Axis, fading, region, tiles
from casnet_cli.util import memory

PASSES: dict[str, tuple[tuple[float, ...], bool]] = {
    "none": ((1.0,), False),
    "flip": ((1.0,), True),
    "multiscale": ((0.75, 1.0, 1.25, 1.5), True),
}
"""Relative scales of a protocol, and whether each is also asked mirrored: 1, 2 and 8 passes."""

TILE, SMALLEST = 1281, 257
"""Side of a tile in pixels as the network sees them, and how small it becomes where memory is scarce."""

WHOLE_PIXELS = 2049 * 2049
"""An image that the network sees larger than this is cut into tiles: the pyramid pools over a tile, and a larger one
than this has nothing in common with what it pooled over in training."""

BLOCK_VALUES, BLOCK_WIDTH = 1 << 22, 1024
"""Pixels times classes, and pixels of a row, that are read off the cells at once."""

BATCH_PIXELS, BATCH = 1 << 19, 8
"""Pixels as the network sees them, and images, that are asked about at once."""

Block = tuple[slice, slice, dict[str, np.ndarray]]
"""Rows and columns of an image, and what is said of them, (rows, columns) or (K, rows, columns) each."""


@dataclass(frozen=True)
class InferenceSettings:
    """How a network is asked. tta: one of `PASSES`. scale: by which it sees every image enlarged. tile: side of the
    tiles in pixels of the image; None: whole images unless they are too large. easy_below: see `InferenceModel`. batch: most
    images asked about at once; None: as many as are worth it. few: see `CompiledModel`. pools: see `InferenceModel`; each block then
    says `pooled`, (C,), of the image as far as it was asked about."""

    tta: str = "none"
    scale: float = 1.0
    tile: int | None = None
    easy_below: float | None = None
    batch: int | None = None
    few: bool = False
    pools: bool = False


@dataclass(frozen=True)
class View:
    """One pass over an image: rows and columns as the network sees them, and the parts of its tiles, in cells."""

    axes: tuple[Axis, Axis]
    mirrored: bool
    parts: tuple[list[slice], list[slice]]

    @property
    def whole(self) -> bool:
        return len(self.parts[0]) == len(self.parts[1]) == 1

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.cells for axis in self.axes)


@dataclass(frozen=True)
class PreparedImage:
    """An image (H, W, 3) uint8 RGB ready to be asked about. inputs: what the network is given, a pass each; None for an
    image in tiles, whose are made when their turn comes."""

    image: np.ndarray
    views: tuple[View, ...]
    inputs: tuple[np.ndarray, ...] | None
    together: int
    """How many of its group may be asked about at once."""

    @property
    def group(self) -> Any:
        """Images of equal groups may be asked about together; None: it goes alone."""
        return tuple(view.shape for view in self.views) if self.inputs else None


class KerasPredictor:
    """A trained network asked by a protocol. said: one of `reading`'s functions of probabilities."""

    def __init__(
        self, trained: keras.Model, protocol: InferenceSettings, said: postprocess.PixelFunction = pixel_outputs.answers
    ):
        self.deployed = InferenceModel(trained, protocol.easy_below, protocol.few, pools=protocol.pools)
        self.classes: int = trained.output["fused"].shape[-1]
        self._set(protocol, said)

    def _set(self, protocol: InferenceSettings, said: postprocess.PixelFunction) -> None:
        self.protocol = protocol
        scales, mirrors = PASSES[protocol.tta]
        self._passes = [
            (protocol.scale * scale, mirrored) for scale in scales for mirrored in (False, True)[: 1 + mirrors]
        ]
        shape, averages = (self.deployed.branches, self.classes), len(self._passes) > 1
        self._reader = CompiledModel(
            postprocess.reader(*shape, (lambda told: told) if averages else said), protocol.few
        )
        self._judge = CompiledModel(postprocess.judge(*shape, said), protocol.few) if averages else None

    def asked(self, scale: float, said: postprocess.PixelFunction) -> "KerasPredictor":
        """This very network, seeing images at another scale, and saying something else of its probabilities."""
        other = copy(self)
        other._set(replace(self.protocol, scale=scale), said)
        return other

    def refresh(self) -> None:
        """Take over the weights that the trained network has now."""
        self.deployed.refresh()

    def prepare(self, image: np.ndarray) -> PreparedImage:
        """Enlarge an image (H, W, 3) uint8 RGB as the protocol says. Needs no back end: for other threads."""
        views = tuple(self._view(image.shape[:2], *each) for each in self._passes)
        inputs = None
        if all(view.whole for view in views):
            inputs = tuple(self._seen(image, view, view.parts[0][0], view.parts[1][0]) for view in views)
        return PreparedImage(image, views, inputs, self.protocol.batch or self._worth(inputs))

    def _worth(self, inputs: tuple[np.ndarray, ...] | None) -> int:
        pixels = max(given.shape[0] * given.shape[1] for given in inputs) if inputs else BATCH_PIXELS
        return max(1, min(BATCH, BATCH_PIXELS // pixels))

    def ask(self, batch: Sequence[PreparedImage]) -> Iterator[Iterator[Block]]:
        """For each image of one group the blocks that make it up, row by row; to be taken in order."""
        if batch[0].inputs is None:
            for one in batch:
                maps = [_Map(view, partial(self._tile, one.image, view)) for view in one.views]
                yield self._blocks(one.image, maps)
            return
        found = [
            self.deployed.cells(np.stack(images)) for images in zip(*(one.inputs or () for one in batch), strict=True)
        ]
        for row, one in enumerate(batch):
            maps = [_Map(view, partial(_row, cells, row)) for view, cells in zip(one.views, found, strict=True)]
            yield self._blocks(one.image, maps)

    def say(self, batch: Sequence[PreparedImage]) -> Iterator[dict[str, np.ndarray]]:
        """What is said of each image of one group, (H, W) or (K, H, W) each."""
        for one, blocks in zip(batch, self.ask(batch), strict=True):
            yield joined(blocks, one.image.shape[:2])

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """What is said of an image (H, W, 3) uint8 RGB, (H, W) or (K, H, W) each."""
        return next(self.say([self.prepare(image)]))

    def _view(self, size: tuple[int, ...], scale: float, mirrored: bool) -> View:
        axes = Axis(size[0], scale, self.deployed.stride), Axis(size[1], scale, self.deployed.stride)
        tile = self._tile_side(axes, scale)
        parts = [tiles(axis.cells, (tile - 1) // axis.stride + 1 if tile else axis.cells) for axis in axes]
        return View(axes, mirrored, (parts[0], parts[1]))

    def _tile_side(self, axes: tuple[Axis, Axis], scale: float) -> int | None:
        if self.protocol.tile:
            return max(round(self.protocol.tile * scale), 2 * axes[0].stride + 1)
        pixels, most = axes[0].size * axes[1].size, affordable_pixels(self.deployed.bytes_per_pixel)
        if pixels <= min(WHOLE_PIXELS, most):
            return None
        return max(SMALLEST, min(TILE, int(most**0.5)))

    def _seen(self, image: np.ndarray, view: View, rows: slice, columns: slice) -> np.ndarray:
        image = image[:, ::-1] if view.mirrored else image
        return region(image, view.axes, (rows, columns), self.deployed.mean)

    def _tile(self, image: np.ndarray, view: View, rows: slice, columns: slice) -> Cells:
        given = self._seen(image, view, rows, columns)
        return _row(self.deployed.cells(given[None]), 0, rows, columns)

    def _blocks(self, image: np.ndarray, maps: "list[_Map]") -> Iterator[Block]:
        height, width = image.shape[:2]
        across = min(width, BLOCK_WIDTH)
        down = max(1, BLOCK_VALUES // (across * self.classes))
        for top in range(0, height, down):
            rows = slice(top, min(top + down, height))
            for left in range(0, width, across):
                columns = slice(left, min(left + across, width))
                said = self._read(maps, rows, columns)
                yield rows, columns, said | ({POOLED: _mean(maps)} if self.protocol.pools else {})

    def _read(self, maps: "list[_Map]", rows: slice, columns: slice) -> dict[str, np.ndarray]:
        told: dict[str, np.ndarray] = {}
        for each in maps:
            for name, x in self._reader(each.at(rows, columns)).items():
                told[name] = told.get(name, 0) + x
        if self._judge:
            told = self._judge({name: x / len(maps) for name, x in told.items()})
        size = rows.stop - rows.start, columns.stop - columns.start
        return {name: x[..., : size[0], : size[1]] for name, x in told.items()}


class _Map:
    """The cells of an image in one pass, made one row of tiles after the other as they are asked for.

    look: what the network says of the cells in those rows and columns, (h, w, ·).
    """

    def __init__(self, view: View, look: Callable[[slice, slice], Cells]):
        self._view, self._look = view, look
        self._first, self._made = 0, 0
        self.pooled: list[np.ndarray] = []
        self._sums: Cells = {}
        self._weights = np.zeros((0, 1, 1), np.float32)

    def at(self, rows: slice, columns: slice) -> Cells:
        """Cells around those pixels, and the matrices `left` and `right` that lead to them."""
        vertical, horizontal = self._view.axes
        wanted = vertical.window(rows)
        while self._made < len(self._view.parts[0]) and wanted.stop > self._final:
            self._add_row()
        self._drop(wanted.start)
        down = slice(wanted.start - self._first, wanted.stop - self._first)
        seen = columns
        if self._view.mirrored:
            seen = slice(horizontal.length - columns.stop, horizontal.length - columns.start)
        across = horizontal.window(seen)
        found = {name: sums[down, across] / self._weights[down, across] for name, sums in self._sums.items()}
        left, right = vertical.matrix(rows, wanted), horizontal.matrix(columns, across, self._view.mirrored)
        return _padded(found | {"left": left, "right": right})

    @property
    def _final(self) -> int:
        """The first cell row that tiles still to come take part in."""
        parts = self._view.parts[0]
        if not self._made:
            return 0
        return parts[self._made].start if self._made < len(parts) else self._view.axes[0].cells

    def _add_row(self) -> None:
        vertical, horizontal = self._view.axes
        rows = self._view.parts[0][self._made]
        self._made += 1
        fade = fading(rows, vertical.cells)[:, None, None]
        self._grow(rows.stop)
        down = slice(rows.start - self._first, rows.stop - self._first)
        for columns in self._view.parts[1]:
            weights = fade * fading(columns, horizontal.cells)[:, None]
            self._weights[down, columns] += weights
            cells = self._look(rows, columns)
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
        """Forget the cell rows before `start`."""
        gone = start - self._first
        if gone > 0:
            self._sums = {name: x[gone:].copy() for name, x in self._sums.items()}
            self._weights = self._weights[gone:].copy()
            self._first = start


def _row(cells: Cells, row: int, rows: slice, columns: slice) -> Cells:
    """Of a batch the cells of one image, all of them."""
    return {name: x[row] for name, x in cells.items()}


def _mean(maps: list[_Map]) -> np.ndarray:
    return np.mean([pooled for each in maps for pooled in each.pooled], axis=0)


def _padded(given: Cells, multiple: int = 64) -> Cells:
    """Where a graph is compiled anew for every size: pixels and cells in multiples, the ones added of weight 0."""
    if keras.backend.backend() == "tensorflow":
        return given

    def more(x: np.ndarray, *axes: int) -> np.ndarray:
        return np.pad(x, [(0, -size % multiple if axis in axes else 0) for axis, size in enumerate(x.shape)])

    return {name: more(x, 0, 1) for name, x in given.items()}


def joined(blocks: Iterator[Block], size: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Blocks put together to (H, W) or (K, H, W) each."""
    found: dict[str, np.ndarray] = {}
    for rows, columns, said in blocks:
        for name, x in said.items():
            if name not in found:
                found[name] = np.empty((*x.shape[:-2], *size), x.dtype)
            found[name][..., rows, columns] = x
    return found


def affordable_pixels(bytes_per_pixel: int) -> int:
    """Pixels that may be asked about at once with half of the memory that is free."""
    free = memory.memory_available()
    return WHOLE_PIXELS if free is None else free // 2 // bytes_per_pixel
