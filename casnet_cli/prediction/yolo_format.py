"""All masks of a folder as a data set for Ultralytics' networks: a zip of pictures, polygons and data.yaml."""

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from casnet_cli.labels import LabelSet
from casnet_cli.prediction.cvat_format import add_file
from casnet_cli.prediction.outlines import regions, without_holes
from casnet_cli.util.files import unfinished

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledFolder

SPLIT = "train"
"""The one split of the data set."""


def write_yolo(file: Path, folder: "LabelledFolder") -> None:
    """The data set: `data.yaml`, `images/train/` and `labels/train/`. Raises OSError."""
    used: set[str] = set()
    with unfinished(file) as path, ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("data.yaml", _yaml(folder.labels))
        for picture in folder.pictures:
            stem = _stem(picture.name, used)
            used.add(stem)
            archive.writestr(f"labels/{SPLIT}/{stem}.txt", polygons(picture.mask, folder.simplify))
            add_file(archive, f"images/{SPLIT}/{stem}{PurePosixPath(picture.name).suffix}", picture.file)


def _yaml(labels: LabelSet) -> str:
    """Without a path: Ultralytics then takes the folder of the file. A text of JSON is one of YAML too."""
    names = "".join(f"  {index}: {json.dumps(name, ensure_ascii=False)}\n" for index, name in enumerate(labels.names))
    return f"train: images/{SPLIT}\nval: images/{SPLIT}\nnames:\n{names}"


def _stem(name: str, used: set[str]) -> str:
    """The name without its ending; with it if another picture has that stem: their polygons would share a file."""
    stem = str(PurePosixPath(name).with_suffix(""))
    while stem in used:
        stem += PurePosixPath(name).suffix or "_"
    return stem


def polygons(mask: np.ndarray, simplify: float = 0.0) -> str:
    """A line for each region of (H, W) uint8 class ids and VOID: its class, then x and y of its corners, 0..1."""
    size = np.array(mask.shape[::-1])
    lines = []
    for region in regions(mask, simplify=simplify):
        points = (np.asarray(without_holes(region.rings)) / size).ravel()
        lines.append(" ".join([str(region.class_id), *(f"{value:.6g}" for value in points.tolist())]))
    return "".join(f"{line}\n" for line in lines)
