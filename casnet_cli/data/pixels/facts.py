"""All that is known of a picture or mask file, as `casnet info` prints it."""

from pathlib import Path

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.left_out import reason_of
from casnet_cli.data.pixels.picture import ALPHA, INDEX, Picture, PictureInfo
from casnet_cli.data.pixels.read import info_of, read, too_large
from casnet_cli.errors import InputError, reason

FIRST_PAGE = "of several pages or frames the first is taken"

MOST_VALUES = 20
"""So many different values or colours are listed."""

_TURNED = {
    1: "as stored",
    2: "mirrored",
    3: "by 180 degrees",
    4: "upside down",
    5: "mirrored, 90 degrees anticlockwise",
    6: "90 degrees clockwise",
    7: "mirrored, 90 degrees clockwise",
    8: "90 degrees anticlockwise",
}
"""How viewers show a picture by its EXIF orientation."""


def facts_of(file: Path) -> dict[str, object]:
    """Facts by their names, as plain values for a JSON text. Raises InputError for a file that cannot be read."""
    try:
        info = info_of(file)
        if unread := too_large(info):
            return {**_header(file, info), "values": f"not read: {unread}"}
        picture = read(file)
    except (*UNREADABLE, MemoryError) as error:
        raise InputError(f"{file}: {reason_of(file) or f'not a readable image: {reason(error)}'}") from None
    return {**_header(file, picture.info), **_values(picture), **_notes(picture.info)}


def _header(file: Path, info: PictureInfo) -> dict[str, object]:
    found: dict[str, object] = {
        "picture": str(file),
        "format": info.format,
        "size": f"{info.size[0]}x{info.size[1]}",
        "bits": info.bits,
        "type": info.dtype,
        "bands": list(info.bands),
        "pages": info.pages,
        "shown": _TURNED[info.orientation],
        "colour profile": info.profile or "none, or sRGB",
        "no data": "no value" if info.nodata is None else _number(info.nodata, info.dtype),
    }
    if info.palette is not None:
        opacity = "" if info.palette_alpha is None else f", {int((info.palette_alpha < 255).sum())} of them transparent"
        found["palette"] = f"{len(info.palette)} colours{opacity}"
    if info.inverted:
        found["brightness"] = "0 is the brightest value"
    if info.georeference:
        found["coordinates"] = info.georeference.crs or "of a system without an EPSG code"
        found["transform"] = list(info.georeference.transform)
    return found


def _number(value: float, dtype: str) -> float:
    """A value as pixels of a type have it: of integers without a decimal point."""
    return int(value) if np.dtype(dtype).kind in "iu" and value.is_integer() else value


def _notes(info: PictureInfo) -> dict[str, object]:
    notes = [*info.notes, *filter(None, [info.doubt]), *[FIRST_PAGE] * (info.pages > 1)]
    return {"notes": notes} if notes else {}


def _values(picture: Picture) -> dict[str, object]:
    """Range of each band, and how many pixels have each value or colour, if there are few of them."""
    values, info = picture.values, picture.info
    measured = np.ones(values.shape, bool) if values.dtype.kind != "f" else np.isfinite(values)
    if info.nodata is not None:
        measured &= values != info.nodata
    low, high = [], []
    for band in range(values.shape[-1]):
        own = values[..., band][measured[..., band]]
        low.append(own.min().item() if own.size else None)
        high.append(own.max().item() if own.size else None)
    found: dict[str, object] = {"lowest": low, "highest": high}
    if not measured.all():
        found |= _unmeasured(values, info)
    return found | _counted(picture)


def _unmeasured(values: np.ndarray, info: PictureInfo) -> dict[str, object]:
    """How many pixels have no data in any band, as they become void in labels, and infinite values in some, if any."""
    absent = int(Intensities(nodata=info.nodata).absent(values).sum())
    infinite = int(np.isinf(values).any(axis=-1).sum()) if values.dtype.kind == "f" else 0
    found = {"pixels without data": absent, "pixels with infinite values": infinite}
    return {name: number for name, number in found.items() if number}


def _counted(picture: Picture) -> dict[str, object]:
    values, info = picture.values, picture.info
    if values.dtype.kind == "f":
        return {}
    if values.shape[-1] == 1:
        different, counts = np.unique(values, return_counts=True)
        names = [_named(int(value), info) for value in different[: MOST_VALUES + 1]]
    elif info.dtype == "uint8" and values.shape[-1] <= 4 and info.bands[0] != INDEX:
        packed = np.zeros(values.shape[:2], np.uint32)
        for band in range(values.shape[-1]):
            packed = packed << 8 | values[..., band]
        different, counts = np.unique(packed, return_counts=True)
        names = [f"#{int(value):0{2 * values.shape[-1]}x}" for value in different[: MOST_VALUES + 1]]
    else:
        return {}
    what = "values" if values.shape[-1] == 1 else "colours" if ALPHA not in info.bands else "colours and alpha"
    if len(different) > MOST_VALUES:
        return {f"different {what}": len(different)}
    return {f"pixels of the {what}": dict(zip(names, counts.tolist(), strict=True))}


def _named(value: int, info: PictureInfo) -> str:
    """A value, with its colour if it is an index."""
    if info.palette is None or value >= len(info.palette):
        return str(value)
    return f"{value} (#{bytes(info.palette[value].tolist()).hex()})"
