"""Ultralytics' polygons beside the masks that its own package makes of them."""

from pathlib import Path

import numpy as np
import pytest
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.annotations.drawing import draw
from casnet_cli.data.annotations.drawing_by_opencv import ULTRALYTICS
from casnet_cli.data.annotations.yolo import read_yolo

NEEDS = (
    "--no-deps",  # drawing needs neither torch nor what that brings
    "ultralytics==8.4.190",
    "numpy==2.3.4",
    "opencv-python-headless==4.12.0.88",
    "pillow==12.0.0",
)

PROGRAM = """
import importlib.abc, importlib.machinery, importlib.util, sys, types
from unittest.mock import MagicMock
import numpy as np

class Stub(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        stub = name.startswith("ultralytics.") and name != "ultralytics.data.utils"
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if stub else None
    def create_module(self, spec):
        return MagicMock(__spec__=spec, __path__=[])
    def exec_module(self, module):
        pass

folder = importlib.util.find_spec("ultralytics").submodule_search_locations[0]
sys.meta_path.insert(0, Stub())
for name, place in (("ultralytics", folder), ("ultralytics.data", folder + "/data")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [place]
from ultralytics.data.utils import polygons2masks_overlap

label, out, height, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rows = [line.split() for line in open(label)]
segments = [np.array(row[1:], np.float32).reshape(-1, 2) * np.array([width, height], np.float32) for row in rows]
instances, order = polygons2masks_overlap((height, width), segments)
classes = np.array([int(row[0]) for row in rows])[order]
np.save(out, np.where(instances > 0, classes[np.maximum(instances, 1) - 1], 255).astype(np.uint8))
"""


@pytest.mark.slow
def test_ultralytics_draws_the_same(tmp_path: Path) -> None:
    """Polygons that overlap, cross themselves, and reach to the borders of pictures of several sizes."""
    python = tool_python(*NEEDS)
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("train: images\nnames: [" + ", ".join(map(str, range(40))) + "]\n")
    for number, (height, width) in enumerate([(120, 150), (333, 500), (31, 17), (640, 480)]):
        rows = []
        for place in range(40):
            points = rng.uniform(0, 1, 2) + rng.normal(0, 0.1, (int(rng.integers(3, 9)), 2))
            rows.append(f"{place} " + " ".join(f"{one:.6g}" for one in np.clip(points, 0, 1).ravel()))
        (tmp_path / f"images/{number}.png").touch()
        label = tmp_path / f"labels/{number}.txt"
        label.write_text("\n".join(rows))
        run_tool(python, PROGRAM, label, tmp_path / "mask.npy", height, width)
        shapes = read_yolo(tmp_path / "data.yaml").pictures[number].read().shapes
        found = draw([(one, int(one.label)) for one in shapes], height, width, 255, ULTRALYTICS)
        expected = np.load(tmp_path / "mask.npy")
        # Ultralytics sorts by area without keeping the order of equal ones.
        np.testing.assert_array_equal(found.label != 255, expected != 255)
        assert (found.label != expected).mean() < 0.01
