"""Write a video of overlays, with the times and the sound of the video that they were made of. Needs PyAV."""

import contextlib
import io
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from casnet_cli.prediction.video_io import Film, Frame, av_reason, library, opened
from casnet_cli.prediction.writers import refused
from casnet_cli.util.files import remove_stale, unfinished_name

ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""By preference; the first two write H.264, where the installed FFmpeg has them."""

BITS = 0.2
"""Bits a pixel, for encoders without a setting for quality."""

FASTEST_CLOCK, FINE_CLOCK = 65535, Fraction(1, 60000)
"""Ticks a second, the most that MPEG-4 can store; and the clock in place of a finer one."""

FRAME_DURATION = 1 << 8
"""FFmpeg's flag by which encoders keep the durations of frames: else the last one would get that of the one before."""

SMPTE170M = 6
"""The coefficients by which FFmpeg turns RGB into YUV by default; the file must name them, as viewers assume others
for large videos."""

LAYOUTS = {1: "mono", 2: "stereo"}
"""Names of the speakers of so many channels; MP4 wants them, and older formats do not give them."""


class OverlayVideo:
    """Writes an MP4 file of frames, with the sound of their film, whole or not at all; without a frame no file.

    Entering, `add` and leaving raise InputError if the file cannot be written, the film cannot be read or PyAV is not
    installed.
    """

    def __init__(self, path: Path, film: Path, size: tuple[int, int], aspect: Fraction = Fraction(1)):
        """film: the file of the frames. size: width and height; frames of another size are scaled to it, and an odd
        side gets one more row or column, which H.264 requires. aspect: of a pixel, as of `Frame`."""
        self.path, self.film, self.size, self.aspect = path, film, size, aspect
        self._av = library(path)
        self._partial = unfinished_name(path)
        self._container: Any = None
        self._sound: _Sound | None = None
        self._open = contextlib.ExitStack()
        self._ticks: int | None = None

    def __enter__(self) -> Self:
        remove_stale(self.path)
        try:
            film = self._open.enter_context(opened(self.film))
            with self._writing():
                self._container = self._new(film)
                self._sound = _Sound(self.film, film, self._container)
                self._container.start_encoding()
        except BaseException:
            self._discard()
            raise
        return self

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the film is left out, for the user; all of it is known after leaving."""
        return self._sound.notes if self._sound else ()

    def _new(self, film: Film) -> Any:
        # The index goes to the front, so that a player can start before it has all of the file.
        container = self._av.open(
            f"file:{self._partial}",
            "w",
            "mp4",
            options={"movflags": "faststart", "movie_timescale": str(FINE_CLOCK.denominator)},
        )
        available = self._av.codec.codecs_available
        encoder = next((name for name in ENCODERS if name in available), ENCODERS[-1])
        width, height = (side + side % 2 for side in self.size)
        self._stream = container.add_stream(encoder, rate=film.rate.limit_denominator(FASTEST_CLOCK))
        if encoder == "libx264":
            # No slower than the network; MP4 counts its length by times of decoding, which frames out of order shift.
            self._stream.options = {"preset": "veryfast", "bf": "0"}
        else:
            self._stream.bit_rate = round(width * height * film.rate * BITS)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        context, base = self._stream.codec_context, Fraction(film.stream.time_base)
        context.time_base = base if base.denominator <= FASTEST_CLOCK else FINE_CLOCK
        context.sample_aspect_ratio = self.aspect
        context.colorspace = SMPTE170M
        context.flags |= FRAME_DURATION
        return container

    def add(self, pixels: np.ndarray, frame: Frame) -> None:
        """Append the overlay, (H, W, 3) uint8 RGB, of a frame of the film, and the sound before it."""
        height, width = pixels.shape[:2]
        padded = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        clock = self._stream.codec_context.time_base
        ticks = round(frame.time / clock)
        self._ticks = ticks if self._ticks is None else max(ticks, self._ticks + 1)
        picture.pts, picture.time_base = self._ticks, clock
        picture.duration = max(1, round(frame.duration / clock))
        with self._writing():
            self._copy_sound(frame.time)
            self._container.mux(self._stream.encode(picture))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._ticks is not None:
                with self._writing():
                    self._container.mux(self._stream.encode(None))
                    self._copy_sound()
                    self._container.close()
                    os.replace(self._partial, self.path)
        finally:
            self._discard()

    def _copy_sound(self, until: Fraction | None = None) -> None:
        for packet in self._sound.packets(until) if self._sound else ():
            self._container.mux(packet)

    def _discard(self) -> None:
        self._open.close()
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
            raise refused(self.path, error, av_reason(error)) from None


class _Sound:
    """The packets of all sound of a film."""

    def __init__(self, path: Path, film: Film, container: Any):
        """film: the open file of this path. container: the MP4 file that is to take the sound, before it begins."""
        self.notes: tuple[str, ...] = ()
        """What is left out, for the user."""
        self.tracks: dict[int, Any] = {}
        """The stream of the new file by the number of the film's."""
        self._film, self._ends = film, dict[int, int]()
        for track in film.container.streams.audio:
            if _fits(path, track.index):
                self.tracks[track.index] = _new_track(container, track)
            else:
                kind = track.codec_context.codec.canonical_name if track.codec_context else "unknown"
                self.notes += (f"its sound ({kind}) is of a kind that MP4 does not take: the overlay is without it",)
        self._packets = self._read()
        self._waiting = next(self._packets, None)

    def packets(self, until: Fraction | None = None) -> Iterator[Any]:
        """Those not given yet that begin before so many seconds; None: all that are left."""
        while self._waiting is not None and (until is None or self._waiting.dts * self._waiting.time_base < until):
            packet, self._waiting = self._waiting, next(self._packets, None)
            packet.stream = self.tracks[packet.stream_index]
            yield packet

    def _stored(self) -> Iterator[Any]:
        """All of the file, in its order, up to a fault."""
        streams = [self._film.container.streams[number] for number in self.tracks]
        place = Fraction(0)
        try:
            for packet in self._film.container.demux(streams) if streams else ():
                if packet.is_corrupt:
                    raise ValueError("incomplete data")
                if packet.dts is not None and packet.size:
                    place = packet.dts * packet.time_base - self._film.origin
                    yield packet
        except Exception as error:  # of PyAV and FFmpeg
            self.notes += (f"its sound breaks off after {float(place):.1f} s: {av_reason(error)}",)

    def _read(self) -> Iterator[Any]:
        """With times that count from the film's begin, and grow."""
        for packet in self._stored():
            shift = round(self._film.origin / packet.time_base)
            dts = max(packet.dts - shift, self._ends.get(packet.stream_index, -(1 << 62)))
            self._ends[packet.stream_index] = dts + 1
            packet.pts = dts if packet.pts is None else max(packet.pts - shift, dts)
            packet.dts = dts
            yield packet


def _fits(path: Path, number: int) -> bool:
    """Whether an MP4 file takes that stream, by a trial with its first packet: some are refused at the file's end."""
    av = library(path)
    with opened(path) as film:
        try:
            with av.open(io.BytesIO(), "w", "mp4") as trial:
                copy = _new_track(trial, film.container.streams[number])
                for packet in film.container.demux(film.container.streams[number]):
                    if packet.dts is not None and packet.size:
                        packet.stream = copy
                        trial.mux(packet)
                        break
        except Exception:  # of PyAV and FFmpeg
            return False
    return True


def _new_track(container: Any, track: Any) -> Any:
    """The stream for the packets of a track. Raises errors of PyAV where the container does not take it."""
    known = track.codec_context.layout.name not in ("", f"{track.codec_context.layout.nb_channels} channels")
    layout = LAYOUTS.get(track.codec_context.layout.nb_channels)
    if known or layout is None or not track.codec_context.name.startswith("pcm_"):
        found = container.add_stream_from_template(track)
    else:
        found = container.add_stream_from_template(track, opaque=False)
        found.codec_context.layout = layout
    found.metadata.update({key: text for key, text in track.metadata.items() if key in ("language", "title")})
    return found
