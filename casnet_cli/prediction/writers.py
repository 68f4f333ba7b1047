"""Writers of the picture files of a prediction; each file is whole or not there at all."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.prediction.png_rows import write_rows
from casnet_cli.util.files import unfinished
from casnet_cli.util.mapped_array import is_mapped, release, strips

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledPicture

OVERLAY_STRENGTH = 0.55
"""Weight of the classes' colours over the image."""

OVERLAY_STRIP = 1 << 20
"""Pixels of an overlay that are computed at a time."""

LONGEST_SIDE = 65_500
"""Of a JPEG file in pixels, for libjpeg."""

IN_THE_WAY = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.EILSEQ)
"""Error numbers that concern one file name; after any other, such as that of a full disk, no file could be written."""

LAST_ERRNO = 4095
"""The largest error number of the system; FFmpeg's are larger."""


class Unsaved(InputError):
    """The outputs of one input cannot be written; those of other inputs can."""


def refused(path: Path, error: Exception, why: str = "") -> InputError:
    """The error to raise where a file cannot be written: Unsaved if the cause lies in this file alone."""
    number = getattr(error, "errno", None)
    alone = number is None or number > LAST_ERRNO or number in IN_THE_WAY
    return (Unsaved if alone else InputError)(f"{path}: cannot be written: {why or reason(error)}")


def write_mask(file: Path, picture: "LabelledPicture") -> None:
    """The class of each pixel as PNG, in the values of `picture.mask_values`."""
    write_png(file, picture.result.mask, picture.mask_values.image)


def write_difficulty(file: Path, picture: "LabelledPicture") -> None:
    """8-bit grey PNG, 255 = surely difficult."""
    write_png(file, picture.result.difficulty)


def write_confidence(file: Path, picture: "LabelledPicture") -> None:
    """8-bit grey PNG, 255 = certain."""
    assert picture.result.confidence is not None
    write_png(file, picture.result.confidence)


def write_probabilities(file: Path, picture: "LabelledPicture") -> None:
    """A .npz file of `probabilities`, (H, W, K) float16, and `classes`, their K names."""
    assert picture.result.probabilities is not None
    arrays = {"probabilities": picture.result.probabilities, "classes": np.asarray(picture.labels.names)}
    atomically(file, lambda stream: np.savez_compressed(stream, **arrays))  # type: ignore[arg-type]


def write_overlay(file: Path, picture: "LabelledPicture") -> None:
    """The image with the classes' colours laid over as JPEG. Raises OSError.

    Of an image that shows one pixel of n, across and down, the overlay does so too.
    """
    image, mask = picture.image, picture.result.mask
    height, width = image.shape[:2]
    step = step_between(mask.shape, image.shape)
    if max(height, width) > LONGEST_SIDE:
        raise OSError(f"a JPEG has at most {LONGEST_SIDE:,} pixels a side (--no-overlay)")
    overlay = Image.new("RGB", (width, height))
    rows = max(1, OVERLAY_STRIP // width)
    for top in range(0, height, rows):
        part = mask[top * step : (top + rows) * step : step, ::step]
        strip = blended(image[top : top + rows], part, picture.labels)
        release(mask)
        overlay.paste(Image.fromarray(strip), (0, top))
    atomically(file, lambda stream: overlay.save(cast(IO[bytes], _WithoutDescriptor(stream)), "JPEG", quality=90))


class _WithoutDescriptor(io.BufferedIOBase):
    """A file that hides its descriptor: Pillow would write to that directly and drop the cause of a failure."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def write(self, content: Any) -> int:
        return self._file.write(content)


def blended(image: np.ndarray, mask: np.ndarray, labels: LabelSet) -> np.ndarray:
    """The image (H, W, 3) uint8 with the colours of the classes (H, W) laid over, (H, W, 3) uint8."""
    colors = np.asarray(labels.flat_palette(), np.float32).reshape(256, 3) * OVERLAY_STRENGTH + 0.5
    return (image * np.float32(1 - OVERLAY_STRENGTH) + colors[mask]).astype(np.uint8)


def step_between(whole: tuple[int, ...], reduced: tuple[int, ...]) -> int:
    """Of how many pixels a reduced picture shows one, by both heights and widths."""
    return max(-(-side // shown) for side, shown in zip(whole[:2], reduced[:2], strict=True))


def write_png(file: Path, values: np.ndarray, image: Callable[[np.ndarray], Image.Image] = Image.fromarray) -> None:
    """(H, W) uint8 as PNG, lightly compressed, for speed. image: makes a picture of values, or of some rows of them."""
    if is_mapped(values):
        parts = (image(part) for _, part in strips(values))
        atomically(file, lambda stream: write_rows(stream, (values.shape[1], values.shape[0]), parts))
        return
    whole = image(values)
    atomically(file, lambda stream: whole.save(stream, "PNG", compress_level=1))


def atomically(path: Path, save: Callable[[IO[bytes]], None]) -> None:
    """Let `save` write a temporary file beside `path`, then rename it: readers never see an unfinished file."""
    with unfinished(path) as partial, open(partial, "wb") as file:
        save(file)
