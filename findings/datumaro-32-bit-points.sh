#!/usr/bin/env bash
# datumaro 1.13.12: coordinates should be kept in 64 bits, as CVAT's edition of datumaro keeps them. They are cut to 32
# bits, so that a polygon of hundredths becomes a mask that differs at its border.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'datumaro==1.13.12' 'pycocotools==2.0.11'
"$root/venv/bin/python" - <<'PROGRAM'
import sys
from importlib.metadata import version

import datumaro as dm
import numpy as np
from datumaro.plugins.transforms import PolygonsToMasks
from pycocotools import mask

POINTS = [0.2, 14.68, 24.23, 15.73, 15.08, 13.05, 13.08, 12.6, 27.9, 39.6, 15.18, 24.57, 13.68, 35.64]
polygon = dm.Polygon(POINTS)
seen = np.asarray(PolygonsToMasks.convert_polygon(polygon, 60, 70).image)
expected = mask.decode(mask.frPyObjects([POINTS], 60, 70)[0])
differing = int((seen != expected).sum())
print(f"datumaro {version('datumaro')}: 14.68 is kept as {polygon.points[1]}")
print(f"mask of the polygon: expected {expected.sum()} pixels, seen {seen.sum()}, of which {differing} differ")
sys.exit(polygon.points[1] == POINTS[1] or not differing)
PROGRAM
