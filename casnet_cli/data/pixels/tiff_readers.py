"""TIFF of every kind, by tifffile: the values of the first page as stored."""

import logging
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from casnet_cli.data.pixels import pillow_readers, profiles, tiff_tags
from casnet_cli.data.pixels.picture import ALPHA, COLORS, GREY, INDEX, Picture, PictureInfo, full_opacity, numbered
from casnet_cli.data.pixels.tiff_pieces import check_pieces

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_WHITE_IS_ZERO, _PALETTE, _SEPARATED, _YCBCR = 0, 3, 5, 6
"""Values of the tag PhotometricInterpretation."""
_RGB, _LABS = 2, (8, 9, 10)
_JPEGS = (7, 33003, 33004, 33005, 34712, 50001, 50002)
"""Compressions that turn YCbCr into RGB themselves."""
_OLD_JPEG = 6
_ALPHA_SHARE = 0.75
"""So many of an alpha channel's values above 0 are full."""
_MOST_PAGES = 64
"""Of a file with more pages none is compared with the first, to find smaller copies."""

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it speaks of odd tags; what cannot be read raises


def info(file: IO[bytes]) -> PictureInfo:
    """Facts by the tags of the first page."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        return pillow_readers.info(file) if _for_pillow(page) else _info(tiff, page)


def read(file: IO[bytes]) -> Picture:
    """The values as stored, YCbCr and CMYK as RGB; a channel marked as alpha is one only if its values are such."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        if _for_pillow(page):
            file.seek(0)
            return pillow_readers.read(file)
        found = _info(tiff, page)
        check_pieces(page, found)
        values = _values(page, found)
    if page.photometric == _SEPARATED and found.bands[:3] == COLORS:
        return Picture(replace(found, icc=None), _from_cmyk(values, found, tiff_tags.profile(page)))
    return Picture(settled(found, values), values)


def settled(info: PictureInfo, values: np.ndarray) -> PictureInfo:
    """The facts by the tags, corrected by values (H, W, N) of the file: a channel is alpha only if its values are."""
    if ALPHA in info.bands and not _is_alpha(values[..., info.bands.index(ALPHA)], info.bits):
        return _without_alpha(info)
    if ALPHA in info.bands:
        note = f"band {info.bands.index(ALPHA) + 1} is alpha, by its mark and its values: it is taken for transparency"
        return replace(info, notes=(*info.notes, note))
    return info


def _for_pillow(page: "TiffPage") -> bool:
    return page.compression == _OLD_JPEG or (page.photometric == _YCBCR and page.compression not in _JPEGS)


def _info(tiff: "TiffFile", page: "TiffPage") -> PictureInfo:
    dtype, bits = _type(page)
    bands, notes = _bands(page, bits)
    found = PictureInfo(
        "TIFF",
        (page.imagewidth, page.imagelength),
        bits,
        dtype,
        bands,
        pages=max(_pages(tiff), page.imagedepth),
        orientation=tiff_tags.orientation(page),
        inverted=page.photometric == _WHITE_IS_ZERO,
        premultiplied=1 in page.extrasamples and ALPHA in bands,
        nodata=tiff_tags.nodata(page),
        georeference=tiff_tags.georeference(page),
        notes=notes,
    )
    found = profiles.with_profile(found, tiff_tags.profile(page))
    if INDEX in bands and page.colormap is not None:
        colors = page.colormap.T
        found = replace(found, palette=(colors >> 8 if colors.max() > 255 else colors).astype(np.uint8))
    return found


def _type(page: "TiffPage") -> tuple[str, int]:
    """NumPy's name of the type of the values, and their bits."""
    stored, bits = page.dtype, page.bitspersample
    if stored is None or stored.kind not in "biuf" or stored.itemsize > 8:
        raise ValueError(f"it holds values of {bits} bits and sample format {page.sampleformat} (no numbers of a kind)")
    return "uint8" if stored.kind == "b" else stored.newbyteorder("=").name, int(bits)


