"""Folders of images become files and lines, with a plain function in the place of the network."""

import json
import os
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.predictions import LABELS, PREDICTED, by_brightness, label, manifest, opened, picture
from PIL import Image

from casnet_cli.data.pixels import take
from casnet_cli.errors import InputError
from casnet_cli.inference.sound import check_numbers
from casnet_cli.prediction import image_pipeline as pipeline
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs


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
    first = next(record for record in records if record["mask"] == "a.png")
    assert (first["status"], first["width"], first["height"]) == ("ok", 20, 12)
    assert sum(first["classes"].values()) == pytest.approx(1, abs=1e-5)  # type: ignore[attr-defined]
    assert first["difficulty_mean"] == 0.25 and first["confidence_mean"] == 0.75


def test_a_second_call_does_only_what_is_missing_or_changed(folder: Path) -> None:
    label(folder)
    assert label(folder) == [] and len(PREDICTED) == 2
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


def test_probabilities_that_are_no_numbers_are_a_fault_of_their_image_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(image: np.ndarray) -> dict[str, np.ndarray]:
        found = by_brightness(image)
        if image.shape == (7, 9, 3):
            found["difficulty"] = found["difficulty"] + np.nan
        check_numbers(found, len(LABELS))
        return found

    picture(3, 9, 7).save(folder / "b.png")
    monkeypatch.setattr("helpers.predictions.by_brightness", spoilt)
    records = {Path(str(record["file"])).name: record for record in label(folder)}
    assert [records[name]["status"] for name in ("a.png", "b.png", "b.JPG")] == ["ok", "failed", "ok"]
    assert "its probabilities are no numbers" in str(records["b.png"]["error"])
    assert not list((folder.parent / "out").glob("b.*"))


def test_two_inputs_of_one_stem_keep_their_extension(folder: Path) -> None:
    picture(3).save(folder / "a.bmp")
    masks = {str(record["mask"]) for record in label(folder)}
    assert masks == {"a.png.png", "a.bmp.png", "sub/b.png"}


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "LA", "1"])
def test_every_mode_is_labelled_at_its_own_size(folder: Path, mode: str) -> None:
    file = folder / ("x.tif" if mode == "CMYK" else "x.png")
    picture(4, 31, 17).convert(mode).save(file)
    label(folder)
    assert opened(folder.parent / "out" / "x.png").size == (31, 17)


