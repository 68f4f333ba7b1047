"""Videos made here with PyAV, whole and spoilt, read."""

import contextlib
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers.films import film, shaded, shown_times
from PIL import Image

from casnet_cli.errors import InputError
from casnet_cli.prediction import video_io
from casnet_cli.prediction.overlay_video import OverlayVideo
from casnet_cli.prediction.video_io import Frame, count, frames
from casnet_cli.util.extras import install

WIDTH, HEIGHT, LENGTH = 64, 48, 40


@pytest.fixture(scope="module")
def av() -> ModuleType:
    return pytest.importorskip("av")


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Brighter with each frame, red in the upper left quarter, rough so that frames take space."""
    rough = np.random.default_rng(number).integers(0, 30, (height, width, 1), np.uint8)
    image = np.broadcast_to(rough + np.uint8(4 * number), (height, width, 3)).copy()
    image[: height // 2, : width // 2] = (220, 20, 20)
    return image


def clip(path: Path, av: ModuleType, turned: int = 0, **options: str) -> Path:
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", 10
        stream.bit_rate = 4_000_000
        stream.set_display_rotation(turned)
        for number in range(LENGTH):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def spoilt(whole: Path, content: bytes) -> Path:
    path = whole.with_name(f"spoilt{whole.suffix}")
    path.write_bytes(content)
    return path


def shade(frame: np.ndarray) -> float:
    return float(frame[HEIGHT // 2 :, WIDTH // 2 :].mean())


def good_frames(path: Path) -> tuple[int, str]:
    """How many frames come before the fault, and the fault."""
    number = -1
    with pytest.raises(InputError) as caught:
        for frame in frames(path):
            assert frame.number == number + 1 and abs(shade(frame.pixels) - 4 * frame.number - 15) < 4
            number = frame.number
    fault = str(caught.value)
    assert fault.startswith(f"{path}: ")
    return number + 1, fault


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".avi", ".mts"])
def test_frames_come_in_order(tmp_path: Path, av: ModuleType, ending: str) -> None:
    path = clip(tmp_path / f"a %d#{ending}", av, **({"movflags": "faststart"} if ending == ".mp4" else {}))
    assert ending in video_io.VIDEO_ENDINGS
    found = list(frames(path))
    assert [frame.number for frame in found] == list(range(LENGTH))
    begin = found[0].time
    for frame in found:
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3) and frame.pixels.dtype == np.uint8
        assert abs(shade(frame.pixels) - 4 * frame.number - 15) < 4
        np.testing.assert_allclose(frame.pixels[4, 4], (220, 20, 20), atol=12)
        assert frame.time - begin == Fraction(frame.number, 10) and frame.aspect == 1
    assert count(path) == LENGTH


@pytest.mark.parametrize(
    ("turned", "corner", "shape"),
    [(90, (-4, 4), (WIDTH, HEIGHT)), (-90, (4, -4), (WIDTH, HEIGHT)), (180, (-4, -4), (HEIGHT, WIDTH))],
)
def test_frames_are_turned_counterclockwise_as_the_file_says(
    tmp_path: Path, av: ModuleType, turned: int, corner: tuple[int, int], shape: tuple[int, int]
) -> None:
    frame = next(iter(frames(clip(tmp_path / "a.mp4", av, turned)))).pixels
    assert frame.shape[:2] == shape and frame.flags.c_contiguous
    np.testing.assert_allclose(frame[corner], (220, 20, 20), atol=12)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".avi"])
def test_a_truncated_file_gives_its_frames_and_then_the_fault(tmp_path: Path, av: ModuleType, ending: str) -> None:
    whole = clip(tmp_path / f"a{ending}", av, movflags="faststart")
    content = whole.read_bytes()
    number, fault = good_frames(spoilt(whole, content[: len(content) * 2 // 3]))
    assert 10 < number < LENGTH - 5
    assert f"broken off after {number} frames: " in fault


def place_of(path: Path, number: int, av: ModuleType) -> tuple[int, int]:
    """Where a frame's data begin in the file, and how many bytes they are."""
    with av.open(str(path)) as container:
        entry = container.streams.video[0].index_entries[number]
        return entry.pos, entry.size


