"""Time of preparing pictures with annotations beside that of the same pictures with masks ready.

    python tests/benchmarks/annotations.py DATA.h5 [PICTURES]

DATA.h5: a prepared data set, whose first training images (400 unless a number says otherwise) are written as pictures
with masks, with a COCO file of polygons, and with a LabelMe file each. Whole processes of `casnet prepare` run in turn;
prints medians in seconds, and ratios to masks.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store
from casnet_cli.labels import VOID
from casnet_cli.prediction.outlines import EVERYWHERE, regions

RUNS, PICTURES = 5, 400
FORMS = {
    "masks": ("--masks", "masks", "--classes", "classes.toml"),
    "COCO": ("--annotations", "coco.json"),
    "LabelMe": ("--masks", "labelme"),
}


def write(folder: Path, store: Store, number: int) -> None:
    """The pictures with their labels in each form."""
    for name in ("images", "masks", "labelme"):
        (folder / name).mkdir()
    images: list[object] = []
    annotations: list[object] = []
    images_of_train = store.parts()["train"]
    for place in range(min(number, len(images_of_train))):
        entry = images_of_train[place]
        name, mask = f"{place:05d}", np.asarray(decode_label(entry.label))
        (folder / f"images/{name}.jpg").write_bytes(bytes(entry.image))
        Image.fromarray(mask).save(folder / f"masks/{name}.png")
        height, width = mask.shape
        images.append({"id": place, "file_name": f"{name}.jpg", "height": height, "width": width})
        shapes = []
        for region in sorted(regions(mask, outside=EVERYWHERE), key=lambda region: -region.filled):
            label = "__ignore__" if region.class_id == VOID else store.labels.names[region.class_id]
            shapes.append({"label": label, "points": region.rings[0][:-1], "shape_type": "polygon"})
            polygon = [float(side) for point in region.rings[0][:-1] for side in point]
            row = {"id": len(annotations), "image_id": place, "category_id": region.class_id, "iscrowd": 0}
            annotations.append({**row, "segmentation": [polygon], "area": region.filled})
        record = {"shapes": shapes, "imagePath": f"{name}.jpg", "imageHeight": height, "imageWidth": width}
        (folder / f"labelme/{name}.json").write_text(json.dumps(record))
    categories = [{"id": key, "name": name} for key, name in [*enumerate(store.labels.names), (VOID, "__ignore__")]]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(whole))
    table = "".join(
        f"[[class]]\nname = {json.dumps(name)}\nids = [{key}]\n" for key, name in enumerate(store.labels.names)
    )
    (folder / "classes.toml").write_text(f"void = {{ids = [{VOID}]}}\n{table}")
    print(f"{len(images)} pictures, {len(annotations):,} regions")


def seconds(folder: Path, form: str) -> float:
    command = [sys.executable, "-m", "casnet_cli", "prepare", "folder", "--images", "images", *FORMS[form]]
    start = time.perf_counter()
    subprocess.run([*command, "--out", f"{form}-{start}.h5"], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, Store(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else PICTURES)
        times: dict[str, list[float]] = {form: [] for form in FORMS}
        for _ in range(RUNS):
            for form in FORMS:
                times[form].append(seconds(folder, form))
    least = statistics.median(times["masks"])
    for form, values in times.items():
        print(f"{form}: {statistics.median(values):.2f} s, {statistics.median(values) / least:.2f}")


if __name__ == "__main__":
    main()