def test_the_mask_has_the_size_after_exif_rotation(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(4, 30, 10).save(folder / "turned.jpg", exif=exif)
    label(folder)
    assert opened(folder.parent / "out" / "turned.png").size == (10, 30)


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


def test_an_output_that_cannot_be_a_folder(folder: Path) -> None:
    (folder.parent / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        label(folder)


def test_decoding_computing_and_writing_run_side_by_side(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(30):
        picture(index).save(folder / f"{index:02d}.png")
    threads: dict[str, set[int]] = {"load": set(), "save": set()}
    for name, own in threads.items():
        call = getattr(pipeline, name)
        noted = lambda *given, own=own, call=call: (own.add(threading.get_ident()), call(*given))[1]  # noqa: E731
        monkeypatch.setattr(pipeline, name, noted)
    assert len(label(folder)) == 32
    assert threading.get_ident() not in threads["load"] | threads["save"]
    assert not threads["load"] & threads["save"]


def test_no_more_pixels_are_in_flight_than_there_is_room_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PIXELS", 500)  # two pictures of 240 pixels, or one larger one alone
    for index in range(12):
        picture(index, *((20, 12) if index % 4 else (40, 30))).save(folder / f"{index:02d}.png")
    flying, most = 0, []

    class Counted(pipeline.PixelBudget):
        def take(self, pixels: int) -> int:
            nonlocal flying
            taken = super().take(pixels)
            flying += taken
            most.append(flying)
            return taken

        def give(self, pixels: int) -> None:
            nonlocal flying
            flying -= pixels
            super().give(pixels)

    monkeypatch.setattr(pipeline, "PixelBudget", Counted)
    assert {record["status"] for record in label(folder)} == {"ok"}
    assert max(most) <= 500 and max(most) > 240


def test_an_image_that_needs_more_memory_than_there_is_fails_by_name_before_it_is_decoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.memory, "memory_available", lambda: 300 * pipeline.BYTES_PER_PIXEL)
    picture(3, 40, 30).save(folder / "large.png")
    decoded: list[tuple[int, int]] = []

    def noted(file: Any, oriented: bool) -> Any:
        found = decode_rgb(file, oriented)
        decoded.append(found.size)
        return found

    decode_rgb = take.decode_rgb
    monkeypatch.setattr(take, "decode_rgb", noted)
    failed = [record for record in label(folder) if record["status"] == "failed"]
    assert [Path(str(record["file"])).name for record in failed] == ["large.png"]
    assert "megapixels need" in str(failed[0]["error"])
    assert len(decoded) == 2 and (40, 30) not in decoded


def test_a_network_without_memory_fails_one_image_and_does_the_others(folder: Path) -> None:
    for name in "cd":
        picture(ord(name)).save(folder / f"{name}.png")
    hated = np.asarray(picture(ord("c")))

    def short(image: np.ndarray) -> dict[str, np.ndarray]:
        if (image == hated).all():
            raise MemoryError
        return by_brightness(image)

    with Manifest(Outputs(folder.parent / "out", LABELS, "run 1")) as manifest:
        jobs = find_images([folder], manifest.outputs.folder)
        predictor = FunctionPredictor(short, batch_limit=3)
        records = {Path(str(r["file"])).name: r for r in predict_folder(predictor, jobs, manifest)}
    assert {name for name, record in records.items() if record["status"] == "failed"} == {"c.png"}
    assert "not enough memory" in records["c.png"]["error"] and len(records) == 4


def test_extra_files_and_rejected_pixels(folder: Path) -> None:
    def unsure(image: np.ndarray) -> dict[str, np.ndarray]:
        pixels = by_brightness(image)
        pixels["confidence"] = np.where(image[..., 0] < 60, 0.4, 0.9).astype(np.float32)
        bright = pixels["mask"].astype(np.float32)
        return pixels | {"probabilities": np.stack([1 - bright, bright])}

    kinds = ("confidence", "probabilities", "geojson")
    outputs = Outputs(folder.parent / "out", LABELS, "run 1", extra=kinds, reject_below=0.5)
    jobs = find_images([folder], outputs.folder)
    with Manifest(outputs) as manifest:
        records = list(predict_folder(FunctionPredictor(unsure), jobs, manifest))
        assert manifest.pending(jobs) == []
    image = np.asarray(opened(folder / "a.png"))
    rejected = image[..., 0] < 60
    mask = np.asarray(opened(outputs.folder / "a.png"))
    np.testing.assert_array_equal(mask, np.where(rejected, 255, image.mean(-1) > 127))
    np.testing.assert_array_equal(np.asarray(opened(outputs.folder / "a.confidence.png")), np.where(rejected, 102, 230))
    with np.load(outputs.folder / "a.probabilities.npz") as stored:
        assert stored["classes"].tolist() == ["dark", "bright"]
        np.testing.assert_array_equal(stored["probabilities"].argmax(-1), image.mean(-1) > 127)
    areas = {"dark": 0, "bright": 0}
    for feature in json.loads((outputs.folder / "a.geojson").read_text())["features"]:
        areas[feature["properties"]["class"]] += feature["properties"]["pixels"]
    assert areas == {"dark": (mask == 0).sum(), "bright": (mask == 1).sum()}
    (record,) = (record for record in records if record["mask"] == "a.png")
    assert record["rejected"] == pytest.approx(rejected.mean(), abs=1e-5)
    (outputs.folder / "a.geojson").unlink()
    with Manifest(outputs) as manifest:
        assert [job.file.name for job in manifest.pending(jobs)] == ["a.png"]


def test_a_folder_that_cannot_be_read_is_a_failure_and_not_a_gap(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    records = label(folder)
    failed = [record for record in records if record["status"] == "failed"]
    assert len(records) == 2 and failed[0]["file"] == str(folder / "sub") and "Permission" in str(failed[0]["error"])


def test_an_image_that_claims_too_many_pixels_is_named(folder: Path) -> None:
    picture(1).save(folder / "huge.png")
    data = bytearray((folder / "huge.png").read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)  # of the header chunk, whose sum follows
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (folder / "huge.png").write_bytes(data)
    failed = [record for record in label(folder) if record["status"] == "failed"]
    assert len(failed) == 1 and "more than 500 million pixels" in str(failed[0]["error"])
