"""The readers of Pascal VOC, ADE20K and Cityscapes, on tiny files in the official layouts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data import sources
from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources import ade20k, cityscapes, voc2012
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID


def image(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2), (9, 90, 200)).save(file)


def ids(file: Path, values: list[list[int]], palette: list[int] | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.array(values, np.uint8))
    if palette:
        picture.putpalette(palette)
    picture.save(file)


def voc(folder: Path) -> Path:
    for name in ("2007_000032", "2007_000033", "2007_000039"):
        image(folder / f"JPEGImages/{name}.jpg")
        palette = voc2012.LABELS.flat_palette()
        ids(folder / f"SegmentationClass/{name}.png", [[0, 1, 20], [255, 15, 0]], palette)
    lists = folder / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000039\n2007_000032\n")
    (lists / "val.txt").write_text("2007_000033\n")
    return folder


def test_pascal_voc(tmp_path: Path) -> None:
    folder = voc(tmp_path / "VOCdevkit/VOC2012")
    for root in (tmp_path, folder):
        entries = sources.find("voc2012").entries(root)
        assert [(entry.split, entry.name) for entry in entries] == [
            ("train", "2007_000039"),
            ("train", "2007_000032"),
            ("val", "2007_000033"),
        ]
    np.testing.assert_array_equal(entries[0].load().label, [[0, 1, 20], [VOID, 15, 0]])
    assert voc2012.LABELS.palette[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert voc2012.LABELS.palette[15] == (192, 128, 128), "person, as in every picture of the set"
    (folder / "SegmentationClass/2007_000033.png").unlink()
    with pytest.raises(DataError, match=r"2007_000033.jpg: has no label in .*SegmentationClass .1 such"):
        check_complete(voc2012.SOURCE, voc2012.entries(tmp_path), tmp_path)
    (folder / "JPEGImages/2007_000033.jpg").unlink()
    with pytest.raises(DataError, match=r"2007_000033.jpg: not there, though val.txt names it"):
        voc2012.entries(tmp_path)
    with pytest.raises(DataError, match="2 train images .a complete voc2012 has 1464"):
        check_complete(voc2012.SOURCE, entries, tmp_path)


def test_ade20k(tmp_path: Path) -> None:
    folder = tmp_path / "ADEChallengeData2016"
    for part, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        image(folder / f"images/{part}/{name}.jpg")
        ids(folder / f"annotations/{part}/{name}.png", [[0, 1, 150], [2, 3, 0]])
    train, val = sources.find("ade20k").entries(tmp_path)
    assert (train.split, train.name, val.split) == ("train", "ADE_train_00000001", "val")
    np.testing.assert_array_equal(train.load().label, [[VOID, 0, 149], [1, 2, VOID]])
    assert len(ade20k.LABELS) == 150 and ade20k.LABELS.names[0] == "wall" and ade20k.LABELS.names[-1] == "flag"
    ids(folder / "annotations/training/ADE_train_00000001.png", [[151, 1, 1], [1, 1, 1]])
    with pytest.raises(DataError, match="holds 151, which no class claims"):
        train.load()


def test_cityscapes(tmp_path: Path) -> None:
    folder = tmp_path / "cityscapes"
    for split, name in (("train", "aachen/aachen_000000_000019"), ("val", "ulm/ulm_000001_000019")):
        image(folder / f"leftImg8bit/{split}/{name}_leftImg8bit.png")
        ids(folder / f"gtFine/{split}/{name}_gtFine_labelIds.png", [[7, 8, 33], [255, 29, 26]])
        ids(folder / f"gtFine/{split}/{name}_gtFine_instanceIds.png", [[1, 2, 3], [4, 5, 6]])
    train, val = sources.find("cityscapes").entries(tmp_path)
    assert (train.split, train.name) == ("train", "aachen/aachen_000000_000019") and val.split == "val"
    np.testing.assert_array_equal(train.load().label, [[0, 1, 18], [VOID, VOID, 13]])
    assert len(cityscapes.LABELS) == 19
    (folder / "gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match="has no label in"):
        check_complete(cityscapes.SOURCE, cityscapes.entries(tmp_path), tmp_path)
