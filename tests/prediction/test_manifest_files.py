"""What a manifest does with files: those of inputs that fail are set aside, and links are nobody's."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.predictions import LABELS, label, picture

from casnet_cli.errors import InputError
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.manifest import Manifest, fingerprint
from casnet_cli.prediction.outputs import Outputs


def test_the_files_of_an_input_that_fails_are_set_aside(folder: Path) -> None:
    label(folder)
    out, whole = folder.parent / "out", (folder / "a.png").read_bytes()
    mask = (out / "a.png").read_bytes()
    (folder / "a.png").write_text("broken")
    for _ in range(2):
        (line,) = label(folder)
        assert (line["status"], line["mask"], line["stale"]) == ("failed", None, "a.stale.png")
        expected = {"a.stale.png", "a.stale.difficulty.png", "a.stale.overlay.jpg"}
        assert {file.name for file in out.glob("a.*")} == expected
    assert (out / "a.stale.png").read_bytes() == mask and (out / "sub/b.png").exists()
    (folder / "a.png").write_bytes(whole)
    (line,) = label(folder)
    assert line["status"] == "ok" and "stale" not in line and label(folder) == []
    assert {file.name for file in out.glob("a.*")} == {"a.png", "a.difficulty.png", "a.overlay.jpg"}


def test_frames_of_a_video_before_its_damage_stay(folder: Path) -> None:
    out, job = folder.parent / "out", Job(folder / "clip.mp4", Path("clip"))
    line = {"file": str(job.file), "status": "ok", "mask": "clip", "outputs": [".png", ".overlay.mp4"], "frames": 3}
    with Manifest(Outputs(out, LABELS, "run 1")) as manifest:
        (out / "clip").mkdir()
        for name in ("clip/000000.png", "clip/000001.png", "clip/000002.png", "clip.overlay.mp4"):
            (out / name).touch()
        manifest.add(line)  # type: ignore[arg-type]
        assert manifest.failed(job, "cut off", frames=1)["stale"] == "clip.stale"
        assert {file.name for file in out.glob("clip/*")} == {"000000.png"}
        assert {file.name for file in out.glob("clip.stale/*")} == {"000001.png", "000002.png"}
        assert (out / "clip.stale.overlay.mp4").exists() and not (out / "clip.overlay.mp4").exists()
        manifest.add(line)  # type: ignore[arg-type]
        assert {file.name for file in out.iterdir()} == {"manifest.jsonl", "clip"}


@pytest.mark.parametrize("obstacle", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_cannot_be_set_aside_is_named_and_stops_nothing(folder: Path, obstacle: Callable[[Path], object]) -> None:
    label(folder)
    out = folder.parent / "out"
    obstacle(out / "a.stale.png")
    for name in ("a.png", "sub/b.JPG"):
        (folder / name).write_text("broken")
    lines = {Path(str(line["file"])).name: line for line in label(folder)}
    assert f"{out}/a.stale.png: cannot be written: " in str(lines["a.png"]["error"])
    assert (out / "a.png").exists() and lines["b.JPG"]["stale"] == "sub/b.stale.png"


def test_names_without_room_for_more_stop_nothing(folder: Path) -> None:
    long = folder / f"{'l' * 235}.png"
    picture(3).save(long)
    label(folder)
    long.write_text("broken")
    (line,) = label(folder)
    assert "could not be moved away" in str(line["error"]) and "File name too long" in str(line["error"])


def test_videos_of_two_runs_are_not_labelled_for_ever(folder: Path) -> None:
    """They have no digest: the number of the call alone decides."""
    out, job = folder.parent / "out", Job(folder / "clip.mp4", Path("clip"))
    job.file.touch()
    (out / "clip").mkdir(parents=True)
    for ending in (".png", ".difficulty.png"):
        (out / f"clip/000000{ending}").touch()
    (out / "clip.overlay.mp4").touch()
    outputs = {run: Outputs(out, LABELS, run) for run in ("run 1", "run 2")}
    line: Any = {
        "file": str(job.file), "status": "ok", "width": 1, "height": 1, "mask": "clip", "classes": {}, "frames": 1,
        "difficulty_mean": 0, "outputs": outputs["run 1"].endings(job), "input": fingerprint(job.file),
    }  # fmt: skip
    for run, share in (("run 1", (1, 1)), ("run 2", None)):
        with Manifest(outputs[run], share) as manifest:
            assert manifest.pending([job]) == [job]
            manifest.add(line | {"made_with": run})
    for run, pending in (("run 1", [job]), ("run 2", [])):
        with Manifest(outputs[run]) as manifest:
            assert manifest.pending([job]) == pending


def test_a_mask_of_a_namesake_is_not_set_aside(folder: Path) -> None:
    label(folder)
    out, other = folder.parent / "out", folder.parent / "other"
    other.mkdir()
    picture(8).save(other / "a.png")
    assert len(label(other)) == 1
    (folder / "a.png").write_text("broken")
    (line,) = label(folder)
    assert line["status"] == "failed" and "stale" not in line and label(other) == [] and (out / "a.png").exists()


def test_a_mask_that_is_gone_is_not_claimed_to_be_set_aside(folder: Path) -> None:
    label(folder)
    for file in (folder.parent / "out").glob("a.*"):
        file.unlink()
    (folder / "a.png").write_text("broken")
    (line,) = label(folder)
    assert line["status"] == "failed" and "stale" not in line


def test_no_input_takes_the_name_of_a_mask_that_was_set_aside(folder: Path) -> None:
    picture(3).save(folder / "a.stale.png")
    assert {line["mask"] for line in label(folder)} == {"a.png", "a.stale.png.png", "sub/b.png"}


def test_links_in_the_output_folder_are_not_written_through(folder: Path) -> None:
    out, outside = folder.parent / "out", folder.parent / "outside"
    outside.mkdir()
    (outside / "kept.png").write_text("kept")
    label(folder)
    (out / "a.png").unlink()
    (out / "a.png").symlink_to(outside / "kept.png")
    (out / "sub").rename(out / "old")
    (out / "sub").symlink_to(outside)
    errors = {Path(str(line["file"])).name: str(line["error"]) for line in label(folder)}
    assert errors["a.png"] == f"{out}/a.png: cannot be written: a link in the output folder (remove it)"
    assert errors["b.JPG"] == f"{out}/sub: cannot be written: a link in the output folder (remove it)"
    assert {file.name for file in outside.iterdir()} == {"kept.png"} and (outside / "kept.png").read_text() == "kept"
    assert (out / "a.png").is_symlink()


@pytest.mark.parametrize("name", ["manifest.jsonl", "summary.csv"])
def test_a_link_or_a_pipe_in_place_of_a_file_of_the_folder_ends_the_call(folder: Path, name: str) -> None:
    out = folder.parent / "out"
    out.mkdir()
    (out / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(InputError, match=rf"out/{name}: cannot be written: a link in the output folder"):
        label(folder)
    (out / name).unlink()
    os.mkfifo(out / name)
    with pytest.raises(InputError, match=rf"out/{name}: cannot be written: not a regular file"):
        label(folder)
    assert not (folder.parent / "elsewhere").exists()
