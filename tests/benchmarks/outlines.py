"""Speed of drawing outlines: 10,000 polygons beside pycocotools, and a picture of 200,000 annotations.

    python tests/benchmarks/outlines.py

Prints medians of interleaved runs, in seconds.
"""

import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pycocotools import mask as tools

from casnet_cli.data.annotations.coco import read_coco
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw

SIDE, RUNS, REST = 1000, 3, 255


def coco_file(folder: Path, number: int, spread: float) -> Path:
    """A COCO file of one picture with so many polygons of eight corners."""
    rng = np.random.default_rng(number)
    outlines = [
        (rng.uniform(0, SIDE, 2) + rng.normal(0, spread, (8, 2))).round(2).ravel().tolist() for _ in range(number)
    ]
    annotations = [
        {"id": place, "image_id": 1, "category_id": place % 5, "segmentation": [outline], "area": 1, "iscrowd": 0}
        for place, outline in enumerate(outlines)
    ]
    categories = [{"id": place, "name": str(place)} for place in range(5)]
    images = [{"id": 1, "file_name": "a.jpg", "height": SIDE, "width": SIDE}]
    file = folder / f"{number}.json"
    file.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    return file


def by_casnet(file: Path) -> np.ndarray:
    shapes = read_coco(file).pictures[0].read().shapes
    return draw([(one, int(one.label)) for one in shapes], SIDE, SIDE, REST, PYCOCOTOOLS).label


def by_pycocotools(file: Path) -> np.ndarray:
    """The plain use of its functions, one polygon at a time."""
    label = np.full((SIDE, SIDE), REST, np.uint8)
    for one in json.loads(file.read_text())["annotations"]:
        code = tools.merge(tools.frPyObjects(one["segmentation"], SIDE, SIDE))
        label[tools.decode(code).astype(bool)] = one["category_id"]
    return label


def seconds(function: Callable[[Path], np.ndarray], file: Path) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    label = function(file)
    return time.perf_counter() - start, label


def main() -> None:
    warnings.simplefilter("ignore")  # pycocotools under NumPy 2
    with tempfile.TemporaryDirectory() as name:
        file, many = coco_file(Path(name), 10_000, 8), coco_file(Path(name), 200_000, 4)
        times: dict[str, list[float]] = {"casnet": [], "pycocotools": [], "casnet, 200,000": []}
        for _ in range(RUNS):
            spent, ours = seconds(by_casnet, file)
            times["casnet"].append(spent)
            spent, theirs = seconds(by_pycocotools, file)
            times["pycocotools"].append(spent)
            assert (ours == theirs).all()
            times["casnet, 200,000"].append(seconds(by_casnet, many)[0])
    for what, values in times.items():
        print(f"{what}: {statistics.median(values):.2f} s")


if __name__ == "__main__":
    main()
