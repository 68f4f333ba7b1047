"""Videos of overlays, with the times and the sound of their films, which are made here with PyAV."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from helpers.films import HEIGHT, WIDTH, end_of, film, shaded, shown_times, sound_of

from casnet_cli.errors import InputError
from casnet_cli.prediction import overlay_video
from casnet_cli.prediction.overlay_video import OverlayVideo
from casnet_cli.prediction.video_io import Frame, count, frames

LENGTH = 24


@pytest.fixture(scope="module")
def av() -> ModuleType:
    found = pytest.importorskip("av")
    if "libx264" not in found.codec.codecs_available:
        pytest.skip("no H.264")
    return found


@pytest.fixture
def silent(tmp_path: Path, av: ModuleType) -> Path:
    path = tmp_path / "films" / "a.mkv"
    path.parent.mkdir()
    film(path, sound=None, codec="mpeg4")
    return path


def copied(source: Path, target: Path) -> OverlayVideo:
    """An overlay that shows the film's own frames."""
    first = next(iter(frames(source)))
    with OverlayVideo(target, source, (first.pixels.shape[1], first.pixels.shape[0]), first.aspect) as written:
        for frame in frames(source):
            written.add(frame.pixels, frame)
    return written


CASES = [
    (".mkv", "aac", 0.0, 0.0),
    (".mkv", "libopus", 3.7, 0.0),
    (".mkv", "aac", 3.7, 3.7),
    (".mp4", "aac", 0.0, 0.0),
    (".mp4", "libopus", 3.7, 0.0),
    (".mp4", "aac", 3.7, 3.7),
    (".mkv", None, 3.7, 0.0),
    (".mp4", None, 0.0, 0.0),
]


@pytest.mark.parametrize(("ending", "sound", "start", "sound_from"), CASES)
def test_frames_keep_their_times_and_sound_is_copied(
    tmp_path: Path, av: ModuleType, ending: str, sound: str | None, start: float, sound_from: float
) -> None:
    if sound and sound not in av.codec.codecs_available:
        pytest.skip(f"no {sound}")
    source, target = tmp_path / f"a{ending}", tmp_path / "o.mp4"
    times = film(source, start=start, sound=sound, sound_from=sound_from)
    assert copied(source, target).notes == ()
    assert shown_times(target) == pytest.approx(times[:-1], abs=1e-3)
    assert shown_times(target) == pytest.approx(shown_times(source), abs=1e-3)
    assert end_of(target) == pytest.approx(end_of(source), abs=2e-3)
    before, after = (sound_of(path) if sound else [] for path in (source, target))
    assert [content for _, content in after] == [content for _, content in before]
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=1.5e-3)
    with av.open(str(target)) as container:
        whole = float(container.start_time + container.duration) / 1e6
        assert whole == pytest.approx(max([end_of(source), *(time for time, _ in after)]), abs=0.025)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw"])
def test_sound_of_older_formats(tmp_path: Path, av: ModuleType, codec: str) -> None:
    source, target = tmp_path / "a.avi", tmp_path / "o.mp4"
    film(source, sound=codec, codec="mpeg4")
    written = copied(source, target)
    assert count(target) == LENGTH
    with av.open(str(target)) as container:
        tracks = [stream.codec_context.name for stream in container.streams.audio]
    if codec == "pcm_mulaw":
        assert written.notes == (
            "its sound (pcm_mulaw) is of a kind that MP4 does not take: the overlay is without it",
        )
        assert tracks == []
    else:
        assert written.notes == () and tracks == [codec]
        assert b"".join(part for _, part in sound_of(target)) == b"".join(part for _, part in sound_of(source))


def test_sound_that_the_file_would_refuse_at_its_end(
    tmp_path: Path, av: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlay_video, "LAYOUTS", {})
    film(tmp_path / "a.mkv", sound="pcm_s16le", codec="mpeg4")
    (note,) = copied(tmp_path / "a.mkv", tmp_path / "o.mp4").notes
    assert "its sound (pcm_s16le) is of a kind that MP4 does not take" in note
    assert len(shown_times(tmp_path / "o.mp4")) == LENGTH and sorted(os.listdir(tmp_path)) == ["a.mkv", "o.mp4"]


