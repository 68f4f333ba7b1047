"""Files of lines: only what is regular, below the folder and behind no link is ever touched."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from casnet_cli.prediction.output_files import check_place, digest_of, files_of, is_own, present, remove_all, set_aside
from casnet_cli.prediction.writers import Unsaved

IMAGE: Any = {"mask": "sub/a.png", "outputs": [".difficulty.png", ".overlay.jpg", ".png"]}
VIDEO: Any = {"mask": "clip", "outputs": [".png", ".overlay.mp4"], "frames": 2**31 - 1}


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_what_is_there_of_a_line(tmp_path: Path) -> None:
    put(tmp_path, "sub/a.png", "sub/a.overlay.jpg", "sub/a.geojson", "sub/b.png")
    assert set(present(tmp_path, IMAGE)) == {"sub/a.png", "sub/a.overlay.jpg"}
    put(
        tmp_path,
        "clip/000000.png",
        "clip/000007.png",
        "clip/7.png",
        "clip/x.png",
        "clip/000001.jpg",
        "clip.overlay.mp4",
    )
    expected = {"clip/000000.png", "clip/000007.png", "clip.overlay.mp4"}
    assert set(present(tmp_path, VIDEO)) == expected  # at once, though it claims two thousand million frames


def test_a_line_without_a_mask_has_no_files() -> None:
    assert list(files_of({"mask": None, "outputs": []}, [])) == []


def test_files_are_set_aside_and_those_of_before_replaced(tmp_path: Path) -> None:
    put(tmp_path, "sub/a.png", "sub/a.overlay.jpg", "sub/a.geojson", "sub/a.stale.png")
    assert set_aside(tmp_path, IMAGE) == "sub/a.stale.png"
    assert names(tmp_path) == {"sub/a.stale.png", "sub/a.stale.overlay.jpg", "sub/a.geojson"}
    assert (tmp_path / "sub/a.stale.png").read_text() == "sub/a.png"
    assert set_aside(tmp_path, IMAGE) is None
    remove_all(tmp_path, IMAGE | {"mask": "sub/a.stale.png"})
    assert names(tmp_path) == {"sub/a.geojson"}


def test_frames_are_set_aside_in_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "clip/000000.png", "clip/000001.png", "clip.overlay.mp4")
    assert set_aside(tmp_path, VIDEO) == "clip.stale"
    assert names(tmp_path) == {"clip.stale/000000.png", "clip.stale/000001.png", "clip.stale.overlay.mp4"}
    assert not (tmp_path / "clip").exists()
    remove_all(tmp_path, VIDEO | {"mask": "clip.stale"})
    assert not list(tmp_path.iterdir())


def test_links_and_special_files_are_nobodys(tmp_path: Path) -> None:
    folder, outside = tmp_path / "out", tmp_path / "outside"
    put(outside, "a.png", "000000.png")
    put(folder, "kept.png")
    (folder / "sub").symlink_to(outside)
    (folder / "clip").symlink_to(outside)
    (folder / "link.png").symlink_to(outside / "a.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.png"))
        assert is_own(folder, "kept.png") and digest_of(folder / "kept.png") == digest_of(folder / "kept.png")
        for name in ("sub/a.png", "link.png", "folder.png", "pipe.png", "socket.png", "missing.png", "n\0.png"):
            assert not is_own(folder, name)
        for name in ("link.png", "sub/a.png", "sub/new.png", "pipe.png", "socket.png"):
            with pytest.raises(Unsaved, match=r"cannot be written: (a link in the output|not a regular)"):
                check_place(folder, folder / name)
    check_place(folder, folder / "kept.png")
    check_place(folder, folder / "new/new.png")
    for line in (IMAGE, VIDEO, IMAGE | {"mask": "link.png"}, IMAGE | {"mask": "pipe.png"}):
        assert set_aside(folder, line) is None
        remove_all(folder, line)
    assert names(outside) == {"a.png", "000000.png"} and (folder / "link.png").is_symlink()


def test_nothing_is_set_aside_through_a_link(tmp_path: Path) -> None:
    put(tmp_path, "out/clip/000000.png", "elsewhere/kept")
    (tmp_path / "out/clip.stale").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unsaved, match=r"out/clip\.stale: cannot be written: a link in the output folder \(remove it\)"):
        set_aside(tmp_path / "out", VIDEO)
    assert names(tmp_path / "elsewhere") == {"kept"} and (tmp_path / "out/clip/000000.png").exists()
