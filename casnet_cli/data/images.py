"""Decoding of image files of any kind to RGB, and encoding of labels."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps

from casnet_cli.data.limits import MAX_PIXELS
from casnet_cli.data.pixels import profiles
from casnet_cli.data.pixels.formats import HEAD, format_of
from casnet_cli.errors import reason
from casnet_cli.labels import LabelSet

# Pillow warns of odd EXIF tags, of large images and of odd TIFF files; none of that needs the user.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)

Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses at twice this

TOO_MANY_PIXELS = f"more than {MAX_PIXELS // 1_000_000:,} million pixels (cut it into smaller images)"
"""Why a picture is refused by its size."""

PILLOW_FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF", "TGA")
"""Pillow's readers that may be used, by its own names: others of them start programs, or read what is not promised."""


def decode_rgb(file: IO[bytes], oriented: bool = False) -> Image.Image:
    """Any image that Pillow reads, as 8-bit RGB: grey, 16-bit, palette, CMYK and transparent ones too.

    oriented: turn the image by its EXIF tag. Colours of another ICC profile than sRGB's are converted to sRGB.
    Transparent pixels are blended with white. Raises one of `UNREADABLE` if it is no image, truncated or too large.
    """
    with _opened(file) as image:
        if "transparency" in image.info and image.format == "PNG":
            image.info["transparency"] = _stretched(image.info["transparency"], getattr(image, "tile", None))
        image.load()  # an error of the file comes here, and none later
        if oriented and orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        if "icc_profile" in image.info:
            image = profiles.to_srgb(image)
        return rgb(image)


def _stretched(key: Any, tiles: Any) -> Any:
    """The transparent colour of a PNG as Pillow's pixels have it: it stretches greys of 2 and 4 bits, but not this."""
    layout = tiles[0].args if tiles else None
    return key * {"L;2": 85, "L;4": 17}[layout] if layout in ("L;2", "L;4") else key


@contextlib.contextmanager
def by_pillow(file: Path | IO[bytes], formats: tuple[str, ...] = PILLOW_FORMATS) -> Iterator[Image.Image]:
    """The image, not decoded yet: the one place that opens a file by Pillow.

    formats: of `PILLOW_FORMATS`, those that it may be of. Raises one of `UNREADABLE`, also in place of whatever the
    block raises.
    """
    with reading():
        try:
            opened = Image.open(file, formats=formats)
        except Image.DecompressionBombError:
            raise Image.DecompressionBombError(TOO_MANY_PIXELS) from None
        with opened as image:
            yield image


@contextlib.contextmanager
def _opened(file: IO[bytes]) -> Iterator[Image.Image]:
    """The image, not decoded yet; of HEIC by the package of the extra `heif`."""
    head = file.read(HEAD)
    file.seek(-len(head), io.SEEK_CUR)
    row = format_of(head)
    heif = row is not None and bool(row.package)
    if row and heif:
        if not row.installed:
            raise ValueError(f"{row.name} needs {row.remedy}")
        import_module(row.package).register_heif_opener()
    with by_pillow(file, ("HEIF",) if heif else PILLOW_FORMATS) as image:
        yield image


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turn errors of the block other than `UNREADABLE` into ValueError: libraries that read pictures raise any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except UNREADABLE:
            raise
        except MemoryError as error:
            raise ValueError("needs more memory than there is") from error
        except Exception as error:
            raise ValueError(reason(error)) from error


def rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of an image of any mode; transparent pixels are blended with white."""
    if image.mode.startswith(("I", "F")):
        return _from_wide(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def as_array(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 of an RGB image, copied some rows at a time: Pillow's own way holds a large image three times."""
    width, height = image.size
    found = np.empty((height, width, 3), np.uint8)
    rows = max(1, (1 << 20) // max(1, width))
    for top in range(0, height, rows):
        found[top : top + rows] = np.asarray(image.crop((0, top, width, min(top + rows, height))))
    return found


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height by the header of an image that is not decoded; `file` is back at its start then.

    Raises as `decode_rgb` does, also for more than MAX_PIXELS.
    """
    with _opened(file) as image:
        size = image.size
    file.seek(0)
    return size


def orientation(image: Image.Image) -> int:
    """How viewers turn an image by its EXIF tag: 1, not at all, to 8."""
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged tag; viewers ignore it too
        return 1
    return found if found in range(1, 9) else 1


SIDEWAYS = (5, 6, 7, 8)
"""Orientations that swap width and height."""

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on files that are no whole image."""


def _from_wide(image: Image.Image) -> Image.Image:
    # Prepared files of version 1 hold such pictures; newer ones have a range.
    # Pillow's own conversion clips 16-bit values at 255 instead of scaling them.
    values = np.asarray(image)
    rows = max(1, (1 << 20) // max(1, image.width))

    def strip(top: int) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(values[top : top + rows].astype(np.float64), posinf=0, neginf=0)

    largest = max((strip(top).max(initial=0) for top in range(0, image.height, rows)), default=0)
    full = 1.0 if image.mode == "F" and largest <= 1 else 255.0 if largest <= 255 else 65535.0
    grey = np.empty(values.shape, np.uint8)
    for top in range(0, image.height, rows):
        grey[top : top + rows] = np.rint(np.clip(strip(top) / full, 0, 1) * 255)
    return Image.fromarray(grey).convert("RGB")


def encode_label(label: np.ndarray) -> bytes:
    """(H, W) uint8 class ids as a grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(label).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def decode_label(data: bytes) -> Image.Image:
    """The stored PNG as a grey image of class ids. Raises one of `UNREADABLE`."""
    with by_pillow(io.BytesIO(data), ("PNG",)) as image:
        image.load()
        return image


def colored(label: np.ndarray, labels: LabelSet) -> np.ndarray:
    """(..., H, W, 3) uint8 of (..., H, W) class ids in the palette's colours, void black."""
    return np.asarray(labels.flat_palette(), dtype=np.uint8).reshape(256, 3)[label]
