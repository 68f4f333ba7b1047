"""Read videos frame by frame, and write a video of overlays. Needs PyAV, an extra of the installation."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.writers import refused
from casnet_cli.util.extras import install
from casnet_cli.util.files import remove_stale, unfinished_name

_COMMON = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"}
VIDEO_ENDINGS = _COMMON | {".wmv", ".asf", ".flv", ".ogv", ".3gp", ".mts", ".m2ts"}

USUAL_RATE = Fraction(25)
"""Frames a second where the file gives no sensible number."""

FASTEST = 1000
"""Frames a second at most; a larger number in a file is a clock rate by mistake."""

MISSING = 0.5
"""Seconds by which a video may be shorter than its header says; containers count differently."""

ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""By preference; the first two write H.264, where the installed FFmpeg has them."""

BITS = 0.2
"""Bits a pixel, for encoders without a setting for quality."""

FASTEST_CLOCK = 65535
"""Ticks a second, the most that MPEG-4 can store."""

SMPTE170M = 6
"""The coefficients by which FFmpeg turns RGB into YUV by default; the file must name them, as viewers assume others
for large videos."""


# Reading


def frames(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """The number of each frame, from 0, and its pixels, (H, W, 3) uint8 RGB, rotated as the file's metadata say.

    Raises InputError if the file is no video. Of a file that is damaged or cut off, all frames before the damage come
    first.
    """
    av = _library(path)
    number, end = 0, None
    with _opened(path, av) as (container, stream):
        try:
            for frame in _decoded(container, stream, av):
                if frame.is_corrupt:
                    raise ValueError("damaged data")
                yield number, _rotated(frame)
                number += 1
                end = None if frame.pts is None else float((frame.pts + (frame.duration or 0)) * stream.time_base)
            if number == 0:
                raise ValueError("no frame in it")
            if _ends_early(path, container, stream, end):
                raise ValueError("the file ends before its time")
        except (av.error.FFmpegError, ValueError) as error:
            place = f"broken off after {number} frame{'s' * (number != 1)}" if number else "not a readable video"
            raise InputError(f"{path}: {place}: {_reason(error)}") from None


def count(path: Path) -> int | None:
    """How many frames to expect: exact for some formats, else from length and rate; None if the file gives neither.

    Raises InputError if the file is no video.
    """
    with _opened(path, _library(path)) as (container, stream):
        if stream.frames > 0:
            return int(stream.frames)
        seconds = stream.duration * stream.time_base if stream.duration else Fraction(container.duration or 0, 10**6)
        return round(seconds * _rate(stream)) if seconds > 0 else None


def rate(path: Path) -> Fraction:
    """Frames a second on average; 25 where the file gives no sensible number. Raises InputError if it is no video."""
    with _opened(path, _library(path)) as (_, stream):
        return _rate(stream)


def _library(path: Path) -> Any:
    try:
        return importlib.import_module("av")
    except ImportError:
        raise InputError(f"{path}: videos need PyAV ({install('video')})") from None


@contextlib.contextmanager
def _opened(path: Path, av: Any) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream that is no cover picture. Raises InputError."""
    try:
        # With these options a name such as `concat:a`, or a playlist named .mp4, cannot open another file.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable video: {_reason(error)}") from None
    with container:
        cover = av.stream.Disposition.attached_pic
        stream = next((one for one in container.streams.video if not one.disposition & cover), None)
        if stream is None:
            raise InputError(f"{path}: no video in it")
        yield container, stream


def _decoded(container: Any, stream: Any, av: Any) -> Iterator[Any]:
    """Raises FFmpegError or ValueError where the data are damaged, after the frames that were decoded before."""
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise ValueError("incomplete data")
            yield from packet.decode()
    except (av.error.FFmpegError, ValueError):
        with contextlib.suppress(av.error.FFmpegError):
            yield from stream.codec_context.decode(None)
        raise


def _rotated(frame: Any) -> np.ndarray:
    """Both FFmpeg and NumPy count angles counterclockwise."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def _ends_early(path: Path, container: Any, stream: Any, end: float | None) -> bool:
    """Whether frames are missing at the end, as far as the format shows it. end: of the last frame, in seconds."""
    index = stream.index_entries
    if len(index) and index[-1].pos + index[-1].size > path.stat().st_size:
        return True
    stated = 0.0
    if "matroska" in container.format.name:
        stated = _seconds(stream.metadata.get("DURATION", ""))
    elif container.format.name == "avi":  # its duration is that of the data, but its number of frames is stated
        stated = float(stream.frames / _rate(stream))
    return end is not None and end < stated - MISSING


def _seconds(clock: str) -> float:
    """62.5 of `00:01:02.5`; 0 of anything else."""
    try:
        hours, minutes, seconds = map(float, clock.split(":"))
    except ValueError:
        return 0.0
    return hours * 3600 + minutes * 60 + seconds


def _rate(stream: Any) -> Fraction:
    stated = stream.average_rate or stream.guessed_rate
    return Fraction(stated) if stated and 0 < stated <= FASTEST else USUAL_RATE


def _reason(error: BaseException) -> str:
    """FFmpeg's error numbers are not those of the system, but its messages are good."""
    return getattr(error, "strerror", None) or reason(error)


# Writing


class OverlayVideo:
    """Writes an MP4 file of RGB frames in constant steps, whole or not at all; without a frame there is no file.

    Entering, `add` and leaving raise InputError if the file cannot be written or PyAV is not installed.
    """

    def __init__(self, path: Path, rate: Fraction, size: tuple[int, int]):
        """rate: frames a second, above 0. size: width and height; frames of another size are scaled to it, and an odd
        side gets one more row or column, which H.264 requires."""
        if rate <= 0:
            raise ValueError(f"a video of {rate} frames a second")
        self.path, self.size = path, size
        self.rate = 1 / (1 / Fraction(rate)).limit_denominator(FASTEST_CLOCK)
        self._av = _library(path)
        self._partial = unfinished_name(path)
        self._container: Any = None
        self._frames = 0

    def __enter__(self) -> Self:
        remove_stale(self.path)
        try:
            with self._writing():
                self._start()
        except BaseException:
            self._discard()
            raise
        return self

    def _start(self) -> None:
        # The index goes to the front, so that a player can start before it has all of the file.
        self._container = self._av.open(f"file:{self._partial}", "w", "mp4", options={"movflags": "faststart"})
        available = self._av.codec.codecs_available
        encoder = next((name for name in ENCODERS if name in available), ENCODERS[-1])
        width, height = (side + side % 2 for side in self.size)
        self._stream = self._container.add_stream(encoder, rate=self.rate)
        if encoder == "libx264":
            self._stream.options = {"preset": "veryfast"}  # no slower than the network
        else:
            self._stream.bit_rate = round(width * height * self.rate * BITS)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.colorspace = SMPTE170M
        self._container.start_encoding()

    def add(self, frame: np.ndarray) -> None:
        """Append a frame, (H, W, 3) uint8 RGB."""
        height, width = frame.shape[:2]
        padded = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        with self._writing():
            self._container.mux(self._stream.encode(picture))
        self._frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._frames:
                with self._writing():
                    self._container.mux(self._stream.encode(None))
                    self._container.close()
                    os.replace(self._partial, self.path)
        finally:
            self._discard()

    def _discard(self) -> None:
        if self._container is not None:
            with contextlib.suppress(self._av.error.FFmpegError, OSError):
                self._container.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, OSError) as error:
            raise refused(self.path, error, _reason(error)) from None
