"""Mask exports beside the package that writes them: every mask as datumaro, which CVAT exports with, reads it back."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.store import Store

WRITE = """
import json, sys
import numpy as np
from datumaro.components.annotation import AnnotationType, Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image

form, folder, colored, found = sys.argv[1:]
rng = np.random.default_rng(0)
names = ["car", "road", "tree"]
colors = {"background": (0, 0, 0), "car": (250, 50, 83), "road": (10, 20, 30), "tree": (50, 183, 250)}

def shapes():
    for number in range(6):
        top, left = rng.integers(0, 25, 2)
        mask = np.zeros((30, 40), bool)
        mask[top : top + rng.integers(2, 12), left : left + rng.integers(2, 15)] = True
        yield Mask(mask, label=int(rng.integers(3)), id=number + 1, group=number + 1, z_order=number)

def items():
    for split, name in (("train", "a"), ("train", "deep/b"), ("train", "empty"), ("val", "c")):
        picture = Image.from_numpy(rng.integers(0, 255, (30, 40, 3)).astype(np.uint8), ext=".jpg")
        yield DatasetItem(name, subset=split, media=picture, annotations=[] if name == "empty" else list(shapes()))

options = {"save_media": True}
if colored == "1":
    options |= {"label_map": {name: [c, [], []] if form[0] == "v" else c for name, c in colors.items()}}
if form[:4] != "city":
    options |= {"apply_colormap": True}
Dataset.from_iterable(list(items()), categories=names, media_type=Image).export(folder, form, **options)

masks = {}
read = Dataset.import_from(folder, form)
listed = [one.name for one in read.categories()[AnnotationType.label].items]
for item in read:
    label = np.zeros((30, 40), int)
    for one in item.annotations:
        if isinstance(one, Mask):
            label[one.image.astype(bool)] = ["background", *names].index(listed[one.label])
    masks[f"{item.subset} {item.id}"] = label.tolist()
json.dump(masks, open(found, "w"))
"""

KINDS = {"voc_segmentation": "Pascal VOC's layout", "camvid": "CamVid's layout", "cityscapes": "Cityscapes' layout"}


@pytest.mark.slow
@pytest.mark.parametrize("colored", [True, False])
@pytest.mark.parametrize("form", KINDS)
def test_datumaro_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, colored: bool) -> None:
    """In the colours of the classes, as CVAT writes them, and in those that datumaro gives classes without."""
    python = tool_python("datumaro==1.13.12")
    monkeypatch.chdir(tmp_path)
    run_tool(python, WRITE, form, "task", int(colored), "masks.json")
    expected = {name: np.array(label) for name, label in json.loads(Path("masks.json").read_text()).items()}
    refused = casnet("prepare", "task", code=2)
    assert KINDS[form] in refused and "1 of 4 pictures has no mask" in refused and "--missing background" in refused
    casnet("prepare", "task", "--missing", "background")
    store = Store(Path("data/task.h5"))
    assert store.labels.names == ("background", "car", "road", "tree")
    if colored:
        assert store.labels.palette == ((0, 0, 0), (250, 50, 83), (10, 20, 30), (50, 183, 250))
    entries = store.entries()
    assert len(entries) == 4
    for entry in entries:
        assert entry.read
        name = entry.name.removeprefix(f"{entry.split}/").removesuffix("_leftImg8bit")
        np.testing.assert_array_equal(entry.read().label, expected[f"{entry.split} {name}"])
