"""The one place that reads picture and mask files: their facts, and their values as they are stored."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from casnet_cli.data.images import TOO_MANY_PIXELS, reading
from casnet_cli.data.limits import EXTRA_BYTES, MAX_BANDS, MAX_BYTES, MAX_PIXELS
from casnet_cli.data.pixels import pillow_readers
from casnet_cli.data.pixels.formats import HEAD, PictureFormat, format_of
from casnet_cli.data.pixels.picture import Picture, PictureInfo


def info_of(source: Path | bytes) -> PictureInfo:
    """The facts of a file, or of a file's content, by its header alone.

    Whether the last channel of a TIFF is alpha is known for sure only after `read`, which looks at its values. Raises
    one of `images.UNREADABLE` if it is no picture, or one that needs a package that is not installed.
    """
    with _opened(source) as (file, row):
        return row.info(file) if row else pillow_readers.info(file)


def read(source: Path | bytes) -> Picture:
    """The values of a file, or of a file's content, as stored: neither scaled nor turned nor blended.

    Of several pages the first is read. Raises one of `images.UNREADABLE` if it is no picture, truncated, too large, or
    needs a package that is not installed.
    """
    with _opened(source) as (file, row):
        info = row.info(file) if row else pillow_readers.info(file)
        if fault := too_large(info):
            raise ValueError(fault)
        file.seek(0)
        return row.read(file) if row else pillow_readers.read(file)


def too_large(info: PictureInfo) -> str | None:
    """Why a file of this size is not decoded, in words; None: it may be."""
    width, height = info.size
    if width < 1 or height < 1:
        return f"{width}x{height} pixels: it is empty"
    if width * height > MAX_PIXELS:
        return TOO_MANY_PIXELS
    if len(info.bands) > MAX_BANDS:
        return f"{len(info.bands):,} bands (at most {MAX_BANDS:,})"
    if info.value_bytes > MAX_BYTES:
        return f"more than {MAX_BYTES // 1_000_000:,} million bytes (cut it into smaller images)"
    return None


def content_of(file: Path) -> bytes:
    """A whole file. Raises one of `images.UNREADABLE`, also if it is far larger than its picture."""
    size = file.stat().st_size
    if size > EXTRA_BYTES:
        needed = info_of(file).value_bytes
        if size > needed + EXTRA_BYTES:
            held = f"it has {size / 2**30:,.1f} GiB, and its picture {needed / 2**30:,.1f} GiB of values"
            raise ValueError(f"{held} (at most {EXTRA_BYTES >> 30} GiB more: save the picture alone)")
    return file.read_bytes()


@contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[IO[bytes], PictureFormat | None]]:
    """The open file at its start, and its format. Errors of the block become `images.UNREADABLE`."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file, reading():
        head = file.read(HEAD)
        if not head:
            raise ValueError("the file is empty")
        file.seek(0)
        row = format_of(head)
        if row and not row.installed:
            raise ValueError(f"{row.name} needs {row.remedy}")
        yield file, row
