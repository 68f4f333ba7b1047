#!/usr/bin/env bash
# label-studio-sdk 2.1.2, which writes Label Studio's exports: COCO should hold every region that was drawn, or the export
# should fail. Brushes are left out, and a picture of brushes alone stays as one without anything on it: the file does not
# say so, and the server's log has "Unknown label type or labels are empty {task_id=}", as it stands.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'label-studio-sdk==2.1.2'
"$root/venv/bin/python" - "$root" <<'PROGRAM'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.brush import mask2rle

root = Path(sys.argv[1])
INTERFACE = """<View><Image name="image" value="$image"/>
<BrushLabels name="label" toName="image"><Label value="road"/></BrushLabels>
<PolygonLabels name="outline" toName="image"><Label value="road"/></PolygonLabels></View>"""
mask = np.zeros((20, 30), np.uint8)
mask[5:15, 5:20] = 255
common = {"to_name": "image", "original_width": 30, "original_height": 20, "image_rotation": 0}
brush = {"format": "rle", "rle": mask2rle(mask), "brushlabels": ["road"]}
outline = {"points": [[0, 0], [50, 0], [50, 50]], "polygonlabels": ["road"]}
result = [
    {"id": "a", "from_name": "label", "type": "brushlabels", "value": brush, **common},
    {"id": "b", "from_name": "outline", "type": "polygonlabels", "value": outline, **common},
]
tasks = [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "result": result}]}]
(root / "tasks.json").write_text(json.dumps(tasks))
converter = Converter(config=INTERFACE, project_dir=None, download_resources=False)
converter.convert_to_coco(str(root / "tasks.json"), str(root / "coco"), is_dir=False)
seen = json.loads((root / "coco/result.json").read_text())
images, regions = len(seen["images"]), len(seen["annotations"])
print(f"label-studio-sdk {version('label-studio-sdk')}: of a brush and a polygon on 1 picture")
print(f"expected 2 regions on 1 picture, seen {regions} on {images}")
sys.exit((images, regions) != (1, 1))
PROGRAM
