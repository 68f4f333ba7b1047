"""Predict images of any size with a network that ends at cells, whatever runs it.

An image is one tile unless it is too large; then its tiles overlap, and their cells are blended. Outputs for pixels are
computed from the blended cells block by block, so that memory grows neither with the classes nor with the image.
"""

from collections.abc import Hashable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.inference.blending import CellMap, cells_of_image, joined, mean_pooled
from casnet_cli.inference.network import POOLED, Cells, Network
from casnet_cli.inference.outputs import MASK, OF_BRANCHES, Outputs
from casnet_cli.inference.protocol import WHOLE_PIXELS, Block, PixelOutputs
from casnet_cli.inference.stored_pixels import check_kind, unmeasured
from casnet_cli.inference.tiling import Axis, View, region, tiles
from casnet_cli.util import memory

PASSES: dict[str, tuple[tuple[float, ...], bool]] = {
    "none": ((1.0,), False),
    "flip": ((1.0,), True),
    "multiscale": ((0.75, 1.0, 1.25, 1.5), True),
}
"""For each kind of test-time augmentation the scales, relative to the settings', and whether each pass is repeated
mirrored: 1, 2 and 8 passes."""

TILE, SMALLEST = 1281, 257
"""Side of a tile in pixels as the network receives them, and how small it becomes where memory is scarce."""

BLOCK_VALUES, BLOCK_WIDTH = 1 << 22, 1024
"""Pixels times classes of a block, and pixels of its rows."""

BATCH_PIXELS, BATCH = 1 << 19, 8
"""Pixels as the network receives them, and images, of a batch at most."""


@dataclass(frozen=True)
class InferenceSettings:
    """How a network is applied to images."""

    tta: str = "none"
    """Test-time augmentation, one of `PASSES`."""
    scale: float | None = None
    """Factor by which every image is enlarged for the network; None: the recipe's, or 1.0 where there is no recipe."""
    tile: int | None = None
    """Side of the tiles in image pixels; None: whole images unless they are too large."""
    easy_below: float | None = None
    """Difficulty up to which an image does without the fine branch; None: every image gets it."""
    batch: int | None = None
    """The largest number of images in a batch; None: as many as make it faster."""
    few: bool = False
    """Whether there are so few images that compiling the network takes longer than predicting them without."""
    pools: bool = False
    """Whether each block also holds `pooled`, (C,), the mean of the backbone's features over the tiles so far."""


@dataclass(frozen=True)
class PreparedImage:
    """An image ready to be given to a `NetworkPredictor`."""

    image: np.ndarray
    """(H, W, N) of the run's type of pixels: mostly uint8 RGB."""
    views: tuple[View, ...]
    """The passes over it."""
    inputs: tuple[np.ndarray, ...] | None
    """The network's input for each pass, (h, w, N) float32; None: the image has tiles, made when their turn comes."""
    batch_limit: int
    """The largest number of images of its key in a batch."""

    @property
    def batch_key(self) -> Hashable | None:
        """Images of equal keys, that is of equal grids of cells, may share a batch; None: it makes one of its own."""
        return tuple(view.shape for view in self.views) if self.inputs else None


