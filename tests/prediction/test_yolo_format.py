"""Data sets for Ultralytics: the zip is read here by the description of its form."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
from helpers.drawn_masks import LABELS, mask_of
from helpers.labelled_folders import filled, folder_of, masks

from casnet_cli.labels import VOID
from casnet_cli.prediction.output_kinds import LabelledFile, LabelledFolder
from casnet_cli.prediction.yolo_format import polygons, write_yolo


def drawn(text: str, shape: tuple[int, ...]) -> np.ndarray:
    label = np.full(shape, VOID, np.uint8)
    for line in text.splitlines():
        class_id, *values = line.split()
        points = np.array(values, float).reshape(-1, 2)
        assert points.min() >= 0 and points.max() <= 1 and len(points) > 2
        inside = filled(points * shape[::-1], shape)
        assert inside.any() and (label[inside] == VOID).all()
        label[inside] = int(class_id)
    return label


def test_polygons_are_the_masks(tmp_path: Path) -> None:
    given = masks()
    write_yolo(tmp_path / "set.zip", folder_of(given, tmp_path))
    with ZipFile(tmp_path / "set.zip") as archive:
        for number, mask in enumerate(given):
            text = archive.read(f"labels/train/sub/{number}.txt").decode()
            np.testing.assert_array_equal(drawn(text, mask.shape), mask)
            picture = archive.read(f"images/train/sub/{number}.png")
            assert picture == (tmp_path / f"photos/sub/{number}.png").read_bytes()
        assert len(archive.namelist()) == 2 * len(given) + 1
        yaml = archive.read("data.yaml").decode()
    names = "".join(f'  {number}: "{name}"\n' for number, name in enumerate(LABELS.names))
    assert yaml == f"train: images/train\nval: images/train\nnames:\n{names}"


def test_a_line_in_full() -> None:
    assert polygons(mask_of("rr", "..")) == "1 0 0 1 0 1 0.5 0 0.5\n"
    assert polygons(mask_of("..")) == ""


def test_two_pictures_of_one_stem_have_labels_of_their_own(tmp_path: Path) -> None:
    listed = []
    for name, mask in (("a.jpg", mask_of("r")), ("a.png", mask_of("t"))):
        (tmp_path / name).write_text(name)
        listed.append(LabelledFile(name, tmp_path / name, mask, None))
    write_yolo(tmp_path / "set.zip", LabelledFolder(LABELS, listed))
    with ZipFile(tmp_path / "set.zip") as archive:
        names = archive.namelist()
        assert archive.read("labels/train/a.png.txt").startswith(b"2 ") and archive.read("labels/train/a.txt")
    assert names[2::2] == ["images/train/a.jpg", "images/train/a.png.png"]
