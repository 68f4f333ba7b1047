"""Videos labelled frame by frame, with a plain function in the network's place."""

import os
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.films import film, shown_times
from helpers.predictions import LABELS, by_brightness, manifest, opened, picture

from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.prediction.picture_reader import PictureReader
from casnet_cli.prediction.video_pipeline import predict_video


@pytest.fixture(scope="module")
def av() -> ModuleType:
    return pytest.importorskip("av")


def clip(path: Path, av: ModuleType, length: int, width: int = 32, height: int = 24) -> Path:
    """Without loss, so that masks are known beforehand."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(5))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for number in range(length):
            frame = np.asarray(picture(number, width, height))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def label(
    folder: Path, network: FunctionPredictor | None = None, reader: PictureReader | None = None, **options: object
) -> list[dict[str, object]]:
    settings = {"folder": folder.parent / "out", "labels": LABELS, "identity": "run 1", **options}
    with Manifest(Outputs(**settings)) as opened_manifest:  # type: ignore[arg-type]
        jobs = opened_manifest.pending(find_images([folder], opened_manifest.outputs.folder))
        return [
            predict_video(
                network or FunctionPredictor(by_brightness), job, opened_manifest, lambda frame, of: None, reader
            )
            for job in jobs
        ]


def names(out: Path) -> set[str]:
    return {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}


def frames(numbers: range, *endings: str) -> set[str]:
    return {f"clip/{number:06d}{ending}" for number in numbers for ending in endings}


def test_frames_that_the_network_cannot_take_fail_the_video(folder: Path, av: ModuleType) -> None:
    class Fixed(FunctionPredictor):
        def prepare(self, image: np.ndarray) -> Any:
            raise ValueError("is 24x32 pixels, and this model for 240x320")

    clip(folder / "clip.mkv", av, 2)
    (record,) = label(folder, Fixed(by_brightness))
    assert record["status"] == "failed" and record["error"] == "is 24x32 pixels, and this model for 240x320"


def test_a_mask_for_each_frame_and_a_line_for_all(folder: Path, av: ModuleType) -> None:
    clip(folder / "clip.mkv", av, 5)
    (record,) = label(folder)
    out = folder.parent / "out"
    expected = frames(range(5), ".png", ".difficulty.png") | {"clip.overlay.mp4", "manifest.jsonl"}
    assert names(out) == expected
    bright = [np.asarray(picture(number, 32, 24)).mean(-1) > 127 for number in range(5)]
    for number, mask in enumerate(bright):
        np.testing.assert_array_equal(np.asarray(opened(out / f"clip/{number:06d}.png")), mask)
    assert [record] == manifest(folder) and (record["mask"], record["frames"]) == ("clip", 5)
    assert record["classes"]["bright"] == pytest.approx(np.mean(bright), abs=1e-5)  # type: ignore[index]
    assert record["difficulty_mean"] == 0.25 and label(folder) == []


@pytest.mark.parametrize(("name", "sound", "tracks"), [("clip.mkv", "aac", 1), ("clip.mov", "pcm_mulaw", 0)])
def test_an_overlay_keeps_times_and_sound_and_says_what_it_leaves_out(
    folder: Path, av: ModuleType, name: str, sound: str, tracks: int
) -> None:
    film(folder / name, start=3.7, sound=sound, codec="mpeg4", length=4)
    reader = PictureReader()
    assert label(folder, reader=reader)[0]["status"] == "ok"
    overlay = folder.parent / "out" / "clip.overlay.mp4"
    assert shown_times(overlay) == pytest.approx(shown_times(folder / name), abs=1e-3)
    with av.open(str(overlay)) as container:
        assert len(container.streams.audio) == tracks
    said = [f"{remark.text}" for remark in reader.remarks.all()]
    assert said == (
        [] if tracks else ["its sound (pcm_mulaw) is of a kind that MP4 does not take: the overlay is without it"]
    )


def test_frames_that_are_missing_or_out_of_date(folder: Path, av: ModuleType) -> None:
    clip(folder / "clip.mkv", av, 5)
    out = folder.parent / "out"
    label(folder, extra=("geojson",))
    (out / "clip/000003.geojson").unlink()
    assert label(folder) == [] and len(label(folder, extra=("geojson",))) == 1
    clip(folder / "clip.mkv", av, 3)
    assert len(label(folder, overlay=False)) == 1
    assert names(out) == frames(range(3), ".png", ".difficulty.png") | {"manifest.jsonl"}


def test_damaged_ones_keep_the_frames_before_the_damage(folder: Path, av: ModuleType) -> None:
    whole = clip(folder / "clip.mkv", av, 9).read_bytes()
    (folder / "clip.mkv").write_bytes(whole[: len(whole) // 2])
    (record,) = label(folder)
    assert record["status"] == "failed" and "broken off after" in str(record["error"]) and record["mask"] is None
    found = names(folder.parent / "out")
    assert "clip/000001.png" in found and "clip.overlay.mp4" not in found and len(label(folder)) == 1


def test_each_failure_is_named_and_the_others_are_done(folder: Path, av: ModuleType) -> None:
    clip(folder / "a.mkv", av, 2)
    clip(folder / "long.mkv", av, 1, 17_000, 2)  # longer than an overlay can be
    os.mkfifo(folder / "pipe.mp4")
    (folder / "text.avi").write_text("no video")
    (folder / "z.mkv").symlink_to("nowhere.mkv")
    records = {Path(str(record["file"])).name: record for record in label(folder)}
    assert {name for name, record in records.items() if record["status"] == "ok"} == {"a.mkv"}
    assert "long.overlay.mp4: cannot be written" in str(records["long.mkv"]["error"])
    assert records["pipe.mp4"]["error"] == "not a regular file"
    assert "not a readable video" in str(records["text.avi"]["error"])
    assert records["z.mkv"]["error"] == "No such file or directory"


def test_a_network_without_memory_fails_one_video(folder: Path, av: ModuleType) -> None:
    clip(folder / "a.mkv", av, 3)
    clip(folder / "b.mkv", av, 3, 64, 48)

    def short(image: np.ndarray) -> dict[str, np.ndarray]:
        if len(image) == 48:
            raise MemoryError
        return by_brightness(image)

    assert [record["status"] for record in label(folder, FunctionPredictor(short))] == ["ok", "failed"]
    assert "not enough memory" in str(manifest(folder)[1]["error"])