@pytest.mark.parametrize(("ending", "head"), [(".mp4", 0), (".avi", 0), (".avi", 8)])
def test_a_file_cut_between_two_frames(tmp_path: Path, av: ModuleType, ending: str, head: int) -> None:
    whole = clip(tmp_path / f"a{ending}", av, movflags="faststart")
    cut = place_of(whole, 30, av)[0] + head
    number, fault = good_frames(spoilt(whole, whole.read_bytes()[:cut]))
    assert number == 30 and "after 30 frames: the file ends before its time" in fault


def test_damage_in_the_middle(tmp_path: Path, av: ModuleType) -> None:
    whole = clip(tmp_path / "a.mp4", av)
    start, size = place_of(whole, 20, av)
    content = bytearray(whole.read_bytes())
    content[start : start + size] = bytes(size)
    number, fault = good_frames(spoilt(whole, content))
    assert number == 20 and "broken off after 20 frames: " in fault


def test_an_index_that_is_missing(tmp_path: Path, av: ModuleType) -> None:
    whole = clip(tmp_path / "a.mp4", av)
    number, fault = good_frames(spoilt(whole, whole.read_bytes()[:9000]))
    assert number == 0 and "not a readable video: Invalid data found" in fault


def h264(path: Path, av: ModuleType) -> Path:
    """A clip with frames out of order, by a decoder that mends what it can."""
    if "libx264" not in av.codec.codecs_available:
        pytest.skip("no H.264")
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast"}
        for number in range(LENGTH):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_frames_that_the_decoder_holds_back_come_before_the_fault(tmp_path: Path, av: ModuleType) -> None:
    whole = h264(tmp_path / "a.mp4", av)
    start, size = place_of(whole, 20, av)
    number, fault = good_frames(spoilt(whole, whole.read_bytes()[: start + size - 9]))
    assert number == 20 and "incomplete data" in fault


def test_data_that_the_decoder_mended_count_as_damaged(tmp_path: Path, av: ModuleType) -> None:
    whole = h264(tmp_path / "a.mp4", av)
    fault = ""
    for place in range(2, 20):  # some of it the decoder does not notice
        start, size = place_of(whole, place, av)
        content = bytearray(whole.read_bytes())
        content[start + size // 2 : start + size] = np.random.default_rng(place).bytes(size - size // 2)
        with contextlib.suppress(InputError):
            list(frames(spoilt(whole, content)))
            continue
        number, fault = good_frames(whole.with_name("spoilt.mp4"))
        if "damaged data" in fault:
            break
    assert f"broken off after {number} frames: damaged data" in fault


def test_a_packet_that_is_missing(tmp_path: Path, av: ModuleType) -> None:
    whole = clip(tmp_path / "a.mts", av)
    content = whole.read_bytes()
    size = 192  # of a packet of .mts
    middle = len(content) // size // 2 * size
    number, fault = good_frames(spoilt(whole, content[:middle] + content[middle + size :]))
    assert 10 < number < 30 and f"broken off after {number} frames: " in fault


def test_a_file_without_a_frame(tmp_path: Path, av: ModuleType) -> None:
    whole = clip(tmp_path / "a.mkv", av)
    with av.open(str(whole)) as container:
        cut = next(container.demux(video=0)).pos
    number, fault = good_frames(spoilt(whole, whole.read_bytes()[:cut]))
    assert number == 0 and "not a readable video: no frame in it" in fault


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, av: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(tmp_path / "concat:a.mp4", av)
    monkeypatch.chdir(tmp_path)
    assert len(list(frames(Path("concat:a.mp4")))) == LENGTH


@pytest.mark.parametrize("content", [b"", b"hello\n" * 500, b"#EXTM3U\n#EXTINF:9\n/etc/passwd\n"])
@pytest.mark.parametrize("call", [count, lambda path: next(iter(frames(path)))])
def test_files_that_are_no_video(tmp_path: Path, av: ModuleType, content: bytes, call: Any) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mp4: not a readable video: Invalid data found"):
        call(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"b\.mp4: not a readable video: No such file"):
        call(tmp_path / "b.mp4")


def test_a_file_of_sound_alone(tmp_path: Path, av: ModuleType) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert good_frames(tmp_path / "a.mp4") == (0, f"{tmp_path / 'a.mp4'}: no video in it")


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    calls: list[Any] = [lambda: next(frames(tmp_path / "a.mp4")), lambda: count(tmp_path / "a.mp4")]
    calls += [lambda: OverlayVideo(tmp_path / "o" / "a.mp4", tmp_path / "b.mp4", (2, 2))]
    for call in calls:
        with pytest.raises(InputError, match=re.escape(f"a.mp4: videos need PyAV ({install('video')})")):
            call()


def test_frames_are_read_as_they_are_needed(tmp_path: Path, av: ModuleType) -> None:
    found: Iterator[Frame] = frames(clip(tmp_path / "a.mp4", av))
    assert next(found).number == 0
    del found  # warns of nothing left open


SHOWN = {
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),
    (0, -1, 1, 0): lambda image: np.rot90(image, 1),
    (-1, 0, 0, -1): lambda image: np.rot90(image, 2),
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (0, 1, 1, 0): lambda image: image.swapaxes(0, 1),
    (0, -1, -1, 0): lambda image: np.rot90(image, 2).swapaxes(0, 1),
}
"""What FFmpeg and players show of a picture by its matrix."""


