"""Read videos frame by frame, as a player shows them. Needs PyAV, an extra of the installation."""

import contextlib
import importlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from casnet_cli.data.limits import MAX_FRAME_PIXELS
from casnet_cli.errors import InputError, reason
from casnet_cli.util.extras import install

if TYPE_CHECKING:
    import numpy as np

_COMMON = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"}
VIDEO_ENDINGS = _COMMON | {".wmv", ".asf", ".flv", ".ogv", ".3gp", ".mts", ".m2ts"}

USUAL_RATE = Fraction(25)
"""Frames a second where the file gives no sensible number."""

FASTEST = 1000
"""Frames a second at most; a larger number in a file is a clock rate by mistake."""

MISSING = 0.5
"""Seconds by which a video may be shorter than its header says; containers count differently."""

FORMATS = "mov,matroska,webm,avi,mpeg,mpegvideo,m4v,h264,hevc,mpegts,asf,flv,ogg"
"""FFmpeg's readers of the files with these endings: others would take pictures and texts for videos, or read further
files that a list names."""

PIXELS = str(2 * MAX_FRAME_PIXELS)
"""Of a frame in FFmpeg, whose decoders round its sides up; whatever claims more gets no size."""


@dataclass(frozen=True)
class Frame:
    """A frame of a video, as a player shows it."""

    number: int
    """From 0."""
    pixels: "np.ndarray"
    """(H, W, 3) uint8 RGB, turned and mirrored as the file says."""
    time: Fraction
    """Seconds at which it is shown; they grow from frame to frame."""
    duration: Fraction
    """Seconds for which it is shown, above 0."""
    aspect: Fraction
    """Width of a pixel by its height."""


@dataclass(frozen=True)
class Film:
    """A video file that is open."""

    container: Any
    """PyAV's container."""
    stream: Any
    """Its first stream of video that is no cover picture."""

    @property
    def rate(self) -> Fraction:
        """Frames a second on average; 25 where the file gives no sensible number."""
        stated = self.stream.average_rate or self.stream.guessed_rate
        return Fraction(stated) if stated and 0 < stated <= FASTEST else USUAL_RATE

    @property
    def origin(self) -> Fraction:
        """Seconds of the file's clock at which it begins: the clocks of broadcasts begin at any number."""
        av = importlib.import_module("av")
        anywhere = self.container.format.flags & av.format.Flags.ts_discont.value
        return Fraction(self.container.start_time or 0, av.time_base) if anywhere else Fraction(0)

    @property
    def aspect(self) -> Fraction:
        """Width of a pixel by its height, before any turning."""
        return self.stream.sample_aspect_ratio or Fraction(1)


def frames(path: Path) -> Iterator[Frame]:
    """The frames in order.

    Raises InputError if the file is no video. Of a file that is damaged or cut off, all frames before the damage come
    first.
    """
    number, end = 0, Fraction(0)
    with opened(path) as film:
        clock = _Clock(film)
        try:
            for frame in _decoded(film):
                if frame.is_corrupt:
                    raise ValueError("damaged data")
                pixels, sideways = _upright(frame)
                time, duration = clock.next(frame)
                yield Frame(number, pixels, time, duration, 1 / film.aspect if sideways else film.aspect)
                number, end = number + 1, time + duration
            if number == 0:
                raise ValueError("no frame in it")
            if _ends_early(path, film, end):
                raise ValueError("the file ends before its time")
        except Exception as error:  # of PyAV, FFmpeg and NumPy
            place = f"broken off after {number} frame{'s' * (number != 1)}" if number else "not a readable video"
            raise InputError(f"{path}: {place}: {av_reason(error)}") from None


def count(path: Path) -> int | None:
    """How many frames to expect: exact for some formats, else from length and rate; None if the file gives neither.

    Raises InputError if the file is no video.
    """
    with opened(path) as film:
        stream, container = film.stream, film.container
        if stream.frames > 0:
            return int(stream.frames)
        seconds = stream.duration * stream.time_base if stream.duration else Fraction(container.duration or 0, 10**6)
        return round(seconds * film.rate) if seconds > 0 else None


