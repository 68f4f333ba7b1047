#!/usr/bin/env bash
# label-studio-sdk 2.1.2: the export to COCO should give the bounding box of a turned rectangle. It turns the rectangle in
# percent of width and height, so that the box is right in square pictures alone.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'label-studio-sdk==2.1.2'
"$root/venv/bin/python" - <<'PROGRAM'
import sys
from importlib.metadata import version

from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.utils import convert_annotation_to_yolo_obb

SIZE = {"original_width": 200, "original_height": 100}
VALUE = {"x": 25, "y": 50, "width": 20, "height": 20, "rotation": 90}  # 40 x 20 pixels at (50, 50)
percent = Converter.rotated_rectangle(VALUE)
seen = [round(part * side / 100, 3) for part, side in zip(percent, (200, 100, 200, 100))]
corners = convert_annotation_to_yolo_obb(VALUE | SIZE, normalize=False)
columns, rows = zip(*((round(x, 3), round(y, 3)) for x, y in corners))
expected = [min(columns), min(rows), max(columns) - min(columns), max(rows) - min(rows)]
print(f"label-studio-sdk {version('label-studio-sdk')}: a rectangle of 40 x 20 pixels, turned by 90 degrees")
print(f"box in the export to COCO: expected {expected}, as its export to YOLO OBB has it, seen {seen}")
sys.exit(expected != [30.0, 50.0, 20.0, 40.0] or seen == expected)
PROGRAM
