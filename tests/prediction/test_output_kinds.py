"""The table of outputs: what other code derives from it, and what a new row brings."""

from pathlib import Path

import pytest
from helpers.predictions import label, manifest

from casnet_cli.errors import InputError
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.output_kinds import (
    FOLDER_KINDS,
    OUTPUT_KINDS,
    LabelledPicture,
    OutputKind,
    needs_of,
    outlined,
    output_endings,
    save_choices,
    with_companions,
)


def test_what_is_derived_from_the_table() -> None:
    single, together = ["confidence", "probabilities", "geojson", "labelme", "geotiff"], list(FOLDER_KINDS)
    assert save_choices() == single + together and together == ["coco", "label-studio", "cvat", "yolo"]
    assert all(name == kind.name for name, kind in FOLDER_KINDS.items())
    assert all(name == kind.name for name, kind in OUTPUT_KINDS.items())
    assert needs_of(["geojson", "confidence"]) == {"confidence"} and needs_of(OUTPUT_KINDS) == {
        "confidence",
        "probabilities",
    }
    assert needs_of(FOLDER_KINDS) == set()
    assert outlined() == ["geojson", "labelme", "label-studio", "cvat", "yolo"]
    assert {".png", ".overlay.jpg", ".overlay.mp4", ".geojson", ".difficulty.tif"} <= set(output_endings())
    assert with_companions(["geojson", "geotiff"]) == ["geojson", "geotiff-difficulty", "geotiff-names", "geotiff"]


def test_a_new_kind_is_a_row_and_its_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: Path, picture: LabelledPicture) -> None:
        assert picture.result.confidence is not None
        file.write_text(f"{picture.name}: {picture.result.mask.size} pixels, sure {picture.result.confidence.max()}")

    monkeypatch.setitem(OUTPUT_KINDS, "note", OutputKind("note", ".note.txt", ("confidence",), write))
    assert "note" in save_choices()
    label(folder, extra=("note",))
    out = folder.parent / "out"
    assert (out / "a.note.txt").read_text() == "a.png: 240 pixels, sure 191"
    assert all(".note.txt" in record["outputs"] for record in manifest(folder))  # type: ignore[operator]
    (out / "a.note.txt").unlink()
    assert [record["mask"] for record in label(folder, extra=("note",))] == ["a.png"]
    (folder / "a.note.txt").write_text("an input of that name")
    with pytest.raises(InputError, match=r"neither image nor video"):
        find_images([folder / "a.note.txt"], out)


def test_stems_do_not_share_the_name_of_a_new_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTPUT_KINDS, "note", OutputKind("note", ".note.png", (), lambda file, picture: None))
    (folder / "a.note.jpg").touch()
    stems = {job.file.name: job.stem.as_posix() for job in find_images([folder], folder.parent / "out")}
    assert stems == {"a.png": "a.png", "a.note.jpg": "a.note.jpg", "b.JPG": "sub/b"}
