"""What the readers of raw data sets share, and how they are found by name."""

from pathlib import Path

import numpy as np
import pytest
from helpers.raw_data import fails

from casnet_cli.data import sources
from casnet_cli.data.sources import camvid, sift_flow, stanford_background
from casnet_cli.data.sources.base import class_ids


@pytest.mark.parametrize("source", [sift_flow.SOURCE, stanford_background.SOURCE, camvid.SOURCE])
def test_a_foreign_root_is_named_with_the_layout(source, tmp_path):
    fails(lambda: source.entries(tmp_path), tmp_path, "not found (expected", source.folder)
    fails(lambda: source.entries(tmp_path / "gone"), "gone: no such folder", source.folder)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_class_ids_of_any_dtype(dtype):
    raw = np.array([[0, 1], [2, 0]], dtype)
    assert class_ids(raw, Path("x"), first=1, classes=2, void=0).tolist() == [[255, 0], [1, 255]]


@pytest.mark.parametrize(("name", "classes"), [("sift-flow", 33), ("stanford-background", 8), ("camvid", 11)])
def test_sources_are_found_by_name(name, classes):
    source = sources.find(name)
    assert source.name == name
    assert len(source.labels) == len(set(source.labels.palette)) == classes
    assert (0, 0, 0) not in source.labels.palette


def test_an_unknown_source_names_the_nearest():
    fails(lambda: sources.find("siftflow"), "siftflow", "did you mean sift-flow?", "stanford-background")
    fails(lambda: sources.find(""), "known: sift-flow")