def test_sound_that_breaks_off(tmp_path: Path, av: ModuleType) -> None:
    film(tmp_path / "a.mp4", codec="mpeg4", movflags="faststart")
    with av.open(str(tmp_path / "a.mp4")) as container:
        place = container.streams.audio[0].index_entries[20].pos
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    written = OverlayVideo(tmp_path / "o.mp4", tmp_path / "a.mp4", (WIDTH, HEIGHT))
    parts = list(frames(tmp_path / "a.mp4"))
    (tmp_path / "a.mp4").write_bytes(content[: place + 3])
    with written:
        for frame in parts:
            written.add(frame.pixels, frame)
    assert "its sound breaks off after" in written.notes[0] and "incomplete data" in written.notes[0]


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, 1), (0, 1, 1, 0)])
def test_an_overlay_needs_no_turning(tmp_path: Path, av: ModuleType, matrix: tuple[int, int, int, int]) -> None:
    film(tmp_path / "a.mp4", matrix=matrix, sound=None, aspect=Fraction(4, 3))
    copied(tmp_path / "a.mp4", tmp_path / "o.mp4")
    before, after = (next(iter(frames(tmp_path / name))) for name in ("a.mp4", "o.mp4"))
    np.testing.assert_allclose(after.pixels[4::8, 4::8].astype(int), before.pixels[4::8, 4::8], atol=20)
    assert after.aspect == before.aspect != 1
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert next(container.decode(video=0)).side_data.get("DISPLAYMATRIX") is None


@pytest.mark.parametrize("encoders", [overlay_video.ENCODERS, ("none such", "mpeg4")])
def test_an_overlay_video_of_odd_size(
    silent: Path, av: ModuleType, monkeypatch: pytest.MonkeyPatch, encoders: tuple[str, ...]
) -> None:
    monkeypatch.setattr(overlay_video, "ENCODERS", encoders)
    target = silent.parent / "o.mp4"
    odd = (WIDTH - 1, HEIGHT - 1)
    with OverlayVideo(target, silent, odd) as written:
        for frame in frames(silent):
            last = frame.number == LENGTH - 1
            written.add(np.resize(frame.pixels, (HEIGHT + 8, WIDTH + 20, 3)) if last else frame.pixels[:-1, :-1], frame)
    found = list(frames(target))
    assert len(found) == count(target) == LENGTH
    assert shown_times(target) == pytest.approx(shown_times(silent), abs=1e-3)
    for frame in found[:-1]:
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
        np.testing.assert_allclose(frame.pixels[4::8, 4::8].astype(int), shaded(frame.number)[4::8, 4::8], atol=25)
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        h264 = "libx264" in encoders
        assert context.pix_fmt == "yuv420p" and context.name == ("h264" if h264 else "mpeg4")
        assert next(container.decode(video=0)).colorspace == overlay_video.SMPTE170M or not h264


def test_an_overlay_video_appears_whole_or_not_at_all(tmp_path: Path, silent: Path) -> None:
    parts = list(frames(silent))
    (tmp_path / "o.mp4").write_text("as it was")
    (tmp_path / "o").mkdir()
    listed = {"films", "o", "o.mp4"}
    with pytest.raises(KeyError), OverlayVideo(tmp_path / "o.mp4", silent, (WIDTH, HEIGHT)) as written:
        written.add(parts[0].pixels, parts[0])
        hidden = set(os.listdir(tmp_path)) - listed
        assert len(hidden) == 1 and hidden.pop().startswith(".o.mp4.")
        raise KeyError
    with OverlayVideo(tmp_path / "o.mp4", silent, (WIDTH, HEIGHT)):
        pass
    assert set(os.listdir(tmp_path)) == listed and (tmp_path / "o.mp4").read_text() == "as it was"
    for place, words in (("none/o.mp4", "No such file"), ("o", "Is a directory")):
        with pytest.raises(InputError, match=f"{place}: cannot be written: {words}"):
            copied(silent, tmp_path / place)
    with pytest.raises(InputError, match=r"b\.mkv: not a readable video"):
        OverlayVideo(tmp_path / "o.mp4", tmp_path / "b.mkv", (WIDTH, HEIGHT)).__enter__()
    assert set(os.listdir(tmp_path)) == listed


def test_frames_of_one_time_come_one_after_the_other(silent: Path) -> None:
    target = silent.parent / "o.mp4"
    with OverlayVideo(target, silent, (WIDTH, HEIGHT)) as written:
        for number in range(3):
            written.add(shaded(number), Frame(number, shaded(number), Fraction(1), Fraction(1, 25), Fraction(1)))
    assert shown_times(target) == pytest.approx([1.0, 1.001, 1.002], abs=1e-4)


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path, silent: Path) -> None:
    code = "import sys, pathlib, casnet_cli.util.files as f; f.unfinished_name(pathlib.Path(sys.argv[1])).touch()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "o.mp4")], check=True)
    assert len(os.listdir(tmp_path)) == 2
    copied(silent, tmp_path / "o.mp4")
    assert sorted(os.listdir(tmp_path)) == ["films", "o.mp4"]