class NetworkPredictor:
    """A trained network applied by the given settings, as `casnet_cli.inference.protocol.Predictor` says.

    outputs: what it gives for every pixel. intensities: of the images that the network was trained on. Where nothing
    was measured the class is void, and difficulty and confidence are 0.
    """

    def __init__(
        self,
        network: Network,
        settings: InferenceSettings,
        outputs: Outputs = MASK,
        intensities: Intensities = PLAIN,
    ):
        self.intensities, self.network = intensities, network
        self._set(settings, outputs)

    def _set(self, settings: InferenceSettings, outputs: Outputs) -> None:
        own_scale = 1.0 if settings.scale is None else settings.scale
        self.settings = replace(settings, scale=own_scale)
        scales, mirrors = PASSES[settings.tta]
        self._passes = [(own_scale * scale, mirrored) for scale in scales for mirrored in (False, True)[: 1 + mirrors]]
        averages = len(self._passes) > 1
        self._reader = self.network.reader(OF_BRANCHES if averages else outputs)
        self._of_means = self.network.of_means(outputs) if averages else None

    def with_outputs(self, scale: float, outputs: Outputs) -> Self:
        """A predictor with this very network, at another scale and with other outputs."""
        other = copy(self)
        other._set(replace(self.settings, scale=scale), outputs)
        return other

    def prepare(self, image: np.ndarray) -> PreparedImage:
        """Enlarge an image (H, W, N) of the run's type of pixels, mostly uint8 RGB, as the settings say.

        Needs no back end: for other threads. Raises ValueError for an image of another type or other bands.
        """
        check_kind(image, self.intensities)
        views = tuple(self._view(image.shape[:2], *each) for each in self._passes)
        inputs = None
        if all(view.whole for view in views):
            inputs = tuple(self._input(image, view, view.parts[0][0], view.parts[1][0]) for view in views)
        return PreparedImage(image, views, inputs, self.settings.batch or _batch_limit(inputs))

    def predict_blocks(self, batch: Sequence[PreparedImage]) -> Iterator[Iterator[Block]]:
        """For each image of a batch the blocks that cover it, row by row; to be taken in order."""
        if batch[0].inputs is None:
            for one in batch:
                maps = [CellMap(view, partial(self._tile_cells, one.image, view)) for view in one.views]
                yield self._blocks(one.image, maps)
            return
        passes = [
            self.network.cells(np.stack(images)) for images in zip(*(one.inputs or () for one in batch), strict=True)
        ]
        for index, one in enumerate(batch):
            maps = [
                CellMap(view, partial(cells_of_image, cells, index))
                for view, cells in zip(one.views, passes, strict=True)
            ]
            yield self._blocks(one.image, maps)

    def predict_batch(self, batch: Sequence[PreparedImage]) -> Iterator[PixelOutputs]:
        """The outputs for each image of a batch, (H, W) or (K, H, W) each."""
        for one, blocks in zip(batch, self.predict_blocks(batch), strict=True):
            yield joined(blocks, one.image.shape[:2])

    def predict(self, image: np.ndarray) -> PixelOutputs:
        """The outputs for an image (H, W, N) of the run's type of pixels, (H, W) or (K, H, W) each."""
        return next(self.predict_batch([self.prepare(image)]))

    def _view(self, size: tuple[int, ...], scale: float, mirrored: bool) -> View:
        stride = self.network.stride
        axes = Axis(size[0], scale, stride), Axis(size[1], scale, stride)
        tile = self._tile_side(axes, scale)
        parts = [tiles(axis.cells, (tile - 1) // axis.stride + 1 if tile else axis.cells) for axis in axes]
        return View(axes, mirrored, (parts[0], parts[1]))

    def _tile_side(self, axes: tuple[Axis, Axis], scale: float) -> int | None:
        if self.settings.tile:
            return max(round(self.settings.tile * scale), 2 * axes[0].stride + 1)
        pixels, most = axes[0].size * axes[1].size, affordable_pixels(self.network.bytes_per_pixel)
        if pixels <= min(WHOLE_PIXELS, most):
            return None
        return max(SMALLEST, min(TILE, int(most**0.5)))

    def _input(self, image: np.ndarray, view: View, rows: slice, columns: slice) -> np.ndarray:
        image = image[:, ::-1] if view.mirrored else image
        return region(image, view.axes, (rows, columns), self.network.mean, self.intensities)

    def _tile_cells(self, image: np.ndarray, view: View, rows: slice, columns: slice) -> Cells:
        given = self._input(image, view, rows, columns)
        return cells_of_image(self.network.cells(given[None]), 0, rows, columns)

    def _blocks(self, image: np.ndarray, maps: list[CellMap]) -> Iterator[Block]:
        height, width = image.shape[:2]
        across = min(width, BLOCK_WIDTH)
        down = max(1, BLOCK_VALUES // (across * self.network.classes))
        for top in range(0, height, down):
            rows = slice(top, min(top + down, height))
            for left in range(0, width, across):
                columns = slice(left, min(left + across, width))
                outputs = self._outputs(maps, rows, columns)
                part = image if self.intensities.plain else image[rows, columns]  # which may read a file
                outputs = unmeasured(outputs, part, self.intensities, self.network.classes)
                yield rows, columns, outputs | ({POOLED: mean_pooled(maps)} if self.settings.pools else {})

    def _outputs(self, maps: list[CellMap], rows: slice, columns: slice) -> PixelOutputs:
        total: PixelOutputs = {}
        for each in maps:
            for name, x in self._reader(each.at(rows, columns)).items():
                total[name] = total.get(name, 0) + x
        if self._of_means:
            total = self._of_means({name: x / len(maps) for name, x in total.items()})
        size = rows.stop - rows.start, columns.stop - columns.start
        return {name: x[..., : size[0], : size[1]] for name, x in total.items()}


def _batch_limit(inputs: tuple[np.ndarray, ...] | None) -> int:
    pixels = max(given.shape[0] * given.shape[1] for given in inputs) if inputs else BATCH_PIXELS
    return max(1, min(BATCH, BATCH_PIXELS // pixels))


def affordable_pixels(bytes_per_pixel: int) -> int:
    """The pixels of an input for which half of the free memory suffices."""
    free = memory.memory_available()
    return WHOLE_PIXELS if free is None else free // 2 // bytes_per_pixel
