#!/usr/bin/env bash
# opencv 4.12.0: fillPoly should colour no pixel left of an outline. Where a side leaves the picture, it goes on along the
# border, in rows whose part of the polygon lies outside.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'opencv-python-headless==4.12.0.88'
"$root/venv/bin/python" - <<'PROGRAM'
import sys

import cv2
import numpy as np

mask = np.zeros((12, 12), np.uint8)
cv2.fillPoly(mask, [np.array([(-4, -5), (18, 10), (8, -5)], np.int32)], 1)
# The left side, from (-4, -5) to (18, 10), crosses the last column, 11, in row 5.2 and is beyond it below.
seen = np.flatnonzero(mask[7:, 11]) + 7
print(f"opencv {cv2.__version__}: expected no pixel in column 11 below row 6, seen some in rows {seen.tolist()}")
sys.exit(seen.tolist() != [7, 8, 9])
PROGRAM
