"""LabelMe's shapes beside the masks that LabelMe's own package makes of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.annotations.drawing import LABELME, draw
from casnet_cli.data.annotations.labelme import read_labelme

PROGRAM = """
import json, sys
import numpy as np
from labelme.utils.shape import shapes_to_label
shapes = json.load(open(sys.argv[1]))["shapes"]
names = {str(number): number for number in range(256)}
np.save(sys.argv[2], shapes_to_label((120, 150, 3), shapes, names)[0])
"""
POINTS = {"polygon": 7, "rectangle": 2, "circle": 2, "line": 2, "linestrip": 4, "point": 1, "oriented_rectangle": 4}


@pytest.mark.slow
def test_labelme_draws_the_same(tmp_path: Path) -> None:
    """Fractions, overlaps, and shapes that reach beyond the picture."""
    python = tool_python("labelme==6.3.1")
    rng = np.random.default_rng(0)
    for number in range(5):
        kinds = rng.choice(list(POINTS), 60)
        points = [rng.uniform(-20, 160, 2) + rng.normal(0, 20, (POINTS[kind], 2)) for kind in kinds]
        shapes = [
            {"label": str(1 + place), "shape_type": str(kind), "points": found.tolist(), "group_id": None}
            for place, (kind, found) in enumerate(zip(kinds, points, strict=True))
        ]
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({"shapes": shapes, "imageHeight": 120, "imageWidth": 150, "imagePath": "a.jpg"}))
        run_tool(python, PROGRAM, file, tmp_path / "label.npy")
        found = draw([(one, int(one.label)) for one in read_labelme(file).shapes], 120, 150, 0, LABELME)
        np.testing.assert_array_equal(found.label, np.load(tmp_path / "label.npy"))
