"""A folder of QuPath's files: classes in their colours, what is void, and what is counted."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import stderr_of
from PIL import Image

from casnet_cli.data.store import Store
from casnet_cli.labels import VOID

RED, GREY = {"name": "Tumor", "color": [200, 0, 0]}, {"name": "Ignore*", "color": [180, 180, 180]}


def feature(kind: str, coordinates: object, classification: object) -> dict[str, object]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": {"classification": classification}}


def test_a_folder_of_qupath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q").mkdir()
    for place in range(2):
        Image.fromarray(np.full((8, 8, 3), place * 90, np.uint8)).save(f"q/{place}.png")
        features = [
            feature("Polygon", [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]], RED),
            feature("Polygon", [[[4, 4], [8, 4], [8, 8], [4, 8], [4, 4]]], GREY),
            feature("LineString", [[0, 0], [8, 8]], RED),
        ]
        Path(f"q/{place}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    output = stderr_of("prepare", "q", "--out", "o.h5")
    assert "q: pictures with a GeoJSON file each: 2 of them" in output
    assert "2 shapes that enclose nothing, left out: feature 3 (line) of 0.png in 0.geojson" in output
    store = Store(Path("o.h5"))
    assert store.labels.names == ("background", "Tumor") and store.labels.palette[1] == (200, 0, 0)
    label = next(entry.load().label for entry in store.entries())
    assert (label[:4, :4] == 1).all() and (label[4:, 4:] == VOID).all() and not label[:4, 4:].any()