def library(path: Path) -> ModuleType:
    """PyAV. Raises InputError, naming the file, where it is not installed."""
    try:
        return importlib.import_module("av")
    except ImportError:
        raise InputError(f"{path}: videos need PyAV ({install('video')})") from None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Film]:
    """The file, ready to be read. Raises InputError."""
    av = library(path)
    try:
        # With these options a name such as `concat:a`, or a playlist named .mp4, cannot open another file.
        options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": PIXELS}
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.ArgumentError:  # of the second list
        raise InputError(f"{path}: not a readable video: its content is of no video format that is read") from None
    except Exception as error:  # of PyAV and FFmpeg
        raise InputError(f"{path}: not a readable video: {av_reason(error)}") from None
    with container:
        cover = av.stream.Disposition.attached_pic
        stream = next((one for one in container.streams.video if not one.disposition & cover), None)
        if stream is None:
            raise InputError(f"{path}: no video in it")
        if stream.codec_context is None:
            raise InputError(f"{path}: its video is of a kind that cannot be decoded here")
        if not 0 < stream.width * stream.height <= MAX_FRAME_PIXELS:
            limit = f"at most {MAX_FRAME_PIXELS // 1_000_000:,} million pixels a frame"
            raise InputError(f"{path}: its frames have no size, or a larger one than is read ({limit})")
        stream.codec_context.options = {"max_pixels": PIXELS}
        yield Film(container, stream)


def _decoded(film: Film) -> Iterator[Any]:
    """Raises an error of FFmpeg or a ValueError where the data are damaged, after the frames that came before."""
    try:
        for packet in film.container.demux(film.stream):
            if packet.is_corrupt:
                raise ValueError("incomplete data")
            yield from packet.decode()
    except Exception:
        with contextlib.suppress(Exception):
            yield from film.stream.codec_context.decode(None)
        raise


class _Clock:
    """Gives each frame its time, by the file, or where the file gives none that grows, by the frame before."""

    def __init__(self, film: Film):
        self._film, self._origin, self._end = film, film.origin, Fraction(0)
        self._last: Fraction | None = None

    def next(self, frame: Any) -> tuple[Fraction, Fraction]:
        """Time and duration of the next frame."""
        base = self._film.stream.time_base
        duration = (frame.duration or 0) * base or 1 / self._film.rate
        # AVI has no times of showing: FFmpeg makes them up, and those of decoding are in the order of the frames.
        stamp = frame.dts if self._film.container.format.name == "avi" else frame.pts
        time = self._end if stamp is None else stamp * base - self._origin
        if self._last is not None and time <= self._last:
            time = self._end
        self._last, self._end = time, time + duration
        return time, duration


def _upright(frame: Any) -> "tuple[np.ndarray, bool]":
    """(H, W, 3) uint8 RGB by the file's matrix, in steps of 90 degrees; and whether width and height are swapped.

    The matrix takes column p and row q of a pixel to column a p + c q and row b p + d q.
    """
    pixels = frame.to_ndarray(format="rgb24")
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels, False
    a, b, _, c, d = struct.unpack("<5i", bytes(matrix)[:20])
    sideways = abs(b) + abs(c) > abs(a) + abs(d)
    if sideways:
        pixels, across, down = pixels.swapaxes(0, 1), c, b
    else:
        across, down = a, d
    import numpy as np

    return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]), sideways


def _ends_early(path: Path, film: Film, end: Fraction) -> bool:
    """Whether frames are missing at the end, as far as the format shows it. end: of the last frame, in seconds."""
    container, stream = film.container, film.stream
    index = stream.index_entries
    if len(index) and index[-1].pos + index[-1].size > path.stat().st_size:
        return True
    stated = 0.0
    if "matroska" in container.format.name:
        stated = _seconds(stream.metadata.get("DURATION", ""))
    elif container.format.name == "avi":  # its duration is that of the data, but its number of frames is stated
        stated = float(stream.frames / film.rate)
    return end < stated - MISSING


def _seconds(clock: str) -> float:
    """62.5 of `00:01:02.5`; 0 of anything else."""
    try:
        hours, minutes, seconds = map(float, clock.split(":"))
    except ValueError:
        return 0.0
    return hours * 3600 + minutes * 60 + seconds


def av_reason(error: BaseException) -> str:
    """FFmpeg's error numbers are not those of the system, but its messages are good."""
    return getattr(error, "strerror", None) or reason(error)
