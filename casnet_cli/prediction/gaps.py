"""Where a picture file itself says that nothing was measured: by its no-data value, or by its alpha channel if it lies
on the earth, where that marks what is outside the area that was flown over."""

import math
from typing import Protocol

import numpy as np

from casnet_cli.data.pixels.picture import ALPHA, Picture, PictureInfo
from casnet_cli.data.pixels.take import turned


class Gaps(Protocol):
    """An array (H, W) bool, or something that gives parts of one."""

    def __getitem__(self, place: tuple[slice, slice], /) -> np.ndarray:
        """(h, w) bool: True where nothing was measured."""
        ...


def may_have_gaps(info: PictureInfo) -> bool:
    """Whether a file with these facts says of some places that nothing was measured there."""
    return info.nodata is not None or _by_alpha(info)


def gaps_of(picture: Picture, oriented: bool) -> np.ndarray:
    """(H, W) bool: True where no band of a file was measured. oriented: turned by its EXIF tag."""
    info, values = picture.info, picture.values
    bands = [place for place, band in enumerate(info.bands) if band != ALPHA]
    found = np.zeros(values.shape[:2], bool)
    if info.nodata is not None and not math.isnan(info.nodata) and bands:
        found |= (values[..., bands] == info.nodata).all(axis=-1)
    if _by_alpha(info):
        found |= values[..., info.bands.index(ALPHA)] == 0
    return turned(found, info.orientation if oriented else 1)


def _by_alpha(info: PictureInfo) -> bool:
    return ALPHA in info.bands and info.georeference is not None