@pytest.mark.parametrize("matrix", SHOWN)
def test_frames_are_turned_and_mirrored_as_a_player_shows_them(
    tmp_path: Path, av: ModuleType, matrix: tuple[int, int, int, int]
) -> None:
    path = tmp_path / "a.mkv"
    film(path, matrix=matrix, codec="mpeg4", sound=None, length=2, aspect=Fraction(4, 3))
    frame = next(iter(frames(path)))
    expected = SHOWN[matrix](shaded(0))
    middle = slice(4, -4, 8)
    np.testing.assert_allclose(frame.pixels[middle, middle].astype(int), expected[middle, middle], atol=20)
    assert frame.aspect == (Fraction(3, 4) if matrix[0] == 0 else Fraction(4, 3))
    if program := shutil.which("ffmpeg"):
        words = [program, "-v", "quiet", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        raw = np.frombuffer(subprocess.run(words, capture_output=True, check=True).stdout, np.uint8)
        np.testing.assert_allclose(frame.pixels.astype(int), raw.reshape(frame.pixels.shape), atol=4)


@pytest.mark.parametrize(("ending", "codec"), [(".mkv", "libx264"), (".mp4", "libx264"), (".mkv", "mpeg4")])
def test_frames_keep_irregular_times_and_a_late_start(tmp_path: Path, av: ModuleType, ending: str, codec: str) -> None:
    if codec not in av.codec.codecs_available:
        pytest.skip("no H.264")
    path = tmp_path / f"a{ending}"
    times = film(path, start=3.7, codec=codec, sound=None)
    found = list(frames(path))
    assert [float(frame.time) for frame in found] == pytest.approx(times[:-1], abs=1e-6)
    assert [float(frame.time) for frame in found] == pytest.approx(shown_times(path), abs=1e-6)
    assert float(found[-1].time + found[-1].duration) == pytest.approx(times[-1], abs=0.041)


def test_the_clock_of_a_broadcast_begins_anywhere(tmp_path: Path, av: ModuleType) -> None:
    times = film(tmp_path / "a.ts", start=3.7, codec="mpeg4", sound=None)
    (tmp_path / "a.ts").rename(tmp_path / "a.mts")
    found = [float(frame.time) for frame in frames(tmp_path / "a.mts")]
    assert found == pytest.approx([time - 3.7 for time in times[:-1]], abs=1e-4)


def test_pictures_and_lists_in_the_place_of_a_film(tmp_path: Path, av: ModuleType) -> None:
    path = tmp_path / "a.mp4"
    clip(tmp_path / "b.mp4", av)
    for content in (b"ffconcat version 1.0\nfile b.mp4\n", encoded("PNG"), encoded("GIF")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.mp4: not a readable video: its content is of no video format"):
            list(frames(path))


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(0)).save(buffer, kind)
    return buffer.getvalue()


def test_frames_that_are_too_large(tmp_path: Path, av: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path / "a.mkv", av)
    monkeypatch.setattr(video_io, "MAX_FRAME_PIXELS", WIDTH * HEIGHT - 1)
    for call in (count, lambda path: list(frames(path))):
        with pytest.raises(
            InputError, match=r"a\.mkv: its frames have no size, or a larger one than is read \(at most"
        ):
            call(path)
    monkeypatch.setattr(video_io, "MAX_FRAME_PIXELS", WIDTH * HEIGHT)
    assert len(list(frames(path))) == LENGTH


def test_a_film_without_any_packet(tmp_path: Path, av: ModuleType) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.start_encoding()
    assert good_frames(tmp_path / "a.mp4")[0] == 0
