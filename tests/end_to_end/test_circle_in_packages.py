"""The circle without a server: predictions corrected by LabelMe's own package, and by datumaro in CVAT's form."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.circle import NEW, OLD, RECTANGLE, RUN, begun, corrected, goes_on, label, mask
from helpers.cli import casnet, stderr_of, tiny_settings
from helpers.datasets import LABELS
from helpers.tool_environments import run_tool, tool_python
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny", "uncompiled")]

LABELME = """
import sys
from labelme._label_file import LabelFile

top, bottom, left, right = map(int, sys.argv[1:5])
for name in sys.argv[5:]:
    file = LabelFile(name)
    corners = [[left, top], [right - 1, top], [right - 1, bottom - 1], [left, bottom - 1]]
    drawn = {"label": "blue", "points": corners, "group_id": None, "shape_type": "polygon", "flags": {}}
    shapes = [*file.shapes, {**file.shapes[0], **drawn}]
    height, width = int(file.other_data.get("imageHeight", 40)), int(file.other_data.get("imageWidth", 53))
    file.save(name, shapes, file.image_path, height, width)
"""

DATUMARO = """
import sys
import numpy as np
import datumaro as dm

given, written = sys.argv[1:3]
top, bottom, left, right = map(int, sys.argv[3:7])
kept = sys.argv[7:]
found = dm.Dataset.import_from(given, "cvat")
blue = [one.name for one in found.categories()[dm.AnnotationType.label]].index("blue")
items = []
for item in found:
    if item.id not in kept:
        continue
    masks = []
    for one in item.annotations:
        inside = np.array(one.image, bool)
        inside[top:bottom, left:right] = False
        if inside.any():
            masks.append(dm.Mask(inside, label=one.label, z_order=0))
    inside = np.zeros_like(inside)
    inside[top:bottom, left:right] = True
    items.append(item.wrap(annotations=[*masks, dm.Mask(inside, label=blue, z_order=0)]))
dm.Dataset.from_iterable(items, categories=found.categories()).export(written, "cvat")
"""

BOX = tuple(end for one in RECTANGLE for end in (one.start, one.stop))
"""First and last rows and columns of the correction."""


@pytest.fixture(scope="module")
def home(tiny: None, uncompiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with begun(tmp_path_factory.mktemp("home")) as folder:
        casnet("rank", "photos", "--top", 3, "--save", "labelme", "--save", "cvat")
        yield folder


def test_labelme(home: Path) -> None:
    files = sorted((home / "rank/tasks").rglob("*.json"))
    assert len(files) == 3
    run_tool(tool_python("labelme==6.3.1"), LABELME, *BOX, *files)
    shown = stderr_of("prepare", "folder", "--images", "photos", "--masks", "rank/tasks", "--add", OLD)
    assert "3 new images" in shown and "2 images without a label, left out" in shown
    for file in files:
        name = file.relative_to(home / "rank/tasks").with_suffix("").as_posix()
        found = label(NEW, "train", name)
        np.testing.assert_array_equal(found, corrected(mask(file.with_suffix(".png"))))
    goes_on(NEW)


def test_cvat_by_datumaro(home: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(home / "rank/tasks/annotations.cvat.zip") as archive:
        archive.extractall(tmp_path / "task")
    names = sorted(file.relative_to(tmp_path / "task/images") for file in (tmp_path / "task/images").rglob("*.png"))
    kept = [name.with_suffix("").as_posix() for name in names[:2]]
    run_tool(tool_python("datumaro==1.13.12"), DATUMARO, tmp_path / "task", tmp_path / "export", *BOX, *kept)
    words = ("--images", "photos", "--annotations", tmp_path / "export/annotations.xml")
    shown = stderr_of("prepare", "folder", *words, "--add", OLD, "--out", "data/by-cvat.h5")
    assert "2 new images" in shown
    for name in kept:
        np.testing.assert_array_equal(
            label("data/by-cvat.h5", "train", name), corrected(mask(home / f"rank/tasks/{name}.png"))
        )


def test_a_class_more(home: Path) -> None:
    names = [f"[[class]]\nname = '{name}'\nids = [{number}]\n" for number, name in enumerate((*LABELS.names, "cow"))]
    Path("more.toml").write_text("".join(names))
    Path("masks/sub folder").mkdir(parents=True)
    drawn = np.zeros((40, 53), np.uint8)
    drawn[RECTANGLE] = 3
    Image.fromarray(drawn).save("masks/sub folder/new ä 0.png")
    words = ("--images", "photos", "--masks", "masks", "--classes", "more.toml", "--add", OLD, "--out", "data/cow.h5")
    assert "new classes: cow" in stderr_of("prepare", "folder", *words)
    words = ("--data", "data/cow.h5", "--init", RUN, *tiny_settings("training.epochs=1"))
    assert "classes kept: red, green, blue; new: cow" in stderr_of("train", *words)
    assert "4: red, green, blue, cow" in casnet("eval", "--run", RUN, "--data", "data/cow.h5", code=2)
