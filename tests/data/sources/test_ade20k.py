"""The reader of ADE20K, on tiny files in the official layout."""

from pathlib import Path

import numpy as np
import pytest
from helpers.raw_data import write_ids, write_image

from casnet_cli.data import sources
from casnet_cli.data.sources import ade20k
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID


def test_ade20k(tmp_path: Path) -> None:
    folder = tmp_path / "ADEChallengeData2016"
    for part, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        write_image(folder / f"images/{part}/{name}.jpg", 3, 2)
        write_ids(folder / f"annotations/{part}/{name}.png", [[0, 1, 150], [2, 3, 0]])
    train, val = sources.find("ade20k").entries(tmp_path)
    assert (train.split, train.name, val.split) == ("train", "ADE_train_00000001", "val")
    np.testing.assert_array_equal(train.load().label, [[VOID, 0, 149], [1, 2, VOID]])
    assert len(ade20k.LABELS) == 150 and ade20k.LABELS.names[0] == "wall" and ade20k.LABELS.names[-1] == "flag"
    write_ids(folder / "annotations/training/ADE_train_00000001.png", [[151, 1, 1], [1, 1, 1]])
    with pytest.raises(DataError, match="holds 151, which no class claims"):
        train.load()
