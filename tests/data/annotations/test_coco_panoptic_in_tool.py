"""The panoptic files that datumaro writes: their pixels as datumaro reads them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.store import Store

PROGRAM = """
import os, sys
import numpy as np
from datumaro import AnnotationType, Dataset, DatasetItem, Image, Mask
os.chdir(sys.argv[1])
rng = np.random.default_rng(0)
items = []
for number in range(4):
    segments = rng.integers(0, 6, (20, 30))
    masks = [Mask(segments == one, label=int(rng.integers(0, 3)), id=one * 90, attributes={"is_crowd": one == 2})
             for one in range(1, 6)] if number else []
    pixels = rng.integers(0, 256, (20, 30, 3)).astype(np.float32)
    items.append(DatasetItem(f"p{number}", subset="train" if number < 3 else "val",
                             media=Image.from_numpy(pixels, ext=".png"), annotations=masks))
Dataset.from_iterable(items, categories=["road", "car", "tree"]).export("set", "coco_panoptic", save_media=True)
masks = {}
for item in Dataset.import_from("set", "coco_panoptic"):
    label = np.full((20, 30), 255, np.uint8)
    for one in item.annotations:
        label[one.image.astype(bool)] = one.label
    masks[item.id] = label
np.savez("masks.npz", **masks)
"""


@pytest.mark.slow
def test_datumaro_reads_the_same_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture without segments, a crowd, numbers above 255, and pictures that are named as the files of segments."""
    run_tool(tool_python("datumaro==1.13.12"), PROGRAM, tmp_path)
    monkeypatch.chdir(tmp_path)
    casnet("prepare", "set", "--out", "set.h5")
    store = Store(Path("set.h5"))
    assert store.labels.names == ("road", "car", "tree")
    assert {split: len(names) for split, names in store.names.items()} == {"train": 3, "val": 1}
    with np.load("masks.npz") as truth:
        for found in store.entries():
            np.testing.assert_array_equal(found.load().label, truth[Path(found.name).name], err_msg=found.name)
