"""The page of an audit on pictures of four bands."""

from pathlib import Path

import numpy as np
from helpers.datasets import FOUR_BANDS, bands, write_bands
from helpers.shown_pictures import coarse, decoded, expected

from casnet_cli.auditing.label_errors import Suspect
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.store import Store
from casnet_cli.reports import audit


def suspect() -> Suspect:
    """Pixels 5 to 14 of rows 10 to 19."""
    return Suspect("object", 0, 1, 5, 10, 100, 0.9, 0.1, 1.0, np.ones((10, 10), bool))


def test_pictures_are_shown_as_the_network_sees_them(tmp_path: Path) -> None:
    store = Store(write_bands(tmp_path / "bands.h5", {"train": 2, "val": 2}))
    name = store.names["val"][1]
    located = LocatedSuspect("val", name, suspect())
    image, label, _ = audit.pictures(store, located)
    found, stored = decoded(image.source), bands(3, 48)
    assert found.shape == (40, 48, 3) and decoded(label.source).shape == (40, 48, 3)
    far = abs(coarse(found) - coarse(expected(stored, FOUR_BANDS)))[:, 3:]  # from the outline
    assert far.max() < 6
    assert name in audit.page([located], 1, store)
