"""What is found, and that no output takes the place of another, of an input or that does not belong to it."""

import json
from pathlib import Path

import pytest
from helpers.datasets import FunctionPredictor
from helpers.predictions import LABELS, by_brightness, label, picture

from casnet_cli.errors import InputError
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest, check_unclaimed
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


def test_files_of_which_no_manifest_tells_are_not_written_over(folder: Path) -> None:
    outputs = Outputs(folder.parent / "out", LABELS, "run 1")
    jobs = find_images([folder], outputs.folder)
    check_unclaimed(outputs, jobs)
    outputs.folder.mkdir()
    (outputs.folder / "other.png").touch()
    check_unclaimed(outputs, jobs)
    (outputs.folder / "a.png").write_text("drawn by hand")
    with pytest.raises(InputError, match=r"out/a\.png: exists, and no manifest lists it"):
        check_unclaimed(outputs, jobs)
    (outputs.folder / "a.png").rename(outputs.folder / "summary.csv")
    with pytest.raises(InputError, match=r"out/summary\.csv: exists"):
        check_unclaimed(outputs, jobs)
    (outputs.folder / "summary.csv").unlink()
    label(folder)
    check_unclaimed(outputs, jobs)


def test_what_lies_beside_a_mask_is_cleared_though_a_failure_lay_between(folder: Path) -> None:
    label(folder, extra=("geojson",))
    assert (folder.parent / "out/a.geojson").exists()
    whole = (folder / "a.png").read_bytes()
    (folder / "a.png").write_text("broken")
    assert [record["status"] for record in label(folder)] == ["failed"]
    (folder / "a.png").write_bytes(whole)
    assert [record["status"] for record in label(folder)] == ["ok"]
    assert not (folder.parent / "out/a.geojson").exists() and (folder.parent / "out/sub/b.geojson").exists()


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


def test_a_mask_made_of_a_namesake_since_is_made_again(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    picture(8).save(other / "a.png")

    def call(where: Path) -> list[str]:
        with Manifest(Outputs(folder.parent / "out", LABELS, "run 1")) as manifest:
            jobs = manifest.pending(find_images([where], manifest.outputs.folder))
            return [str(record["file"]) for record in predict_folder(FunctionPredictor(by_brightness), jobs, manifest)]

    assert len(call(folder)) == 2 and call(other) == [str(other / "a.png")]
    assert call(folder) == [str(folder / "a.png")] and call(folder) == []


def test_lines_of_all_shares_count_in_the_order_of_time(folder: Path) -> None:
    """Another run in between has made all of it anew, though the older share is written to once more."""
    out = folder.parent / "out"
    jobs = find_images([folder], out)

    def call(identity: str, share: tuple[int, int] | None, most: int) -> int:
        with Manifest(Outputs(out, LABELS, identity), share) as manifest:
            return len(list(predict_folder(FunctionPredictor(by_brightness), manifest.pending(jobs)[:most], manifest)))

    assert call("run 1", (1, 1), 2) == 2 and call("run 2", None, 2) == 2 and call("run 1", (1, 1), 1) == 1
    assert call("run 1", (1, 1), 2) == 1 and call("run 1", None, 2) == 0


def test_what_lies_beside_a_mask_is_of_the_same_prediction_or_removed(folder: Path) -> None:
    geojson = folder.parent / "out" / "a.geojson"
    label(folder, extra=("geojson",))
    assert geojson.exists() and len(label(folder, identity="run 2", overlay=False)) == 2
    assert not geojson.exists() and not geojson.with_name("a.overlay.jpg").exists()
    assert len(label(folder, identity="run 2")) == 2 and label(folder, identity="run 2") == []
    geojson.write_text("of somebody else")
    assert len(label(folder, identity="run 2", extra=("geojson",))) == 2
    assert json.loads(geojson.read_text())["type"] == "FeatureCollection"
