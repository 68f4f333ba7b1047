"""What the tags of a TIFF page say beside its pixels: no-data value, names of bands, place on the earth."""

import re
from typing import TYPE_CHECKING, Any

from casnet_cli.data.pixels.picture import ALPHA, BLUE, GREEN, GREY, RED, Georeference
from casnet_cli.util.parsing import xml_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tifffile import TiffPage

_ORIENTATION, _ICC = 274, 34675
_PIXEL_SCALE, _TIE_POINT, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735
_GDAL_METADATA, _GDAL_NODATA = 42112, 42113
_RASTER_TYPE, _GEOGRAPHIC, _PROJECTED = 1025, 2048, 3072
"""Numbers of GeoTIFF's keys."""
_PIXEL_IS_POINT = 2
_USER_DEFINED = 32767
_MEANINGS = {"red": RED, "green": GREEN, "blue": BLUE, "alpha": ALPHA, "gray": GREY, "grey": GREY}


def orientation(page: "TiffPage") -> int:
    """How viewers turn the page: 1, not at all, to 8."""
    found = _value(page, _ORIENTATION)
    return found if found in range(1, 9) else 1


def profile(page: "TiffPage") -> bytes | None:
    """The content of the page's ICC profile; None if it has none."""
    found = _value(page, _ICC)
    return found if isinstance(found, bytes) else None


def nodata(page: "TiffPage") -> float | None:
    """GDAL's value for pixels where nothing was measured; None for NaN too, which means so without a tag."""
    try:
        found = float(str(_value(page, _GDAL_NODATA)).strip("\0 "))
    except ValueError:
        return None
    return found if found == found else None


def band_names(page: "TiffPage", bands: int) -> list[str]:
    """The names of the bands by GDAL's metadata, colours by their English names; empty where there is none."""
    names, meanings = [""] * bands, [""] * bands
    text = _value(page, _GDAL_METADATA)
    for item in _items(text if isinstance(text, str) else ""):
        sample, role = item.get("sample", ""), (item.get("role") or "").lower()
        if not (sample.isdigit() and int(sample) < bands):
            continue
        content = re.sub(r"\s+", " ", item.text or "").strip()
        if role == "description":
            names[int(sample)] = _MEANINGS.get(content.lower(), content)
        elif role == "colorinterp":
            meanings[int(sample)] = _MEANINGS.get(content.lower(), "")
    return [meaning or name for meaning, name in zip(meanings, names, strict=True)]


def _items(text: str) -> "list[Element]":
    try:
        return list(xml_of(text.strip("\0 \n")).iter("Item")) if text else []
    except ValueError:
        return []


def georeference(page: "TiffPage") -> Georeference | None:
    """Where the page lies, by GeoTIFF's tags; None if they do not say it."""
    keys = _geo_keys(_value(page, _GEO_KEYS))
    transform = _transform(page)
    if transform is None:
        return None
    if keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT:  # the tags then give the centre of the first pixel
        a, b, c, d, e, f = transform
        transform = (a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)
    code = keys.get(_PROJECTED) or keys.get(_GEOGRAPHIC) or 0
    return Georeference(f"EPSG:{code}" if 0 < code < _USER_DEFINED else "", transform)


def _transform(page: "TiffPage") -> tuple[float, float, float, float, float, float] | None:
    matrix = _value(page, _TRANSFORMATION)
    if matrix is not None and len(matrix) >= 8:
        return (*map(float, (*matrix[:2], matrix[3], *matrix[4:6], matrix[7])),)  # type: ignore[return-value]
    scale, tie = _value(page, _PIXEL_SCALE), _value(page, _TIE_POINT)
    if scale is None or tie is None or len(scale) < 2 or len(tie) < 6:
        return None
    column, row, _, x, y = map(float, tie[:5])
    across, down = float(scale[0]), -float(scale[1])
    return across, 0.0, x - across * column, 0.0, down, y - down * row


def _value(page: "TiffPage", tag: int) -> Any:
    """The value of a tag by its number; None if the page has none."""
    found = page.tags.get(tag)
    return None if found is None else found.value


def _geo_keys(directory: Any) -> dict[int, int]:
    """Those keys whose values stand in the directory itself."""
    if directory is None or len(directory) < 4:
        return {}
    numbers = [int(number) for number in directory]
    rows = [numbers[at : at + 4] for at in range(4, len(numbers) - 3, 4)]
    return {key: content for key, place, _, content in rows if place == 0}
