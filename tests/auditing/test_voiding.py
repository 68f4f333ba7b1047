"""A copy of a data set with void regions, of pictures of four bands."""

from pathlib import Path

import numpy as np
from helpers.datasets import write_bands

from casnet_cli.auditing import voiding
from casnet_cli.data.store import Store
from casnet_cli.labels import VOID


def test_a_copy_with_void_regions_keeps_the_intensities(tmp_path: Path) -> None:
    store = Store(write_bands(tmp_path / "bands.h5", {"train": 2, "val": 2}))
    name = store.names["val"][1]
    target = tmp_path / "copy.h5"
    voiding.write(store, target, {("val", name): [(slice(10, 20), slice(5, 15), np.ones((10, 10), bool))]})
    copy = Store(target)
    assert copy.intensities == store.intensities
    ours, theirs = ({(e.split, e.name): e.load() for e in one.entries()} for one in (copy, store))
    for key, sample in theirs.items():
        assert ours[key].image == sample.image
        changed = ours[key].label != sample.label
        assert changed.any() == (key == ("val", name)) and (ours[key].label[changed] == VOID).all()
