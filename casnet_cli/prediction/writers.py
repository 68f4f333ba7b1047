"""The files that prediction leaves for an image, each whole or not at all."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from PIL import Image

from casnet_cli.errors import InputError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.util.files import unfinished, write_whole

OVERLAY_STRENGTH = 0.55
STRIP = 1 << 20
"""Pixels that are mixed at a time."""

LONGEST_SIDE = 65_500
"""Of a JPEG file, for libjpeg."""

IN_THE_WAY = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.EILSEQ)
"""Faults of one name; with others of the system's, such as a full disk, nothing else could be written either."""

LAST = 4095
"""Of the system's numbers; larger ones are FFmpeg's."""


class Unsaved(InputError):
    """The files of one input cannot be written; those of others can."""


def refused(path: Path, error: Any, why: str = "") -> InputError:
    """What to raise when a file cannot be written, Unsaved if it is for a reason of its own."""
    alone = error.errno is None or error.errno > LAST or error.errno in IN_THE_WAY
    return (Unsaved if alone else InputError)(f"{path}: cannot be written: {why or reason(error)}")


def write_png(path: Path, image: Image.Image) -> None:
    atomically(path, lambda file: image.save(file, "PNG", compress_level=1))


def write_grey(path: Path, values: np.ndarray) -> None:
    """(H, W) uint8 → 8-bit grey PNG."""
    write_png(path, Image.fromarray(values))


def write_overlay(path: Path, image: np.ndarray, mask: np.ndarray, labels: LabelSet) -> None:
    """The image (H, W, 3) uint8 with the classes' colours laid over → JPEG. Raises OSError."""
    height, width = mask.shape
    if max(height, width) > LONGEST_SIDE:
        raise OSError(f"a JPEG has at most {LONGEST_SIDE:,} pixels a side (--no-overlay)")
    overlay = Image.new("RGB", (width, height))
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        overlay.paste(Image.fromarray(mixed(image[top : top + rows], mask[top : top + rows], labels)), (0, top))
    atomically(path, lambda file: overlay.save(cast(IO[bytes], _Undescribed(file)), "JPEG", quality=90))


class _Undescribed(io.BufferedIOBase):
    """A file without its descriptor: Pillow would write to that by itself, and not say why it cannot."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def write(self, content: Any) -> int:
        return self._file.write(content)


def mixed(image: np.ndarray, mask: np.ndarray, labels: LabelSet) -> np.ndarray:
    """(H, W, 3) uint8: the image with the classes' colours laid over."""
    colors = np.asarray(labels.flat_palette(), np.float32).reshape(256, 3) * OVERLAY_STRENGTH + 0.5
    return (image * np.float32(1 - OVERLAY_STRENGTH) + colors[mask]).astype(np.uint8)


def write_probabilities(path: Path, probabilities: np.ndarray, labels: LabelSet) -> None:
    """(H, W, K) float16 and the class names → .npz with `probabilities` and `classes`."""
    names = np.asarray(labels.names)
    atomically(path, lambda file: np.savez_compressed(file, probabilities=probabilities, classes=names))


def write_text(path: Path, text: str) -> None:
    write_whole(path, text)


def atomically(path: Path, save: Callable[[IO[bytes]], None]) -> None:
    """Let `save` write a temporary file beside `path`, then rename it: readers never see half of it."""
    with unfinished(path) as partial, open(partial, "wb") as file:
        save(file)
