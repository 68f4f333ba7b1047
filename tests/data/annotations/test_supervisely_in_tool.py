"""A project that Supervisely's own package writes, beside the masks that it draws."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import stderr_of
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.store import Store

PROGRAM = """
import sys
import numpy as np
import supervisely as sly
from supervisely.geometry.alpha_mask import AlphaMask
from supervisely.geometry.cuboid import Cuboid, CuboidFace
from supervisely.geometry.multipolygon import Multipolygon
from supervisely.geometry.oriented_bbox import OrientedBBox

rng = np.random.default_rng(0)
kinds = (sly.Polygon, sly.Bitmap, sly.Rectangle, sly.Polyline, sly.Point, AlphaMask, OrientedBBox, Multipolygon, Cuboid)
shapes = [sly.AnyGeometry if i % 2 else kind for i, kind in enumerate(kinds)]
classes = [sly.ObjClass(f"c{i}", shape, [i * 9, 255 - i, i]) for i, shape in enumerate(shapes)]
project = sly.Project(sys.argv[1] + "/project", sly.OpenMode.CREATE)
project.set_meta(sly.ProjectMeta(classes))

def points(number, low=-20):
    return [[float(y), float(x)] for y, x in rng.uniform(low, 130, (number, 2))]

def geometry(kind):
    if kind is sly.Polygon:
        return kind(points(rng.integers(3, 9)), [points(4, 20) for _ in range(rng.integers(0, 3))])
    if kind is Multipolygon:
        return kind([sly.Polygon(points(5), []) for _ in range(2)])
    if kind is sly.Bitmap:
        return kind(rng.random((20, 30)) > 0.6, sly.PointLocation(*rng.integers(0, 80, 2).tolist()))
    if kind is AlphaMask:
        mask = rng.integers(0, 255, (20, 30)).astype(np.uint8) * (rng.random((20, 30)) > 0.6)
        return kind(mask.astype(np.uint8), sly.PointLocation(*rng.integers(0, 80, 2).tolist()))
    if kind in (sly.Rectangle, OrientedBBox):
        (top, bottom), (left, right) = np.sort(rng.integers(-10, 130, (2, 2)), axis=1).tolist()
        return kind(top, left, bottom, right, *([float(rng.uniform(-3, 3))] if kind is OrientedBBox else []))
    if kind is sly.Polyline:
        return kind(points(4))
    if kind is Cuboid:
        corners = [sly.PointLocation(*one) for one in rng.integers(0, 100, (7, 2)).tolist()]
        return kind(corners, [CuboidFace(0, 1, 2, 3), CuboidFace(0, 4, 5, 1), CuboidFace(1, 5, 6, 2)])
    return kind(*points(1, 0)[0])

for number, name in enumerate(("train", "val")):
    dataset = project.create_dataset(name)
    for image in range(4):
        labels = []
        for place in rng.permutation(len(kinds)).repeat(3).tolist():
            labels.append(sly.Label(geometry(kinds[place]), classes[place]))
        annotation = sly.Annotation((100, 120), labels)
        dataset.add_item_np(f"{image}.v1.png", rng.integers(0, 255, (100, 120, 3)).astype(np.uint8), annotation)
        label = np.zeros((100, 120), np.uint8)
        for one in annotation.labels:  # which end at the border, as the package cuts them
            mask = one.get_mask((100, 120)) if not isinstance(one.geometry, (sly.Polyline, sly.Point)) else None
            if mask is None:
                mask = np.zeros((100, 120), np.uint8)
                one.geometry.draw(mask, 1, thickness=1)
            label[mask.astype(bool)] = 1 + int(one.obj_class.name[1:])
        np.save(f"{sys.argv[1]}/{dataset.name}-{image}.npy", label)
"""


@pytest.mark.slow
def test_supervisely_draws_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of geometry with pixels, with holes, and with overlaps."""
    python = tool_python("supervisely==6.74.51")
    monkeypatch.chdir(tmp_path)
    run_tool(python, PROGRAM, tmp_path)
    stderr_of("prepare", "project", "--out", "o.h5")
    store = Store(tmp_path / "o.h5")
    assert store.labels.names == ("background", *(f"c{place}" for place in range(9)))
    assert store.labels.palette[2] == (9, 254, 1) and list(store.names) == ["train", "val"]
    for entry in store.entries():
        split, number = entry.name.split("/")[0], entry.name.rsplit("/", 1)[1][0]
        np.testing.assert_array_equal(entry.load().label, np.load(tmp_path / f"{split}-{number}.npy"))
