"""What a manifest does with files: those of inputs that fail are set aside, and links are nobody's."""

import os
from pathlib import Path

import pytest
from helpers.predictions import label, picture

from casnet_cli.errors import InputError


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
