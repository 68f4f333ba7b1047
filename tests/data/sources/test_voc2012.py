"""The reader of Pascal VOC 2012, on tiny files in the official layout."""

from pathlib import Path

import numpy as np
import pytest
from helpers.raw_data import write_ids, write_image

from casnet_cli.data import sources
from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources import voc2012
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID


def voc(folder: Path) -> Path:
    for name in ("2007_000032", "2007_000033", "2007_000039"):
        write_image(folder / f"JPEGImages/{name}.jpg", 3, 2)
        palette = voc2012.LABELS.flat_palette()
        write_ids(folder / f"SegmentationClass/{name}.png", [[0, 1, 20], [255, 15, 0]], palette)
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
    with pytest.raises(DataError, match=r"2007_000033.jpg: has no label in .*SegmentationClass$"):
        check_complete(voc2012.SOURCE, voc2012.entries(tmp_path), tmp_path)
    (folder / "JPEGImages/2007_000033.jpg").unlink()
    with pytest.raises(DataError, match=r"2007_000033.jpg: not there, though val.txt names it"):
        voc2012.entries(tmp_path)
    with pytest.raises(DataError, match="2 train images .a complete voc2012 has 1464"):
        check_complete(voc2012.SOURCE, entries, tmp_path)
