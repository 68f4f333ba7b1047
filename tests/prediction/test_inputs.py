"""What is found, and that no output takes the place of another one or of an input."""

from pathlib import Path

import pytest
from helpers.datasets import FunctionPredictor
from helpers.predictions import LABELS, by_brightness, picture

from casnet_cli.errors import InputError
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs


def stems(root: Path, *paths: str) -> dict[str, str]:
    jobs = find_images([root / path for path in paths], root / "out")
    return {job.file.relative_to(root).as_posix(): job.stem.as_posix() for job in jobs}


NAMES = {
    "extension": (("in/a.png", "in/a.bmp", "in/b.png"), {"in/a.png": "a.png", "in/a.bmp": "a.bmp", "in/b.png": "b"}),
    "an extension that is another's stem": (
        ("in/a.jpg", "in/a.bmp", "in/a.jpg.png"),
        {"in/a.jpg": "in/a.jpg", "in/a.bmp": "a.bmp", "in/a.jpg.png": "a.jpg.png"},
    ),
    "a map": (("in/a.png", "in/a.difficulty.png"), {"in/a.png": "a.png", "in/a.difficulty.png": "a.difficulty.png"}),
    "a folder": (("in/x.jpg", "in/x.png/a.jpg"), {"in/x.jpg": "x.jpg", "in/x.png/a.jpg": "x.png/a"}),
    "frames": (("in/clip.mp4", "in/clip/000000.jpg"), {"in/clip.mp4": "clip.mp4", "in/clip/000000.jpg": "clip/000000"}),
    "a mask in the place of frames": (("in/v.png.mp4", "in/v.jpg"), {"in/v.png.mp4": "v.png", "in/v.jpg": "v.jpg"}),
    "the manifest": (("in/manifest.jsonl/a.png",), {"in/manifest.jsonl/a.png": "in/manifest.jsonl/a.png"}),
}


@pytest.mark.parametrize(("files", "expected"), NAMES.values(), ids=NAMES)
def test_no_output_takes_the_place_of_another(tmp_path: Path, files: tuple[str, ...], expected: dict[str, str]) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert stems(tmp_path, "in") == expected


def test_namesakes_of_several_folders_keep_the_names_of_these(tmp_path: Path) -> None:
    for folder in ("x/day", "y/day", "night"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").touch()
    (tmp_path / "night" / "b.png").touch()
    found = stems(tmp_path, "x/day", "y/day", "night", "night/b.png", "night/../night", "x/day/a.png")
    expected = {"x/day/a.png": "x/day/a.png", "y/day/a.png": "y/day/a.png", "night/a.png": "night/a.png"}
    assert found == expected | {"night/b.png": "b"}


def test_hidden_files_and_folders_are_no_inputs_unless_they_are_named(tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/._a.jpg", "in/.thumbnails/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert stems(tmp_path, "in") == {"in/a.jpg": "a"}
    assert stems(tmp_path, "in/._a.jpg", "in/.thumbnails") == {"in/._a.jpg": "._a", "in/.thumbnails/b.jpg": "b"}


def test_links_lead_to_no_input_that_is_written_over(folder: Path) -> None:
    out = folder.parent / "out"
    out.mkdir()
    (out / "sub").symlink_to(folder / "sub")
    picture(3).save(folder / "sub" / "b.png")
    (folder / "sub" / "b.JPG").unlink()
    with pytest.raises(InputError, match=r"in/sub/b\.png: would be written over"):
        find_images([folder], out)
    (out / "sub").unlink()
    picture(4).save(out / "a.png")
    (folder / "c.png").symlink_to(out / "a.png")
    with pytest.raises(InputError, match=r"out/a\.png: would be written over"):
        find_images([folder], out)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing", "no such file"), ("in/notes.txt", "neither image nor video"), ("bare", "no image in it")],
)
def test_paths_that_hold_nothing(folder: Path, path: str, reason: str) -> None:
    (folder.parent / "bare").mkdir()
    with pytest.raises(InputError, match=reason):
        find_images([folder.parent / path], folder.parent / "out")


def test_inputs_are_never_written_over(folder: Path) -> None:
    with pytest.raises(InputError, match="also the output folder"):
        find_images([folder], folder)
    with pytest.raises(InputError, match="would be written over"):
        find_images([folder / "a.png"], folder)


def test_nor_by_a_relative_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match="would be written over"):
        find_images([Path("a.png")], Path("."))


def test_outputs_below_the_input_are_not_taken_for_inputs(folder: Path) -> None:
    out = folder / "predictions"
    jobs = find_images([folder], out)
    with Manifest(Outputs(out, LABELS, "run 1")) as manifest:
        list(predict_folder(FunctionPredictor(by_brightness), jobs, manifest))
    assert find_images([folder], out) == jobs
