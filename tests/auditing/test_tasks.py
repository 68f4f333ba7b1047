"""Pictures of suspects as files: their names, and how viewers turn them."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import LABELS, blocks
from PIL import Image, ImageOps

from casnet_cli.auditing import tasks
from casnet_cli.auditing.label_errors import Suspect
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store, write
from casnet_cli.errors import DataError


def test_names_of_images_stay_in_the_folder(tmp_path: Path) -> None:
    entries = [Entry("test", name, lambda: blocks(1)) for name in ("../a", "turned")]
    turned = io.BytesIO()
    image = Image.open(io.BytesIO(blocks(1).image))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(turned, "JPEG", exif=exif)
    entries[1] = Entry("test", "turned", lambda: Sample(turned.getvalue(), blocks(1).label))
    write(tmp_path / "a.h5", Source("blocks", LABELS, lambda root: entries, ""), entries, {})
    store = Store(tmp_path / "a.h5")
    found = [
        LocatedSuspect("test", name, Suspect("object", 0, 1, 2, 3, 4, 0.9, 0.1, 1.0, np.ones((2, 2), bool)))
        for name in ("../a", "turned")
    ]
    with pytest.raises(DataError, match="outside of every folder"):
        tasks.write(tmp_path / "tasks", found[:1], store, ["coco"])
    assert not list(tmp_path.glob("**/a.png"))
    tasks.write(tmp_path / "tasks", found[1:], store, ["coco"])
    assert [file.name for file in tasks.write(tmp_path / "none", [], store, ["cvat"])] == ["annotations.cvat.zip"]
    shown = ImageOps.exif_transpose(Image.open(tmp_path / "tasks/images/turned.png"))
    assert shown.size == image.size, "drawn as its label is"
