"""Colour profiles (ICC): their names, and the conversion of 8-bit colours to sRGB."""

import io
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from casnet_cli.data.pixels.picture import COLORS, GREY, Picture, PictureInfo

_NEAR = 3
"""A profile that moves no colour by more than this many of 255 steps is sRGB under another name."""

_lock = threading.Lock()


def name_of(content: bytes | None) -> str | None:
    """The name of an ICC profile; None for none at all, for sRGB, and for one that cannot be read."""
    if not content or not (profile := _opened(content)) or _like_srgb(content):
        return None
    return " ".join(ImageCms.getProfileDescription(profile).split()) or "without a name"


def with_profile(info: PictureInfo, content: bytes | None) -> PictureInfo:
    """The facts with those of an ICC profile, unless it is sRGB's or none."""
    name = name_of(content)
    return replace(info, profile=name, icc=content) if name else info


def in_srgb(picture: Picture) -> Picture:
    """A picture of 8 bits with its colours, or those of its palette, in sRGB by its profile; grey ones become RGB.

    Further bands and alpha stay as they are; so does a picture of more bits, or without a profile.
    """
    info, values = picture.info, picture.values
    if info.icc is None or info.dtype != "uint8" or info.bits < 8:
        return picture
    if info.palette is not None:
        return replace(picture, info=replace(info, palette=_of_array(info.palette[None], info.icc)[0], icc=None))
    colors = 1 if info.bands[0] == GREY else 3
    if colors == 3 and info.bands[:3] != COLORS:
        return picture
    found = _of_array(values[..., :colors], info.icc)
    bands = (*COLORS, *info.bands[colors:])
    return Picture(replace(info, bands=bands, icc=None), np.concatenate([found, values[..., colors:]], axis=-1))


def _of_array(colors: np.ndarray, content: bytes) -> np.ndarray:
    """(H, W, 3) of (H, W, 1 or 3) uint8."""
    image = Image.fromarray(np.ascontiguousarray(colors[..., 0] if colors.shape[-1] == 1 else colors))
    return np.asarray(_converted(image, content).convert("RGB"))


def to_srgb(image: Image.Image) -> Image.Image:
    """An image of any mode with its 8-bit colours in sRGB, by its profile; as it is if there is none.

    Palette images become RGB or RGBA, grey ones RGB. A profile that cannot be read, or belongs to other channels than
    the image has, is ignored, as viewers do.
    """
    content = image.info.get("icc_profile")
    if not content or image.mode.startswith(("I", "F", "1")) or (image.mode != "CMYK" and name_of(content) is None):
        return image
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "LA":
        alpha = image.getchannel("A")
        image = _converted(image.getchannel("L"), content).convert("RGB")
        image.putalpha(alpha)
        return image
    return _converted(image, content)


def cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """RGB of a CMYK image, by its profile, else by the usual formula."""
    found = to_srgb(image)
    return found if found.mode == "RGB" else found.convert("RGB")


def _converted(image: Image.Image, content: bytes) -> Image.Image:
    transform = _transform(content, image.mode)
    if transform is None:
        return image
    return transform.apply(image)


@lru_cache(16)
def _opened(content: bytes) -> Any:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(content))
    except (OSError, ImageCms.PyCMSError):
        return None


@lru_cache(16)
def _transform(content: bytes, mode: str) -> Any:
    """The transform from a profile to sRGB; None if it is no profile, or one of other channels."""
    profile = _opened(content)
    if profile is None:
        return None
    target = "RGBA" if mode == "RGBA" else "RGB"
    try:
        with _lock:
            return ImageCms.buildTransform(
                profile,
                ImageCms.createProfile("sRGB"),
                mode,
                target,
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None


@lru_cache(16)
def _like_srgb(content: bytes) -> bool:
    """Whether a profile of colours or of greys leaves a grid of them as they are."""
    steps = np.arange(0, 256, 17).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3)
    for mode, source in (("RGB", grid), ("L", steps[None])):
        if transform := _transform(content, mode):
            moved = np.asarray(transform.apply(Image.fromarray(source)), np.int16)
            return bool(np.abs(moved - source.reshape(*source.shape[:2], -1)).max() <= _NEAR)
    return False
