"""Videos with irregular times, sound and a matrix of showing, made with PyAV."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 64, 48
CLOCK = Fraction(1, 1000)
STEPS = (40, 17, 133, 25, 81, 9, 40, 60, 200, 33, 40, 12)
"""Milliseconds from frame to frame, over and over."""


def shaded(number: int) -> np.ndarray:
    """(H, W, 3): brighter with each frame, its corners red, green, blue and grey."""
    image = np.full((HEIGHT, WIDTH, 3), 10 + 5 * number, np.uint8)
    image[: HEIGHT // 2, : WIDTH // 2] = (220, 20, 20)
    image[: HEIGHT // 2, WIDTH // 2 :] = (20, 200, 20)
    image[HEIGHT // 2 :, : WIDTH // 2] = (20, 20, 220)
    return image


def film(
    path: Path, start: float = 0.0, sound: str | None = "aac", sound_from: float = 0.0, codec: str = "libx264",
    matrix: tuple[int, int, int, int] | None = None, aspect: Fraction | None = None, length: int = 24, **options: str,
) -> list[float]:  # fmt: skip
    """Write a film; returns the seconds at which each frame is shown, and at which the last one ends.

    start: of the first frame. sound: its encoder; None: silent. sound_from: seconds. matrix: a, b, c, d of the matrix
    of showing, which takes column p and row q to column a p + c q, row b p + d q. aspect: of a pixel. options: of the
    container.
    """
    import av

    times = [start + sum(STEPS[at % len(STEPS)] for at in range(number)) / 1000 for number in range(length + 1)]
    with av.open(str(path), "w", options=options) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = CLOCK
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration.value
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if codec == "libx264":
            stream.options = {"bf": "3", "crf": "10"}
        if matrix:
            a, b, c, d = (value << 16 for value in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        track: Any = container.add_stream(sound, rate=48000, layout="stereo") if sound else None
        for number, (time, end) in enumerate(zip(times, times[1:], strict=False)):
            frame = av.VideoFrame.from_ndarray(shaded(number), format="rgb24")
            frame.pts, frame.duration, frame.time_base = round(time * 1000), round((end - time) * 1000), CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track:
            _add_sound(container, track, sound_from, times[-1])
    return times


def _add_sound(container: Any, track: Any, start: float, end: float) -> None:
    import av

    form = track.codec_context.format.name
    place = round(start * 48000)
    while place < end * 48000:
        wave = 0.1 * np.sin(np.arange(place, place + 960) / 20)
        wave = np.rint(wave * 32767).astype(np.int16) if "s16" in form else wave.astype(np.float32)
        wave = np.repeat(wave[None], 2, 0) if form.endswith("p") else np.repeat(wave, 2)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format=form, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, place, Fraction(1, 48000)
        container.mux(track.encode(frame))
        place += 960
    container.mux(track.encode(None))


def shown_times(path: Path) -> list[float]:
    """Seconds of the video's packets in the order of showing, without any decoder."""
    import av

    with av.open(str(path)) as container:
        return sorted(float(one.pts * one.time_base) for one in container.demux(video=0) if one.size)


def end_of(path: Path) -> float:
    """Seconds at which the frame that is shown last ends, as the file says."""
    import av

    with av.open(str(path)) as container:
        packets = [one for one in container.demux(video=0) if one.size]
        last = max(packets, key=lambda one: one.pts)
        return float((last.pts + last.duration) * last.time_base)


def sound_of(path: Path) -> list[tuple[float, bytes]]:
    """Seconds and content of the packets of sound."""
    import av

    with av.open(str(path)) as container:
        return [(float(one.pts * one.time_base), bytes(one)) for one in container.demux(audio=0) if one.size]
