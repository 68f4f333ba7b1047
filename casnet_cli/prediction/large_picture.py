"""Pictures that are read by windows, where they are needed: mosaics in TIFF or JPEG 2000, larger than memory."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.data.images import reading
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.limits import MAX_PIXELS, MAX_PIXELS_A_BYTE
from casnet_cli.data.pixels import tiff_readers
from casnet_cli.data.pixels.formats import HEAD, format_of
from casnet_cli.data.pixels.picture import ALPHA, Picture, PictureInfo
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.pixels.take import fitted
from casnet_cli.prediction import geotiff_format
from casnet_cli.prediction.gaps import gaps_of, may_have_gaps
from casnet_cli.prediction.geotiff_format import GDAL_CACHE, JPEG_2000, TIFF, gdal_reason, located, open_by_gdal, quiet
from casnet_cli.util import memory
from casnet_cli.util.extras import install

LARGE = 50_000_000
"""A picture of more pixels is read by windows."""

REDUCED = 1 << 22
"""Pixels of `LargePicture.reduced` at most."""

STRIP_ROWS = 256
"""Rows that are read at a time to reduce a picture."""

PROBES, PROBE_SIDE = 6, 128
"""Windows along each side, and their pixels a side, by which it is judged whether a channel is alpha."""


class UnreadablePart(Exception):
    """A window that cannot be read, or holds values that do not fit, found while the picture is predicted."""


class LargePicture:
    """A picture file in the place of an array (H, W, N): a part of it is read when it is sliced by rows and columns.

    Its values are those that `take` gives for the file, not turned. May be used from several threads.
    """

    ndim = 3

    def __init__(self, dataset: Any, info: PictureInfo, intensities: Intensities):
        """dataset: the file as rasterio opened it. info: its facts. Raises OSError where it cannot be read; ValueError,
        in words that follow its name, if depth or bands do not fit."""
        self._dataset, self._intensities, self._lock = dataset, intensities, threading.Lock()
        (rows, columns), *_ = dataset.block_shapes
        _check_pieces(rows * columns * len(info.bands) * np.dtype(info.dtype).itemsize)
        self._in_strips = columns == dataset.width and rows < dataset.height
        self._strip = (slice(0, 0), np.zeros((0, 0, 0)))
        self.info = self._settled(info)
        self.shape = (info.size[1], info.size[0], len(intensities.bands))
        self.dtype = np.dtype(intensities.dtype)
        self.georeference = info.georeference
        """Where it lies on the earth."""
        self.gaps = _LargeGaps(self) if may_have_gaps(self.info) else None
        """Where the file itself says that nothing was measured; None: it does not say it."""
        fitted(Picture(self.info, self._window(slice(0, 1), slice(0, 1))), intensities)

    def __getitem__(self, place: slice | tuple[slice, ...]) -> np.ndarray:
        """(h, w, N) in rows, or in rows and columns: slices without steps. Raises UnreadablePart."""
        rows, columns = place if isinstance(place, tuple) else (place, slice(None))
        found = self.stored(rows, columns)
        try:
            return fitted(found, self._intensities)
        except ValueError as error:
            raise UnreadablePart(str(error)) from error

    def stored(self, rows: slice, columns: slice) -> Picture:
        """That part with all bands of the file, as stored. Raises UnreadablePart."""
        if any(part.step not in (None, 1) for part in (rows, columns)):
            raise IndexError("a picture that is read by windows has no steps")
        rows, columns = (
            slice(*part.indices(side)[:2]) for part, side in zip((rows, columns), self.shape, strict=False)
        )
        try:
            return Picture(self.info, self._window(rows, columns))
        except OSError as error:
            raise UnreadablePart(f"rows {rows.start} to {rows.stop} cannot be read: {gdal_reason(error)}") from error

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it in memory, for a predictor that cannot take parts."""
        return self[:].astype(dtype or self.dtype, copy=False)

    def reduced(self, most: int | None = None) -> np.ndarray:
        """(h, w, N): every n-th pixel of every n-th row, at most `most` pixels; None: `REDUCED`. Raises
        UnreadablePart."""
        most = REDUCED if most is None else most
        step = 1
        while -(-self.shape[0] // step) * -(-self.shape[1] // step) > most:
            step += 1
        tops = range(0, self.shape[0], max(1, STRIP_ROWS // step) * step)
        ends = [*tops[1:], self.shape[0]]
        return np.concatenate([self[top:end, :][::step, ::step].copy() for top, end in zip(tops, ends, strict=True)])

    def _window(self, rows: slice, columns: slice) -> np.ndarray:
        """(h, w, bands of the file) as stored. Raises OSError."""
        with self._lock:
            if not self._in_strips:
                return self._read(rows, columns)
            # A strip is decoded as a whole, and tiles side by side lie in the same strips.
            if self._strip[0] != rows:
                self._strip = (slice(0, 0), np.zeros((0, 0, 0)))
                self._strip = rows, self._read(rows, slice(0, self.shape[1]))
            return self._strip[1][:, columns]

    def _read(self, rows: slice, columns: slice) -> np.ndarray:
        import rasterio

        with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE):
            window = ((rows.start, rows.stop), (columns.start, columns.stop))
            return np.moveaxis(self._dataset.read(window=window), 0, -1)

    def _settled(self, info: PictureInfo) -> PictureInfo:
        """The facts, with the judgement whether a channel that is marked as alpha holds values of such a one."""
        if ALPHA not in info.bands:
            return info
        width, height = info.size
        tops, lefts = (np.linspace(0, max(0, side - PROBE_SIDE), PROBES).astype(int) for side in (height, width))
        probes = [
            self._read(slice(top, min(top + PROBE_SIDE, height)), slice(left, min(left + PROBE_SIDE, width)))
            for top in tops
            for left in lefts
        ]
        return tiff_readers.settled(info, np.concatenate([probe.reshape(1, -1, len(info.bands)) for probe in probes]))


def open_large(file: Path, intensities: Intensities) -> LargePicture | None:
    """A TIFF or JPEG 2000 file of more than `LARGE` pixels; None: a file that is read as a whole.

    Raises one of `images.UNREADABLE`: also for a file that is too large to be read as a whole where rasterio is not
    installed.
    """
    with file.open("rb") as stream:
        known = format_of(stream.read(HEAD))
    if known is None or known.name not in (TIFF, JPEG_2000):
        return None
    info = info_of(file)
    width, height = info.size
    turned = info.orientation != 1 and info.georeference is None
    if width * height <= LARGE or turned:
        return None
    if not geotiff_format.available():
        if width * height > MAX_PIXELS:
            megapixels = f"its {width * height / 1e6:,.0f} megapixels"
            raise ValueError(f"{megapixels} can only be read by windows, with rasterio ({install('geo')})")
        return None
    if width * height > max(MAX_PIXELS, MAX_PIXELS_A_BYTE * file.stat().st_size):
        claim = f"it claims {width}x{height} pixels in a file of {file.stat().st_size:,} bytes, so it is nearly empty"
        raise ValueError(f"{claim} (at most {MAX_PIXELS_A_BYTE:,} pixels a byte: cut out what is not)")
    with reading(), quiet():
        dataset = open_by_gdal(file, known.name)
    found = dataset.width, dataset.height, dataset.count, set(dataset.dtypes)
    if found != (width, height, len(info.bands), {info.dtype}):  # such as CMYK, whose facts are those of RGB
        return None
    try:
        return LargePicture(dataset, replace(info, orientation=1, georeference=located(file, info)), intensities)
    except OSError as error:
        raise OSError(f"its first pixels cannot be read: {gdal_reason(error)}") from error


def _check_pieces(size: int) -> None:
    """Raises ValueError if one tile or strip of so many bytes, the least that can be decoded, needs too much memory."""
    free = memory.memory_available()
    if free is not None and size > free // 2:
        raise ValueError(
            f"is stored in tiles or strips of {size / 2**30:.1f} GiB, and {free / 2**30:.1f} are free "
            "(gdal_translate -co TILED=YES)"
        )


class _LargeGaps:
    """(H, W) bool of a large picture, read where it is sliced."""

    def __init__(self, picture: LargePicture):
        self._picture = picture

    def __getitem__(self, place: tuple[slice, slice]) -> np.ndarray:
        """(h, w). Raises UnreadablePart."""
        return gaps_of(self._picture.stored(*place), oriented=False)