def _bands(page: "TiffPage", bits: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each channel means, by the tags, and what was decided where they leave it open."""
    total = page.samplesperpixel
    extra = tuple(map(int, page.extrasamples))[: total - 1]
    described = tiff_tags.band_names(page, total)
    alpha = next((total - len(extra) + at for at, kind in enumerate(extra) if kind in (1, 2)), None)
    if alpha is None and ALPHA in described:
        alpha = described.index(ALPHA)
    if page.photometric == _PALETTE:
        return (INDEX, *numbered(total)[1:]), ()
    if page.photometric == _SEPARATED and total - len(extra) == 4:
        if bits == 8:
            return (*COLORS, *((ALPHA,) if alpha is not None else ())), (pillow_readers.CMYK_NOTE,)
        return ("cyan", "magenta", "yellow", "black", *numbered(total)[4:]), ()
    if page.photometric in _LABS and total == 3:
        return ("lightness", "a", "b"), ("its colours are CIELAB: they are taken as three bands, not converted",)
    names = list(numbered(total))
    notes: tuple[str, ...] = ()
    others = [band for band in range(total) if band != alpha]
    if page.photometric in (_RGB, _YCBCR) and total >= 3:
        names[:3] = COLORS
    elif len(others) == 1:
        names[others[0]] = GREY
    elif len(others) == 3 and not any(described):
        names = [*COLORS, *names[3:]] if alpha in (None, 3) else names
        notes = ("its three bands have no names: they are taken for red, green and blue",)
    names = [name if name in COLORS or not given else given for name, given in zip(names, described, strict=True)]
    if alpha is not None:
        names[alpha] = ALPHA
    first = {name: at for at, name in reversed(list(enumerate(names)))}
    return tuple(name if first[name] == at else f"band {at + 1}" for at, name in enumerate(names)), notes


def _pages(tiff: "TiffFile") -> int:
    """Pictures in the file: neither smaller copies of one nor masks of one."""
    total = len(tiff.pages)
    if not 1 < total <= _MOST_PAGES:
        return total
    kinds = [int(page.aspage().subfiletype) for page in tiff.pages]
    return max(1, sum(not kind & 0b101 for kind in kinds))


def _values(page: "TiffPage", found: PictureInfo) -> np.ndarray:
    """(H, W, N) of `found.dtype`."""
    values: Any = page.asarray(squeeze=False)[:, 0]  # planes, height, width, channels of a plane
    values = values[0] if values.shape[0] == 1 else np.moveaxis(values[..., 0], 0, -1)
    return np.ascontiguousarray(values).astype(found.dtype, copy=False)


def _from_cmyk(values: np.ndarray, found: PictureInfo, profile: bytes | None) -> np.ndarray:
    image = Image.frombytes("CMYK", found.size, np.ascontiguousarray(values[..., :4]).tobytes())
    if profile:
        image.info["icc_profile"] = profile
    return np.concatenate([np.asarray(profiles.cmyk_to_rgb(image)), values[..., 4 : len(found.bands) + 1]], axis=-1)


def _is_alpha(values: np.ndarray, bits: int) -> bool:
    """Whether the values, (H, W), are mostly nothing and full, as those of an alpha channel, not of a picture."""
    sample = values[:: max(1, values.shape[0] // 1024), :: max(1, values.shape[1] // 1024)]
    above = sample[sample > 0]
    if above.size == 0:
        return True
    return above.max() == full_opacity(values, bits) and bool((above == above.max()).mean() >= _ALPHA_SHARE)


def _without_alpha(found: PictureInfo) -> PictureInfo:
    at = found.bands.index(ALPHA)
    bands = (*found.bands[:at], f"band {at + 1}", *found.bands[at + 1 :])
    note = f"band {at + 1} is marked as alpha, but its values are those of a picture: it is taken for a further band"
    return replace(found, bands=bands, premultiplied=False, notes=(*found.notes, note))
