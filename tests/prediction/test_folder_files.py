"""Files of all images: what they hold after one call and several, in shares, and what they leave out."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.predictions import LABELS, by_brightness, opened, picture
from pycocotools import mask as rle

from casnet_cli.errors import InputError
from casnet_cli.prediction.folder_files import write_folder_files
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images, shard
from casnet_cli.prediction.manifest import Manifest, check_unclaimed
from casnet_cli.prediction.mask_values import resolve_mask_values
from casnet_cli.prediction.output_kinds import FOLDER_KINDS
from casnet_cli.prediction.outputs import Outputs

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools under NumPy 2


def call(
    *paths: Path, share: tuple[int, int] | None = None, folder: str = "out", **options: Any
) -> tuple[list[Path], list[str]]:
    """As one call of `casnet predict` does: label what is missing, then write the files."""
    out = paths[0].parent / folder
    outputs = Outputs(**{"folder": out, "labels": LABELS, "identity": "run 1", "together": ("coco",), **options})
    jobs = find_images(paths, out)
    jobs = list(shard(jobs, *share)) if share else jobs
    check_unclaimed(outputs, jobs)
    with Manifest(outputs, share) as manifest:
        list(predict_folder(FunctionPredictor(by_brightness), manifest.pending(jobs), manifest))
        return write_folder_files(manifest, share, [job.file for job in jobs] if share else None)


def masks_of(file: Path) -> dict[str, np.ndarray]:
    """By pycocotools: the mask of each image."""
    found = json.loads(file.read_text())
    masks = {one["id"]: np.full((one["height"], one["width"]), 255, np.uint8) for one in found["images"]}
    for one in found["annotations"]:
        masks[one["image_id"]][rle.decode(one["segmentation"]) == 1] = one["category_id"] - 1
    return {one["file_name"]: masks[one["id"]] for one in found["images"]}


def test_one_file_with_the_names_below_the_folder(folder: Path) -> None:
    (file,), notes = call(folder)
    out = folder.parent / "out"
    assert file == out / "annotations.coco.json" and notes == []
    masks = masks_of(file)
    assert list(masks) == ["a.png", "sub/b.JPG"]
    np.testing.assert_array_equal(masks["a.png"], np.asarray(opened(out / "a.png")))
    np.testing.assert_array_equal(masks["sub/b.JPG"], np.asarray(opened(out / "sub/b.png")))
    assert not list(out.glob("*/*.json")), "a file for each picture beside it"
    before = file.read_bytes()
    file.unlink()
    call(folder)
    assert file.read_bytes() == before, "a second call finds nothing to label, and writes the file again"
    picture(3).save(folder / "c.png")
    call(folder)
    assert list(masks_of(file)) == ["a.png", "c.png", "sub/b.JPG"]
    ids = {one["file_name"]: one["id"] for one in json.loads(before)["images"]}
    assert ids.items() <= {one["file_name"]: one["id"] for one in json.loads(file.read_text())["images"]}.items()


def test_pictures_of_one_name_in_two_folders_and_beside_each_other(folder: Path) -> None:
    other = folder.parent / "more"
    other.mkdir()
    picture(4).save(other / "a.png")
    picture(5).save(folder / "a.jpg")
    (file,), _ = call(folder, other)
    names = list(masks_of(file))
    assert len(names) == 4 and {"in/a.png", "more/a.png", "sub/b.JPG"} <= set(names)


def test_shares_have_files_of_their_own_and_the_call_without_joins_them(folder: Path) -> None:
    for seed in range(6):
        picture(seed).save(folder / f"{seed}.png")
    (first,), _ = call(folder, share=(1, 2))
    (second,), _ = call(folder, share=(2, 2))
    assert [first.name, second.name] == ["annotations-1-of-2.coco.json", "annotations-2-of-2.coco.json"]
    parts = [json.loads(file.read_text()) for file in (first, second)]
    (file,), notes = call(folder)
    whole = json.loads(file.read_text())
    assert notes == [] and len(whole["images"]) == 8 and all(part["images"] for part in parts)
    for key in ("images", "annotations"):
        joined = [one for part in parts for one in part[key]]
        assert sorted(joined, key=lambda one: one["id"]) == sorted(whole[key], key=lambda one: one["id"])


@pytest.mark.parametrize("values", ["ids", "void = {ids=[0]}\n{}ids=[70000]", "void = {colors=[[9,9,9]]}\n{}"])
def test_masks_are_read_whatever_their_values_are(folder: Path, values: str) -> None:
    table = folder.parent / "table.toml"
    number = "ids=[65535]" if "ids=" in values else ""
    classes = f'[[class]]\nname="dark"\ncolor=[1,2,3]\n{number.replace("65535", "700")}\n'
    classes += f'[[class]]\nname="bright"\ncolor=[3,2,1]\n{number}\n'
    table.write_text(values.split("{}")[0] + classes)
    chosen = resolve_mask_values("ids" if values == "ids" else str(table), LABELS, rejecting=True)
    (plain,), _ = call(folder, reject_below=0.5)
    (file,), _ = call(folder, folder="other", chosen_mask_values=chosen, reject_below=0.5)
    assert file.read_bytes() == plain.read_bytes()
    if values != "ids":
        assert np.asarray(opened(file.parent / "a.png")).max() in (3, 65535)


def test_what_is_left_out_is_counted_and_named(folder: Path) -> None:
    call(folder)
    out = folder.parent / "out"
    (folder / "sub/b.JPG").unlink()
    (file,), notes = call(folder, together=("coco",))
    assert list(masks_of(file)) == ["a.png"]
    assert notes == [f"annotations.coco.json: 1 left out, {folder}/sub/b.JPG first: the picture is gone"]
    picture(9).save(folder / "sub/c.png")
    (out / "sub/b.png").unlink()
    _, notes = call(folder / "sub", folder="../out", identity="run 2")
    assert notes == ["annotations.coco.json: 2 left out: labelled by another run, or with other options"]
    mask = out / "a.png"
    mask.write_bytes(mask.read_bytes()[:60])
    _, notes = call(folder / "sub", folder="../out")
    assert [note.rpartition("/")[2].partition(":")[0] for note in notes] == ["a.png first", "b.JPG first"]
    assert "the mask cannot be read" in notes[0]


def test_a_mask_with_a_value_that_no_class_has(folder: Path) -> None:
    call(folder)
    mask = folder.parent / "out" / "a.png"
    changed = opened(mask)
    changed.putpixel((3, 2), 7)
    changed.save(mask)
    (file,), (note,) = call(folder)
    assert list(masks_of(file)) == ["sub/b.JPG"] and "it holds 7, which no class has" in note


def test_an_existing_file_without_a_manifest_is_not_written_over(folder: Path) -> None:
    out = folder.parent / "out"
    out.mkdir()
    (out / "annotations.coco.json").write_text("drawn by hand")
    with pytest.raises(InputError, match=r"annotations.coco.json: exists, and no manifest lists it"):
        call(folder)
    (out / "annotations.coco.json").unlink()
    call(folder)
    (out / "annotations.coco.json").unlink()
    (out / "annotations.coco.json").mkdir()
    with pytest.raises(InputError, match=r"annotations.coco.json: cannot be written: "):
        call(folder)
    assert not list(out.glob(".*")), "an unfinished file"


def test_every_kind_of_file_in_one_call(folder: Path) -> None:
    (folder / "annotations.coco.png").write_bytes((folder / "a.png").read_bytes())
    files, notes = call(folder, together=tuple(FOLDER_KINDS), extra=("labelme",), simplify=0.5)
    out = folder.parent / "out"
    assert notes == [] and [file.name for file in files] == [
        f"annotations{kind.ending}" for kind in FOLDER_KINDS.values()
    ]
    tasks = json.loads((out / "annotations.label-studio.json").read_text())
    assert [task["predictions"][0]["score"] for task in tasks] == [0.75] * 3
    assert {task["predictions"][0]["result"][0]["type"] for task in tasks} == {"polygonlabels"}
    names = [task["data"]["name"] for task in tasks]
    assert names == list(masks_of(files[0])) == ["a.png", "annotations.coco.png", "sub/b.JPG"]
    assert (out / "annotations.coco.png.json").is_file(), "the file of this picture keeps off that of all"
    with ZipFile(out / "annotations.yolo.zip") as archive:
        assert "labels/train/sub/b.txt" in archive.namelist()


def test_difficulty_is_left_out(folder: Path) -> None:
    call(folder, difficulty=False, overlay=False)
    names = {file.relative_to(folder.parent / "out").as_posix() for file in (folder.parent / "out").rglob("*.*")}
    assert names == {"a.png", "sub/b.png", "annotations.coco.json", "manifest.jsonl"}


def test_a_line_makes_no_picture_of_another_file(folder: Path) -> None:
    """Some of these files hold the pictures themselves."""
    call(folder)
    out, secret = folder.parent / "out", folder.parent / "secret.txt"
    secret.write_text("not to be handed on")
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    lines[0]["file"] = str(secret)
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Manifest(Outputs(out, LABELS, "run 1", together=("yolo",))) as manifest:
        (file,), notes = write_folder_files(manifest, None)
    assert notes == [f"annotations.yolo.zip: 1 left out, {secret} first: no picture by its name"]
    with ZipFile(file) as archive:
        assert not any("secret" in name for name in archive.namelist())
