"""The circle with the server of Label Studio: predict, import, correct, export, prepare again, train on.

Its own package packs and unpacks the brushes of the corrections.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.circle import NEW, OLD, RECTANGLE, begun, corrected, goes_on, label, mask
from helpers.cli import casnet, stderr_of
from helpers.label_studio_server import LabelStudio, label_studio
from helpers.tool_environments import run_tool

from casnet_cli.data.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny", "uncompiled")]

BRUSHED = """
import json, sys
import numpy as np
from label_studio_sdk.converter import brush
given, written, top, bottom, left, right = sys.argv[1:]
top, bottom, left, right = map(int, (top, bottom, left, right))
regions = json.load(open(given))
for region in regions:
    height, width = region["original_height"], region["original_width"]
    inside = brush.decode_rle(region["value"]["rle"]).reshape(height, width, 4)[..., 3].copy()
    inside[top:bottom, left:right] = 0
    region["value"]["rle"] = brush.mask2rle(inside)
inside[:] = 0
inside[top:bottom, left:right] = 255
value = {"format": "rle", "rle": brush.mask2rle(inside), "brushlabels": ["blue"]}
json.dump([*regions, {**region, "id": "drawn", "value": value}], open(written, "w"))
"""


@pytest.fixture(scope="module")
def home(tiny: None, uncompiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with begun(tmp_path_factory.mktemp("home")) as folder:
        yield folder


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with label_studio(tmp_path_factory.mktemp("label-studio") / "server", home) as found:
        yield found


def brushed(regions: list[dict[str, Any]], server: LabelStudio, folder: Path) -> list[dict[str, Any]]:
    """The regions with the rectangle taken from them and painted blue."""
    given, written = folder / "given.json", folder / "written.json"
    given.write_text(json.dumps(regions))
    rows, columns = RECTANGLE
    run_tool(server.python, BRUSHED, given, written, rows.start, rows.stop, columns.start, columns.stop)
    return list(json.loads(written.read_text()))


def outlined(regions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The regions with a blue polygon on top."""
    rows, columns = RECTANGLE
    width, height = regions[0]["original_width"], regions[0]["original_height"]
    corners = [(x, y) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
    points = [(100 * x / width, 100 * y / height) for x, y in (corners[0], corners[2], corners[3], corners[1])]
    value = {"points": points, "closed": True, "polygonlabels": ["blue"]}
    return [*regions, {**regions[0], "id": "drawn", "value": value}]


def test_brushes_of_the_hardest_pictures(home: Path, server: LabelStudio, tmp_path: Path) -> None:
    casnet("rank", "photos", "--top", 3, "--save", "label-studio")
    project = server.project(home / "rank/tasks/annotations.label-studio.json", home / "photos")
    tasks = server.tasks(project)
    assert [Path(task["data"]["name"]).parent.name for task in tasks] == ["sub folder"] * 3
    for task in tasks:
        served = server.download(task["data"]["image"])
        assert served == (home / "photos" / task["data"]["name"]).read_bytes(), "Label Studio shows the picture"
    for task in tasks[:2]:
        server.annotate(task, brushed(task["predictions"][0]["result"], server, tmp_path))
    export = server.export(project, "JSON", tmp_path / "export.json")

    shown = stderr_of("prepare", "folder", "--images", "photos", "--annotations", export, "--add", OLD)
    first = tasks[0]["data"]["name"].removesuffix(".png")
    assert f"2 new images, such as train/{first}" in shown
    for task in tasks[:2]:
        name = task["data"]["name"].removesuffix(".png")
        predicted = mask(home / f"rank/tasks/{name}.png")
        np.testing.assert_array_equal(label(NEW, "train", name), corrected(predicted))
    assert Store(Path(NEW)).labels == Store(Path(OLD)).labels
    goes_on(NEW)


def test_polygons_of_pictures_that_the_file_has(home: Path, server: LabelStudio, tmp_path: Path) -> None:
    known = home / "known"
    shutil.copytree(home / "scenes/val/images", known)
    casnet("predict", known, "--out", "again", "--save", "label-studio", "--simplify", 0.01)
    project = server.project(home / "again/annotations.label-studio.json", known)
    tasks = server.tasks(project)
    assert len(tasks) == 3
    for task in tasks[:2]:
        assert server.download(task["data"]["image"]) == (known / task["data"]["name"]).read_bytes()
        server.annotate(task, outlined(task["predictions"][0]["result"]))
    json_file = server.export(project, "JSON", tmp_path / "export.json")
    with zipfile.ZipFile(server.export(project, "COCO", tmp_path / "coco.zip")) as archive:
        coco_file = Path(archive.extract("result.json", tmp_path))
    for export in (json_file, coco_file):
        out = f"data/{export.stem}.h5"
        words = ("--images", known, "--annotations", export, "--add", OLD, "--out", out)
        assert "2 labels replaced (2 in val: they stay there)" in stderr_of("prepare", "folder", *words)
        assert Store(Path(out)).names == Store(Path(OLD)).names
        for task in tasks[:2]:
            stem = Path(task["data"]["name"]).stem
            found = label(out, "val", f"val/{stem}")
            np.testing.assert_array_equal(found, corrected(mask(home / f"again/{stem}.png")), export.name)
