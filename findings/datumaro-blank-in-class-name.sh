#!/usr/bin/env bash
# datumaro 1.13.12: what it writes it should read back. A class name with a blank in CamVid's and Cityscapes' label_colors.txt
# ends in an error, or without colours in half of the name; in Pascal VOC's labelmap.txt it is kept.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet 'datumaro==1.13.12'
"$root/venv/bin/python" - "$root" <<'PROGRAM'
import sys

import datumaro
import numpy as np
from datumaro.components.annotation import AnnotationType, Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image

print(f"datumaro {datumaro.__version__}")
mask = np.zeros((4, 6), bool)
mask[1:3, 1:3] = True
picture = Image.from_numpy(np.zeros((4, 6, 3), np.uint8), ext=".jpg")
item = DatasetItem("a", media=picture, annotations=[Mask(mask, label=0, id=1, group=1)])
seen = []
for form in ("camvid", "cityscapes", "voc_segmentation"):
    for color in ((10, 20, 30), None):
        folder = f"{sys.argv[1]}/{form}-{color is None}"
        entry = [color, [], []] if form == "voc_segmentation" else color
        options = {"label_map": {"big tree": entry}} if color else {}
        written = Dataset.from_iterable([item], categories=["big tree"], media_type=Image)
        written.export(folder, form, save_media=True, **options)
        try:
            labels = Dataset.import_from(folder, form).categories()[AnnotationType.label]
            found = str([one.name for one in labels.items])
        except datumaro.components.errors.DatasetImportError as error:
            found = str(error.__cause__ or error)
        print(f"{form}, {'with' if color else 'without'} colours: class 'big tree' is read as {found}")
        seen.append("big tree" in found)
sys.exit(seen != [False, False, False, False, True, True])
PROGRAM
