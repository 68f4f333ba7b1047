"""The transaction, with a plain function in the network's place."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.errors import InputError
from casnet_cli.labels import with_colors
from casnet_cli.prediction.folder import Manifest, Outputs, find_images, predict_folder

LABELS = with_colors(("dark", "bright"))
ASKED: list[tuple[int, ...]] = []


def answer(image: np.ndarray) -> dict[str, np.ndarray]:
    """Bright pixels are class 1."""
    ASKED.append(image.shape)
    mask = (image.mean(-1) > 127).astype(np.int32)
    return {"mask": mask, "difficulty": np.full(mask.shape, 0.25), "confidence": np.full(mask.shape, 0.75)}


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image.copy()


def picture(seed: int = 0, width: int = 20, height: int = 12) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    picture(1).save(tmp_path / "in" / "a.png")
    picture(2).save(tmp_path / "in" / "sub" / "b.JPG")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    ASKED.clear()
    return tmp_path / "in"


def label(folder: Path, **options: object) -> list[dict[str, object]]:
    settings = {"folder": folder.parent / "out", "labels": LABELS, "identity": "run 1", **options}
    manifest = Manifest(Outputs(**settings))  # type: ignore[arg-type]
    return list(predict_folder(answer, manifest.pending(find_images([folder], manifest.outputs.folder)), manifest))


def manifest(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder.parent / "out" / "manifest.jsonl").read_text().splitlines()]


def test_files_of_an_image(folder: Path) -> None:
    records = label(folder)
    out = folder.parent / "out"
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    expected = {f"{stem}{ending}" for stem in ("a", "sub/b") for ending in (".png", ".difficulty.png", ".overlay.jpg")}
    assert names == expected | {"manifest.jsonl"}
    mask = opened(out / "a.png")
    image = np.asarray(opened(folder / "a.png"))
    assert mask.mode == "P" and mask.getpalette()[:6] == LABELS.flat_palette()[:6]
    np.testing.assert_array_equal(np.asarray(mask), image.mean(-1) > 127)
    assert (np.asarray(opened(out / "a.difficulty.png")) == 64).all()
    assert opened(out / "a.overlay.jpg").size == (20, 12)
    assert records == manifest(folder)
    first = records[0]
    assert (first["status"], first["width"], first["height"], first["mask"]) == ("ok", 20, 12, "a.png")
    assert sum(first["classes"].values()) == pytest.approx(1, abs=1e-5)  # type: ignore[attr-defined]
    assert first["difficulty_mean"] == 0.25 and first["confidence_mean"] == 0.75


def test_a_second_call_does_only_what_is_missing_or_changed(folder: Path) -> None:
    label(folder)
    assert label(folder) == [] and len(ASKED) == 2
    (folder.parent / "out" / "a.png").unlink()
    assert [record["mask"] for record in label(folder)] == ["a.png"]
    picture(5, 9, 7).save(folder / "sub" / "b.JPG")
    assert [record["mask"] for record in label(folder)] == ["sub/b.png"]
    assert len(label(folder, identity="run 2")) == 2
    assert len(label(folder, identity="run 2", resume=False)) == 2


def test_broken_files_are_named_and_the_rest_is_done(folder: Path) -> None:
    whole = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:200])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("hello")
    (folder / "loop.png").symlink_to("loop.png")
    records = {Path(str(record["file"])).name: record for record in label(folder)}
    assert {name for name, record in records.items() if record["status"] == "ok"} == {"a.png", "b.JPG"}
    failed = {name for name, record in records.items() if record["status"] == "failed"}
    assert failed == {"cut.png", "empty.jpg", "text.jpg", "loop.png"}
    assert all(records[name]["error"] and records[name]["mask"] is None for name in failed)
    assert len(label(folder)) == 4  # failed ones are tried at each call
    assert {path.name for path in folder.rglob("*")} >= failed  # and inputs stay as they are


def test_two_inputs_of_one_stem_keep_their_extension(folder: Path) -> None:
    picture(3).save(folder / "a.bmp")
    masks = {str(record["mask"]) for record in label(folder)}
    assert masks == {"a.png.png", "a.bmp.png", "sub/b.png"}


def test_what_a_kill_leaves_is_cleared(folder: Path) -> None:
    label(folder)
    out = folder.parent / "out"
    (out / ".a.png.part").write_text("half")
    with open(out / "manifest.jsonl", "a") as file:
        file.write('{"file": "half a li')
    assert label(folder) == []
    assert not (out / ".a.png.part").exists() and len(manifest(folder)) == 2


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16", "LA", "1"])
def test_every_mode_is_labelled_at_its_own_size(folder: Path, mode: str) -> None:
    file = folder / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    source = picture(4, 31, 17)
    if mode == "I;16":
        source = Image.fromarray(np.asarray(source.convert("L")).astype(np.uint16) * 257)
    else:
        source = source.convert(mode)
    source.save(file)
    label(folder)
    assert opened(folder.parent / "out" / "x.png").size == (31, 17)


def test_the_mask_has_the_size_after_exif_rotation(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(4, 30, 10).save(folder / "turned.jpg", exif=exif)
    label(folder)
    assert opened(folder.parent / "out" / "turned.png").size == (10, 30)


@pytest.mark.parametrize(
    ("path", "reason"), [("missing", "no such file"), ("in/notes.txt", "not an image"), ("bare", "no image in it")]
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


def test_outputs_of_two_inputs_never_share_a_name(folder: Path) -> None:
    picture(6).save(folder / "a.difficulty.png")
    records = label(folder)
    assert len(records) == 3 and label(folder) == []
    out = folder.parent / "out"
    for record in records:
        with Image.open(str(record["file"])) as image, Image.open(out / str(record["mask"])) as mask:
            np.testing.assert_array_equal(np.asarray(mask), np.asarray(image).mean(-1) > 127)


def test_a_name_that_is_no_unicode(folder: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.png"))
    picture(7).save(odd)
    assert {record["status"] for record in label(folder)} == {"ok"}
    assert str(odd) in {record["file"] for record in manifest(folder)} and label(folder) == []


@pytest.mark.parametrize("line", ["{bad", "[]", '{"file": 3}', '{"status": "ok"}', ""])
def test_foreign_lines_in_the_manifest_stop_nothing(folder: Path, line: str) -> None:
    (folder.parent / "out").mkdir()
    (folder.parent / "out" / "manifest.jsonl").write_text(line + "\n")
    assert len(label(folder)) == 2 and label(folder) == []


def test_an_output_that_cannot_be_a_folder(folder: Path) -> None:
    (folder.parent / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        label(folder)


def test_outputs_below_the_input_are_not_taken_for_inputs(folder: Path) -> None:
    out = folder / "predictions"
    jobs = find_images([folder], out)
    list(predict_folder(answer, jobs, Manifest(Outputs(out, LABELS, "run 1"))))
    assert find_images([folder], out) == jobs
