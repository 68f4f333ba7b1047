"""Pictures that Pillow reads as they are stored: those of 8 bits, and a few of 1, 16 and 32."""

from dataclasses import replace
from typing import IO

import numpy as np
from PIL import Image

from casnet_cli.data.images import as_array, by_pillow
from casnet_cli.data.pixels import profiles
from casnet_cli.data.pixels.picture import ALPHA, BLUE, COLORS, GREEN, GREY, INDEX, RED, Picture, PictureInfo

_MODES = {
    "1": (1, "uint8", (GREY,)),
    "L": (8, "uint8", (GREY,)),
    "P": (8, "uint8", (INDEX,)),
    "LA": (8, "uint8", (GREY, ALPHA)),
    "PA": (8, "uint8", (INDEX, ALPHA)),
    "RGB": (8, "uint8", COLORS),
    "RGBA": (8, "uint8", (RED, GREEN, BLUE, ALPHA)),
    "I;16": (16, "uint16", (GREY,)),
    "I;16B": (16, "uint16", (GREY,)),
    "I;16L": (16, "uint16", (GREY,)),
    "I": (32, "int32", (GREY,)),
    "F": (32, "float32", (GREY,)),
}
"""Bits, type and bands of Pillow's modes; the others are read as RGB."""

CMYK_NOTE = "its CMYK colours are converted to RGB"


def info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    with by_pillow(file) as image:
        return info_of_image(image)


def read(file: IO[bytes]) -> Picture:
    """The values as stored."""
    with by_pillow(file) as image:
        found = info_of_image(image)
        return Picture(found, values_of(image, found))


def info_of_image(image: Image.Image) -> PictureInfo:
    """Facts of an image that Pillow has opened, decoded or not."""
    bits, dtype, bands = _MODES.get(image.mode, _MODES["RGB"])
    key = image.info.get("transparency")
    if image.mode in ("L", "RGB") and key is not None:
        bands = (*bands, ALPHA)
    name = {"JPEG2000": "JPEG 2000", "WEBP": "WebP", "PPM": "PNM"}.get(image.format or "", image.format or "")
    found = PictureInfo(
        format=name,
        size=image.size,
        bits=bits,
        dtype=dtype,
        bands=bands,
        pages=getattr(image, "n_frames", 1),
        orientation=_orientation(image),
        notes=(CMYK_NOTE,) if image.mode == "CMYK" else (),
    )
    found = profiles.with_profile(found, image.info.get("icc_profile"))
    if found.bands[0] == INDEX:
        colors, opacity = _palette(image)
        found = replace(found, palette=colors, palette_alpha=opacity)
    elif image.format == "GIF" and image.mode == "L":  # Pillow's word for a palette of greys in their order
        ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        found = replace(found, bands=(INDEX,), palette=ramp, palette_alpha=_opacity(key, 256))
    return found


def values_of(image: Image.Image, found: PictureInfo) -> np.ndarray:
    """(H, W, N) of `found.dtype`, of an image whose facts these are."""
    if image.mode == "CMYK":
        image.load()
        image = profiles.cmyk_to_rgb(image)
    elif image.mode == "RGBa":
        image = image.convert("RGBA")
    elif image.mode not in _MODES:
        image = image.convert("RGB")
    key = image.info.get("transparency")
    if image.mode in ("L", "RGB") and ALPHA in found.bands and key is not None:
        return with_key(np.asarray(image), key)
    if image.mode == "RGB":
        return as_array(image)
    values = np.array(image)
    return np.ascontiguousarray(values[..., None] if values.ndim == 2 else values).astype(found.dtype, copy=False)


def with_key(values: np.ndarray, key: int | tuple[int, ...]) -> np.ndarray:
    """(H, W, N + 1): with an alpha channel, 0 where a pixel has the colour `key`, the largest value elsewhere."""
    values = values[..., None] if values.ndim == 2 else values
    opaque = (values != np.asarray(key, values.dtype)).any(axis=-1, keepdims=True)
    return np.concatenate([values, opaque.astype(values.dtype) * np.iinfo(values.dtype).max], axis=-1)


def _orientation(image: Image.Image) -> int:
    """By the EXIF or XMP data before the pixels: PNG's own method would decode all of them to search behind."""
    try:
        found = Image.Image.getexif(image).get(0x0112, 1)
    except Exception:  # a damaged tag; viewers ignore it too
        return 1
    return found if found in range(1, 9) else 1


def _palette(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours of the indices, and their opacity if there is one."""
    flat = image.getpalette("RGBA" if image.palette and image.palette.mode == "RGBA" else "RGB") or []
    channels = 4 if image.palette and image.palette.mode == "RGBA" else 3
    table = np.asarray(flat, np.uint8).reshape(-1, channels)
    if channels == 4:
        return table[:, :3], table[:, 3]
    return table, _opacity(image.info.get("transparency"), len(table))


def _opacity(key: object, colors: int) -> np.ndarray | None:
    if not isinstance(key, int | bytes):
        return None
    found = np.full(colors, 255, np.uint8)
    if isinstance(key, int):
        found[key : key + 1] = 0
    else:
        given = np.frombuffer(key, np.uint8)[:colors]
        found[: len(given)] = given
    return found
