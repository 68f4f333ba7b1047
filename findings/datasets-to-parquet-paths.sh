#!/usr/bin/env bash
# datasets 5.2.0: a Parquet file of pictures should hold them. `to_parquet` of pictures that are files writes their paths
# alone, `save_to_disk` of the same rows writes the pictures.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'datasets==5.2.0' 'pillow==13.0.0'
cd "$root"
HF_HUB_OFFLINE=1 "$root/venv/bin/python" - 2>/dev/null <<'PROGRAM'
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Image.new("RGB", (4, 4)).save("a.png")
rows = datasets.Dataset.from_dict({"image": ["a.png"]}, datasets.Features({"image": datasets.Image()}))
rows.to_parquet("a.parquet")
rows.save_to_disk("saved")
with pa.memory_map("saved/data-00000-of-00001.arrow") as file:
    tables = [pq.read_table("a.parquet"), pa.ipc.open_stream(file).read_all()]
    seen = [table["image"][0].as_py()["bytes"] is not None for table in tables]
print(f"datasets {datasets.__version__}: pictures in the file by to_parquet and save_to_disk: expected True twice, {seen}")
sys.exit(seen != [False, True])
PROGRAM
