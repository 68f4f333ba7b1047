"""How stored values become what a network sees: 0..255 in each band, by a range that was decided once."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from pydantic import ValidationError

from casnet_cli.data.intensities_record import IntensitiesRecord
from casnet_cli.data.pixels.picture import COLORS
from casnet_cli.util.model_faults import first_fault

STRIP_PIXELS = 1 << 20
"""Pixels that are mapped at a time where a whole picture would need much memory."""


@dataclass(frozen=True)
class Intensities:
    """What the pictures of a data set, and of the runs trained on it, hold."""

    dtype: str = "uint8"
    """NumPy's name of the type of the stored values."""
    bands: tuple[str, ...] = COLORS
    """Names of the bands that the network gets."""
    low: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Of each band the value that becomes 0."""
    high: tuple[float, ...] = (255.0, 255.0, 255.0)
    """Of each band the value that becomes 255."""
    nodata: float | None = None
    """Value that means that nothing was measured there; NaN always does."""
    chosen: tuple[int, ...] | None = None
    """Numbers, from 1, of a file's bands that are taken; None: its colours."""

    @property
    def plain(self) -> bool:
        """Whether stored values are what the network sees: 8-bit RGB."""
        return self == PLAIN

    @property
    def rgb(self) -> bool:
        """Whether a picture is taken as 8-bit RGB, whatever its file holds: grey is repeated, a palette looked up."""
        return self.dtype == "uint8" and self.bands == COLORS and self.chosen is None

    @property
    def colors(self) -> bool:
        """Whether the first three bands are red, green and blue."""
        return self.bands[:3] == COLORS

    def seen(self, pixels: np.ndarray, mean: Sequence[float]) -> np.ndarray:
        """(H, W, N) stored values → what the network sees: float32, 0..255, `mean` where nothing was measured.

        Plain ones are returned as they are, uint8.
        """
        if self.plain:
            return pixels
        low = np.asarray(self.low, np.float32)
        factor = np.float32(255) / (np.asarray(self.high, np.float32) - low)
        found = np.clip((pixels.astype(np.float32) - low) * factor, 0, 255)
        absent = self.absent(pixels)
        if absent.any() or pixels.dtype.kind == "f":
            found = np.where(absent[..., None] | np.isnan(found), np.asarray(mean, np.float32), found)
        return found

    def absent(self, pixels: np.ndarray) -> np.ndarray:
        """(H, W) bool: where nothing was measured in any band, each being NaN or `nodata`."""
        missing: np.ndarray = np.isnan(pixels) if pixels.dtype.kind == "f" else np.zeros(pixels.shape, bool)
        if self.nodata is not None and not math.isnan(self.nodata):
            missing |= pixels == self.nodata
        return np.logical_and.reduce(missing, axis=-1)

    def record(self) -> dict[str, object]:
        """As plain values for a JSON text; `from_record` reads them."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: object) -> "Intensities":
        """Raises ValueError for a record that is none."""
        try:
            given = IntensitiesRecord.model_validate(record).model_dump(exclude_unset=True)
        except ValidationError as error:
            raise ValueError(f"intensities: {first_fault(error)}") from None
        fields = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        found = cls(**cast("dict[str, Any]", fields))
        if not len(found.bands) == len(found.low) == len(found.high):
            raise ValueError(f"{len(found.bands)} bands, {len(found.low)} and {len(found.high)} ends of ranges")
        if not all(low < high for low, high in zip(found.low, found.high, strict=True)):
            raise ValueError(f"{found.low} and {found.high} are no ranges")
        return found


PLAIN = Intensities()
"""8-bit RGB: stored values are what the network sees."""
