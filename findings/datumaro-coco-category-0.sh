#!/usr/bin/env bash
# datumaro 1.13.12: COCO's form leaves the numbers of categories open. One with number 0 is taken for no class: its
# annotations are read without a label.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'datumaro==1.13.12'
cd "$root"
"$root/venv/bin/python" - 2>/dev/null <<'PROGRAM'
import json
import os
import sys
from importlib.metadata import version

import datumaro as dm
from PIL import Image

os.makedirs("set/annotations")
os.makedirs("set/images/train")
Image.new("RGB", (4, 4)).save("set/images/train/a.png")
box = {"image_id": 1, "bbox": [0, 0, 2, 2], "area": 4, "iscrowd": 0, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}
whole = {
    "images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}],
    "categories": [{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}],
    "annotations": [{"id": 1, "category_id": 0, **box}, {"id": 2, "category_id": 1, **box}],
}
with open("set/annotations/instances_train.json", "w") as file:
    json.dump(whole, file)
found = dm.Dataset.import_from("set", "coco")
names = [one.name for one in found.categories()[dm.AnnotationType.label]]
drawn = [one for item in found for one in item.annotations if one.type == dm.AnnotationType.polygon]
seen = sorted("no label" if one.label is None else names[one.label] for one in drawn)
print(f"datumaro {version('datumaro')}: expected ['road', 'sky'], seen {seen}")
sys.exit(seen != ["no label", "road"])
PROGRAM
