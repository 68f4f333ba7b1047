"""Releases of Segments.ai: bitmaps of numbers beside, samples without labels, and what lacks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from PIL import Image

from casnet_cli.data.annotations.segments_ai import read_segments
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError

CATEGORIES = [{"id": 1, "name": "car", "color": [10, 20, 30]}, {"id": 4, "name": "road"}]
NUMBERS = np.array([[0, 300, 300], [0, 70000, 300]])


def release(root: Path, categories: Any = CATEGORIES, annotations: Any = None, samples: int = 2) -> Path:
    """A release of two samples, their bitmaps named as the site and as the package do; a third is bare."""
    root.mkdir(exist_ok=True)
    owners = annotations or [{"id": 300, "category_id": 1}, {"id": 70000, "category_id": 4}]
    listed: list[Any] = []
    for place in range(samples):
        Image.fromarray(np.full((2, 3, 3), place * 80, np.uint8)).save(root / f"{place}.jpg")
        bitmap = {"url": f"https://x/assets/u{place}.png?key=1"}
        attributes = {"annotations": owners, "segmentation_bitmap": bitmap, "format_version": "0.1"}
        label = {"ground-truth": {"attributes": attributes}} if place < 2 else {"ground-truth": None}
        listed.append({"name": f"{place}.jpg", "labels": label})
    bands = [NUMBERS & 255, NUMBERS >> 8 & 255, NUMBERS >> 16, np.full((2, 3), 255)]
    Image.fromarray(np.dstack(bands).astype(np.uint8)).save(root / "u0.png")
    Image.open(root / "u0.png").save(root / "1_label_ground-truth.png")
    dataset = {"task_attributes": {"categories": categories}, "samples": listed}
    (root / "release.json").write_text(json.dumps({"name": "v1", "dataset": dataset}))
    return root / "release.json"


def test_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    release(Path("s"))
    assert "s: pictures with a Segments.ai release: release.json" in stderr_of("prepare", "s", "--out", "o.h5")
    store = Store(Path("o.h5"))
    assert store.labels.names == ("background", "car", "road") and store.labels.palette[1] == (10, 20, 30)
    labels = {entry.name: entry.load().label.tolist() for entry in store.entries()}
    assert labels == {"0": [[0, 1, 1], [0, 2, 1]], "1": [[0, 1, 1], [0, 2, 1]]}
    release(Path("s"), samples=3)
    assert "1 of 3 pictures has no mask, such as s/2.jpg" in casnet("prepare", "s", code=2)
    assert "taken as void" in stderr_of("prepare", "s", "--missing", "void", "--out", "p.h5")
    Path("s/u0.png").unlink()
    output = casnet("prepare", "s", code=2)
    assert "missing beside it: 1 bitmap of 3 samples, such as 0_label_ground-truth.png" in output


def test_bitmaps_of_16_bits(tmp_path: Path) -> None:
    file = release(tmp_path, annotations=[{"id": 7, "category_id": 4}])
    for name in ("u0", "1_label_ground-truth"):
        Image.fromarray(np.array([[0, 7]], np.uint16)).save(tmp_path / f"{name}.png")
    (shape,) = read_segments(file).pictures[1].read().shapes
    assert shape.label == "road" and shape.bitmap is not None and shape.bitmap.tolist() == [[False, True]]


def test_faults(tmp_path: Path) -> None:
    read = read_segments(release(tmp_path, annotations=[{"id": 300, "category_id": 1}]))
    with pytest.raises(DataError, match=r"u0\.png: pixels of the number 70000, which no annotation has"):
        read.pictures[0].read()
    (tmp_path / "u0.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"u0\.png: not a readable bitmap"):
        read.pictures[0].read()
    for change in ({"annotations": [{"id": 300, "category_id": 9}]}, {"categories": [{}]}):
        with pytest.raises(DataError, match="samples or categories are of no form"):
            read_segments(release(tmp_path, **change))
    (tmp_path / "release.json").write_text("[]")
    with pytest.raises(DataError, match="this is not a Segments.ai release"):
        read_segments(tmp_path / "release.json")
