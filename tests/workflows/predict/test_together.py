"""Files of all pictures on the command line: read by casnet itself, in shares, and out of date."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import at_home, casnet, stderr_of
from helpers.datasets import LABELS
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


def test_prepare_makes_the_masks_of_the_file_again(home: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out", tmp_path / "again.h5"
    casnet("predict", "photos", "--out", out, "--save", "coco", "--no-overlay", "--no-difficulty")
    file = out / "annotations.coco.json"
    casnet("prepare", "folder", "--images", "photos", "--annotations", file, "--out", data, "--val-fraction", 0)
    store = Store(data)
    samples = [sample for part in store.parts().values() for sample in part]
    assert sorted(sample.name for sample in samples) == ["0", "2", "4", "sub/1", "sub/3", "sub/5"]
    names = np.array(store.labels.names)
    for sample in samples:
        mask = np.asarray(Image.open(out / f"{sample.name}.png"))
        np.testing.assert_array_equal(names[np.asarray(decode_label(sample.label))], np.array(LABELS.names)[mask])


def test_shares_and_files_that_are_out_of_date(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for share in ("1/2", "2/2"):
        casnet("predict", "photos", "--out", out, "--save", "coco", "--shard", share)
    parts = [json.loads((out / f"annotations-{number}-of-2.coco.json").read_text()) for number in (1, 2)]
    casnet("predict", "photos", "--out", out, "--save", "coco", "--save", "yolo")
    whole = json.loads((out / "annotations.coco.json").read_text())
    assert sorted(one["id"] for part in parts for one in part["images"]) == sorted(one["id"] for one in whole["images"])
    assert len(whole["images"]) == 6
    before = (out / "annotations.coco.json").read_bytes()
    shown = stderr_of("predict", "photos", "--out", out, "--save", "yolo", "--no-resume")
    assert f"note: {out}/annotations.coco.json is older than some masks (--save coco writes it anew)" in shown
    assert (out / "annotations.coco.json").read_bytes() == before
