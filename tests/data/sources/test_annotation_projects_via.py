"""VIA's projects as one's own data: recognized with the evidence, taken by option, and their classes in a table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from PIL import Image

from casnet_cli.data.store import Store

POLYGON = {"name": "polygon", "all_points_x": [1, 4, 4, 1], "all_points_y": [1, 1, 3, 3]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of 6 x 4 pixels in `images`, and `via.json`, a project of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    for number in range(2):
        pixels = np.full((4, 6, 3), number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/photo {number} ä.JPG")
    write(tmp_path, {"kind": "cat"})
    return tmp_path


def write(home: Path, attributes: dict[str, Any]) -> None:
    point = {"name": "point", "cx": 2, "cy": 2}
    regions = [{"shape_attributes": one, "region_attributes": attributes} for one in (POLYGON, point)]
    names = ("photo 0 ä.JPG", "https://host/a/photo%201%20%C3%A4.JPG?x=1")
    entries = {name: {"filename": name, "size": 1, "regions": regions[: 2 - n]} for n, name in enumerate(names)}
    options = {"kind": {"type": "dropdown", "options": {"cat": "", "dog": ""}}}
    whole = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {"region": options, "file": {}}}
    (home / "via.json").write_text(json.dumps(whole))


def labels(name: str) -> dict[str, np.ndarray]:
    return {entry.name: entry.load().label for entry in Store(Path(f"data/{name}.h5")).entries()}


def test_a_folder_is_recognized(home: Path) -> None:
    said = stderr_of("prepare", home, "--name", "via")
    assert "pictures with a VIA file: via.json" in said
    assert "1 shape of points and lines, which enclose nothing, left out: region 2 (point) of photo 0 ä.JPG" in said
    assert Store(Path("data/via.h5")).labels.names == ("background", "cat", "dog")
    found = labels("via")
    assert len(found) == 2
    for label in found.values():
        assert label.sum() == 6 and (label[1:3, 1:4] == 1).all()
    assert "2 train, 3 classes" in casnet("check", home, code=1)


def test_the_option_and_a_table_of_classes(home: Path) -> None:
    (home / "table.toml").write_text(
        '[[class]]\nname = "other"\nlabels = ["other"]\n[[class]]\nname = "animal"\nlabels = ["cat", "dog"]\n'
    )
    words = ("--images", "images", "--annotations", "via.json", "--classes", "table.toml", "--name", "named")
    casnet("prepare", "folder", *words)
    assert all(set(np.unique(label)) == {1, 255} for label in labels("named").values())


def test_a_class_that_is_not_known_is_one_line(home: Path) -> None:
    write(home, {"age": "old", "colour": "red"})
    said = stderr_of("prepare", home, code=2)
    assert "via.json: which attribute is the class: age, colour? (call it class in VIA)" in said
    assert said.count("error:") == 1


def test_an_export_to_csv_is_recognized_where_there_is_no_json_file(home: Path) -> None:
    shape = json.dumps(POLYGON).replace('"', '""')
    columns = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    row = f'photo 1 ä.JPG,12,"{{}}",1,0,"{shape}","{{""kind"":""cow""}}"'
    (home / "via.csv").write_text(f"{columns}\n{row}\n", encoding="utf-8")
    assert "pictures with a VIA file: via.json" in stderr_of("prepare", home, "--name", "json")
    (home / "via.json").unlink()
    assert "pictures with a VIA file: via.csv" in stderr_of("prepare", home, "--name", "csv")
    assert Store(Path("data/csv.h5")).labels.names == ("background", "cow")
    assert [label.sum() for label in labels("csv").values()] == [6]
