"""Files of its own form, CVAT's and COCO's that datumaro writes, beside the masks that it makes of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.coco import read_coco
from casnet_cli.data.annotations.cvat import read_cvat
from casnet_cli.data.annotations.datumaro import read_datumaro
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw

PROGRAM = """
import sys
import numpy as np
import datumaro as dm
import pycocotools.mask
from datumaro.components.annotation import CompiledMask, RotatedBbox
from datumaro.plugins.transforms import BoxesToMasks, PolygonsToMasks

form, folder, masks = sys.argv[1:]
rng = np.random.default_rng(0)
HEIGHT, WIDTH = 60, 70
TYPES = dict(cvat="polygon box turned mask line points tag", coco="mask",
             datumaro="polygon box mask ellipse line points tag caption")

def quarters(numbers):
    return (4 * numbers).round() / 4  # datumaro keeps 32 bits of what CVAT keeps 64 of

def drawn(kind):
    corner, order, label = quarters(rng.uniform(-5, 65, 2)), int(rng.integers(-2, 3)), int(rng.integers(3))
    words = dict(label=label, z_order=0 if form == "coco" else order)
    points = quarters(corner + rng.normal(0, 15, (7, 2))).ravel().tolist()
    if kind == "polygon":
        return dm.Polygon(points, **words)
    if kind == "box":
        return dm.Bbox(*corner, *quarters(rng.uniform(0, 30, 2)), **words)
    if kind == "turned":
        return RotatedBbox(*corner.round(), *(2 * rng.integers(1, 15, 2)), float(rng.integers(1, 360)), **words)
    if kind == "ellipse":
        return dm.Ellipse(*corner, *(corner + rng.uniform(1, 30, 2)), **words)
    if kind == "mask":
        area = np.zeros((HEIGHT, WIDTH), np.uint8)
        y, x = rng.integers(0, 50, 2)
        area[y : y + rng.integers(1, 30), x : x + rng.integers(1, 30)] = 1
        area &= rng.random(area.shape) < 0.7
        area[y, x] = 1
        return dm.Mask(area, **words, attributes=dict(is_crowd=form == "coco"))
    if kind == "line":
        return dm.PolyLine(points, **words)
    if kind == "points":
        return dm.Points(points, **words)
    return dm.Label(label) if kind == "tag" else dm.Caption("a picture")

kinds = TYPES[form].split()
items = [
    dm.DatasetItem(f"sub/{n}", subset="train", media=dm.Image.from_numpy(np.zeros((HEIGHT, WIDTH, 3), np.uint8)),
                   annotations=[drawn(str(kind)) for kind in rng.choice(kinds, 60)])
    for n in range(6)
]
dm.Dataset.from_iterable(items, categories=["sky", "road", "tree"]).export(folder, form, save_media=True)
found = {}
for item in dm.Dataset.import_from(folder, form):
    given, turned = [], []
    for one in item.annotations:
        if isinstance(one, RotatedBbox):
            corners = [np.ravel(one.as_polygon()).round(2).tolist()]  # of CVAT
            (rle,) = pycocotools.mask.frPyObjects(corners, HEIGHT, WIDTH)
            turned.append(dm.RleMask(rle, label=one.label, z_order=one.z_order))
        elif not (form == "coco" and isinstance(one, dm.Bbox)):
            given.append(one)
    masks_of = []
    for one in given + turned:  # CVAT makes outlines of turned boxes and puts them behind the others
        if one.type in PolygonsToMasks._allowed_types:
            one = PolygonsToMasks.convert_polygon(one, HEIGHT, WIDTH)
        elif isinstance(one, dm.Bbox):
            one = BoxesToMasks.convert_bbox(one, HEIGHT, WIDTH)
        if isinstance(one, dm.Mask):
            masks_of.append(one)
    if form == "coco":
        masks_of.sort(key=lambda one: (-one.get_area(), one.id))
    whole = CompiledMask.from_instance_masks(masks_of, instance_labels=[one.label + 1 for one in masks_of])
    found[item.id.replace("/", "_")] = whole.class_mask.astype(np.uint8) - 1
np.savez(masks, **found)
"""
FORMS: dict[str, tuple[Callable[[Path], AnnotatedFile], str]] = {
    "cvat": (read_cvat, "train.xml"),
    "datumaro": (read_datumaro, "annotations/train.json"),
    "coco": (read_coco, "annotations/instances_train.json"),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", list(FORMS))
def test_datumaro_draws_the_same(tmp_path: Path, form: str) -> None:
    """Fractions, overlaps, orders, and shapes that reach beyond the picture."""
    run_tool(tool_python("datumaro==1.13.12"), PROGRAM, form, tmp_path / form, tmp_path / "masks.npz")
    read, name = FORMS[form]
    found = read(tmp_path / form / name)
    classes = ["sky", "road", "tree"]
    assert len(found.pictures) == 6 and list(found.classes) == classes
    with np.load(tmp_path / "masks.npz") as masks:
        for picture in found.pictures:
            content = picture.read()
            shapes = [(one, classes.index(one.label)) for one in content.shapes]
            label = draw(shapes, 60, 70, 255, PYCOCOTOOLS).label
            number = picture.name[-5]
            (mask,) = (masks[key] for key in masks if key.endswith(number))
            assert content.size == (60, 70) and len({*np.unique(mask)}) == 4
            np.testing.assert_array_equal(label, mask)
