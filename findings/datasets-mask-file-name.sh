#!/usr/bin/env bash
# datasets 5.2.0: the order of the columns of an image folder's metadata should not matter. Where `mask_file_name` stands
# before `file_name`, the mask is the picture, and the picture is missing.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'datasets==5.2.0' 'pillow==13.0.0'
cd "$root"
HF_HUB_OFFLINE=1 "$root/venv/bin/python" - 2>/dev/null <<'PROGRAM'
import os
import sys

import datasets
from PIL import Image

os.makedirs("set")
Image.new("RGB", (4, 4)).save("set/a.png")
Image.new("L", (4, 4)).save("set/m.png")
with open("set/metadata.csv", "w") as file:
    file.write("mask_file_name,file_name\nm.png,a.png\n")
(row,) = datasets.load_dataset("set", cache_dir="cache", split="train")
seen = {name: value and value.mode for name, value in sorted(row.items())}
print(f"datasets {datasets.__version__}: expected {{'image': 'RGB', 'mask': 'L'}}, seen {seen}")
sys.exit(seen != {"image": None, "mask": "RGB"})
PROGRAM
