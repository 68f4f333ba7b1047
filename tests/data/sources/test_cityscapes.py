"""The reader of Cityscapes, on tiny files in the official layout."""

from pathlib import Path

import numpy as np
import pytest
from helpers.raw_data import write_ids, write_image

from casnet_cli.data import sources
from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources import cityscapes
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID


def test_cityscapes(tmp_path: Path) -> None:
    folder = tmp_path / "cityscapes"
    for split, name in (("train", "aachen/aachen_000000_000019"), ("val", "ulm/ulm_000001_000019")):
        write_image(folder / f"leftImg8bit/{split}/{name}_leftImg8bit.png", 3, 2)
        write_ids(folder / f"gtFine/{split}/{name}_gtFine_labelIds.png", [[7, 8, 33], [255, 29, 26]])
        write_ids(folder / f"gtFine/{split}/{name}_gtFine_instanceIds.png", [[1, 2, 3], [4, 5, 6]])
    train, val = sources.find("cityscapes").entries(tmp_path)
    assert (train.split, train.name) == ("train", "aachen/aachen_000000_000019") and val.split == "val"
    np.testing.assert_array_equal(train.load().label, [[0, 1, 18], [VOID, VOID, 13]])
    assert len(cityscapes.LABELS) == 19
    (folder / "gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(DataError, match="has no label in"):
        check_complete(cityscapes.SOURCE, cityscapes.entries(tmp_path), tmp_path)
