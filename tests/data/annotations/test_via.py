"""VIA's files of all versions: shapes, which attribute is the class, and what cannot be read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casnet_cli.data.annotations.annotated_file import AnnotatedFile
from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.shapes import AREALESS
from casnet_cli.data.annotations.tool_files import VIA, tool_of
from casnet_cli.data.annotations.via import read_via, read_via_3
from casnet_cli.data.annotations.via_regions import FURTHER
from casnet_cli.errors import DataError, Unfit
from casnet_cli.labels import VOID

POLYGON = {"name": "polygon", "all_points_x": [2, 6, 6, 2], "all_points_y": [1, 1, 5, 5]}
SQUARE = np.full((8, 9), VOID)
SQUARE[1:5, 2:6] = 0


def region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes or {"class": "cat"}}


def entry(regions: Any, name: str = "a.png") -> dict[str, Any]:
    return {"filename": name, "size": 12, "regions": regions, "file_attributes": {}}


def export(folder: Path, *regions: Any) -> AnnotatedFile:
    (folder / "via.json").write_text(json.dumps({"a.png12": entry(list(regions))}))
    return read_via(folder / "via.json")


def project(folder: Path, declared: dict[str, Any], *regions: Any) -> AnnotatedFile:
    whole = {
        "_via_settings": {},
        "_via_img_metadata": {"a.png12": entry(list(regions))},
        "_via_attributes": {"region": declared, "file": {}},
    }
    (folder / "via.json").write_text(json.dumps(whole))
    return read_via(folder / "via.json")


def third(folder: Path, *metadata: Any, **changes: Any) -> AnnotatedFile:
    whole = {
        "project": {"vid_list": ["1"]},
        "config": {},
        "attribute": {"1": {"aname": "animal", "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": {"0": "cat"}}},
        "file": {"1": {"fid": 1, "fname": "a.png", "type": 2, "loc": 2, "src": "https://host/b/a.png"}},
        "view": {"1": {"fid_list": [1]}},
        "metadata": {f"1_{n}": {"vid": "1", "flg": 0, "z": [], **one} for n, one in enumerate(metadata)},
        **changes,
    }
    (folder / "via.json").write_text(json.dumps(whole))
    return read_via_3(folder / "via.json")


def labels_of(found: AnnotatedFile) -> list[str]:
    return [one.label for picture in found.pictures for one in picture.read().shapes]


def drawn(found: AnnotatedFile) -> np.ndarray:
    (picture,) = found.pictures
    return draw([(one, 0) for one in picture.read().shapes], 8, 9, VOID, PYCOCOTOOLS).label


@pytest.mark.parametrize("shape", [POLYGON, {"name": "rect", "x": 2, "y": 1, "width": 4, "height": 4}])
def test_polygons_and_rectangles(tmp_path: Path, shape: dict[str, Any]) -> None:
    np.testing.assert_array_equal(drawn(export(tmp_path, region(shape))), SQUARE)


def test_regions_of_version_1_are_a_table(tmp_path: Path) -> None:
    (tmp_path / "via.json").write_text(json.dumps({"a.png12": entry({"0": region(POLYGON)})}))
    np.testing.assert_array_equal(drawn(read_via(tmp_path / "via.json")), SQUARE)


def test_circles_and_ellipses_have_the_corners_of_the_export_to_coco(tmp_path: Path) -> None:
    circle = {"name": "circle", "cx": 4, "cy": 4, "r": 3}
    turned = {"name": "ellipse", "cx": 4, "cy": 4, "rx": 3, "ry": 1.5, "theta": 0.5}
    round_one, ellipse = export(tmp_path, region(circle), region(turned)).pictures[0].read().shapes
    assert round_one.points.shape == ellipse.points.shape == (72, 2)
    # Of VIA 2's own function: the corners at 0, 5 and 90 degrees.
    np.testing.assert_array_equal(round_one.points[[0, 1, 18]], [(7, 4), (6.989, 4.261), (4, 7)])
    np.testing.assert_array_equal(ellipse.points[[0, 1, 18]], [(6.633, 5.438), (6.56, 5.548), (3.281, 5.316)])


@pytest.mark.parametrize(
    ("declared", "attributes", "labels"),
    [
        ({}, [{"kind": "cat"}], ["cat"]),
        ({}, [{"Name": "one", "colour": "red"}], ["one"]),
        ({}, [{"type": "cat", "class": "dog"}], ["dog"]),
        ({}, [{"kind": " cat ", "note": ""}, {"kind": ""}], ["cat", ""]),
        ({"what": {"type": "dropdown", "options": {}}}, [{"name": "one", "what": "cat"}], ["cat"]),
        ({"what": {"type": "radio", "options": {"1": "cat", "2": ""}}}, [{"what": "1"}, {"what": "2"}], ["cat", "2"]),
        ({"what": {"type": "checkbox", "options": {"1": "cat"}}}, [{"what": {"1": True, "2": False}}], ["cat"]),
        ({}, [{"name": 7}], ["7"]),
    ],
)
def test_the_attribute_that_is_the_class(
    tmp_path: Path, declared: dict[str, Any], attributes: list[dict[str, Any]], labels: list[str]
) -> None:
    assert labels_of(project(tmp_path, declared, *(region(POLYGON, **one) for one in attributes))) == labels


def test_attributes_that_could_all_be_the_class_and_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="via.json: which attribute is the class: age, colour. .call it class in VIA"):
        export(tmp_path, region(POLYGON, age="old", colour="red"))
    found = export(tmp_path, region(POLYGON, name=""))
    assert labels_of(found) == ["object"] and list(found.classes) == ["object"]
    assert found.notes[0].endswith("via.json: no region has an attribute: all are of class object")
    assert export(tmp_path).classes == {}


def test_classes_are_the_options_and_what_occurs(tmp_path: Path) -> None:
    options = {"what": {"type": "dropdown", "options": {"z": "", "1": "cat"}}}
    found = project(tmp_path, options, region(POLYGON, what="1"), region(POLYGON, what="dog"))
    assert list(found.classes) == ["z", "cat", "dog"] and found.annotations == 2 and not found.boxes


def test_what_is_not_drawn_is_counted(tmp_path: Path) -> None:
    line = POLYGON | {"name": "polyline"}
    both = region(POLYGON, **{"class": {"cat": True, "dog": True}})
    found = export(tmp_path, region(line), region({"name": "point", "cx": 1, "cy": 1}), both)
    content = found.pictures[0].read()
    assert [one.name for one in content.left_out[AREALESS]] == ["region 1 (line)", "region 2 (point)"]
    assert [(one.id, one.label) for one in content.left_out[FURTHER]] == [("region 3", "dog")]
    assert [one.label for one in content.shapes] == ["cat"] and content.size is None


def test_pictures_without_a_region_are_counted(tmp_path: Path) -> None:
    (tmp_path / "via.json").write_text(json.dumps({"1": entry([region(POLYGON)]), "2": entry([], "b.png")}))
    (note,) = read_via(tmp_path / "via.json").notes
    assert note.endswith("via.json: pictures without a region, taken as they are: 1 of 2, such as b.png")


def test_shapes_of_version_3(tmp_path: Path) -> None:
    shapes = (
        [7, 2, 1, 6, 1, 6, 5, 2, 5],
        [2, 2, 1, 4, 4],
        [8, 2, 3, 4, 1, 6, 2, 3, 5],
    )
    for xy in shapes:
        found = third(tmp_path, {"xy": xy, "av": {"1": "0"}})
        np.testing.assert_array_equal(drawn(found), SQUARE)
        assert labels_of(found) == ["cat"] and list(found.classes) == ["cat"]
    (picture,) = found.pictures
    assert (picture.name, picture.aliases[0]) == ("a.png", "/b/a.png")
    circles = [[3, 4, 4, 3], [9, 7, 4, 1, 4, 4, 7], [4, 4, 4, 3, 3]]
    first, *others = (third(tmp_path, {"xy": xy, "av": {"1": "0"}}).pictures[0].read().shapes[0] for xy in circles)
    for one in others:
        np.testing.assert_array_equal(one.points, first.points)


def test_what_version_3_has_besides(tmp_path: Path) -> None:
    boxes = {"2": {"aname": "animal", "type": 2, "options": {"0": "cat", "1": "dog"}}}
    given = [{"xy": [7, 2, 1, 6, 1, 6, 5], "av": {"2": "1,0"}}, {"xy": [], "av": {"2": "0"}}, {"xy": [5, 1, 1, 2, 2]}]
    found = third(tmp_path, *({"av": {}} | one for one in given), attribute=boxes)
    content = found.pictures[0].read()
    assert [one.label for one in content.shapes] == ["dog"] and found.annotations == 2
    assert len(content.left_out[AREALESS]) == 1 and content.left_out[FURTHER][0].label == "cat"
    film = {"1": {"fid": 1, "fname": "a.mp4", "type": 4}}
    with pytest.raises(DataError, match="via.json: a project of films"):
        third(tmp_path, file=film)
    with pytest.raises(DataError, match="via.json: a project of films"):
        third(tmp_path, view={"1": {"fid_list": [1, 1]}})


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}, "2 points"),
        ({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]}, "3 x for 2 y"),
        ({"name": "polygon", "all_points_x": "abc", "all_points_y": "abc"}, "of no form that VIA writes"),
        ({"name": "polygon"}, "of no form that VIA writes"),
        ({"name": "star"}, "does not know the shape 'star'"),
        ({"name": ["polygon"]}, "of no form that VIA writes"),
        ({}, "of no form that VIA writes"),
        ({"name": "rect", "x": 1, "y": 1, "width": 1e9, "height": 1}, "a coordinate of 1e"),
        ({"name": "circle", "cx": 1, "cy": 1, "r": float("nan")}, "a radius of nan"),
    ],
)
def test_a_damaged_region_is_named(tmp_path: Path, shape: dict[str, Any], why: str) -> None:
    found = export(tmp_path, region(POLYGON), region(shape))
    with pytest.raises(Unfit, match=rf"via.json: a.png: region 2: .*{why}.* \(mend or remove it in VIA\)"):
        found.pictures[0].read()


@pytest.mark.parametrize(
    "given",
    [[], 7, {"a": 1}, {"a": {"filename": "a.png"}}, {"a": entry(7)}, {"_via_img_metadata": []}, {"a": entry([], "")}],
)
def test_what_is_no_via_file(tmp_path: Path, given: Any) -> None:
    (tmp_path / "via.json").write_text(json.dumps(given))
    for read in (read_via, read_via_3):
        with pytest.raises(DataError, match="via.json: this is (not )?a ") as error:
            read(tmp_path / "via.json")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("given", [[7], [{"region_attributes": {}}], [{"shape_attributes": 7}], [None]])
def test_entries_of_another_form(tmp_path: Path, given: list[Any]) -> None:
    with pytest.raises(DataError, match="via.json: an attribute or a region is of no form that VIA writes"):
        export(tmp_path, *given)


@pytest.mark.parametrize(
    "metadata",
    [
        {"xy": [77, 1], "av": {}},
        {"xy": [7, "a"], "av": {}},
        {"xy": [3, 1], "av": {}},
        {"xy": [9, 1, 1, 2, 2, 3, 3]},
        {},
    ],
)
def test_metadata_of_another_form(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="via.json: a file, a view or a region is of no form that VIA writes"):
        third(tmp_path, {"av": {}} | metadata)


HEADER = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"


def table(folder: Path, *rows: tuple[str, Any, Any], header: str = HEADER) -> AnnotatedFile:
    lines = [header]
    for number, (name, shape, attributes) in enumerate(rows):
        texts = (json.dumps(one).replace('"', '""') for one in (shape, attributes))
        lines.append(",".join([name, "12", '"{}"', "1", str(number), *(f'"{text}"' for text in texts)]))
    (folder / "via.csv").write_text("\n".join(lines))
    return read_via(folder / "via.csv")


@pytest.mark.parametrize("header", [HEADER, "#" + HEADER])
def test_exports_to_csv(tmp_path: Path, header: str) -> None:
    rect = {"name": "rect", "x": 2, "y": 1, "width": 4, "height": 4}
    found = table(tmp_path, ("a.png", rect, {"kind": "cat"}), ("b.png", {}, {}), header=header)
    assert [one.name for one in found.pictures] == ["a.png", "b.png"] and len(found.notes) == 1
    assert labels_of(found) == ["cat"] and not found.pictures[1].read().shapes
    tool = tool_of(tmp_path / "via.csv")
    assert tool and tool.name == VIA


@pytest.mark.parametrize("change", [("filename", "name"), ('""rect""', '""rect'), ("region_attributes", "other")])
def test_a_csv_file_of_another_form_is_one_line(tmp_path: Path, change: tuple[str, str]) -> None:
    table(tmp_path, ("a.png", {"name": "rect", "x": 2, "y": 1, "width": 4, "height": 4}, {"kind": "cat"}))
    file = tmp_path / "via.csv"
    file.write_text(file.read_text().replace(*change))
    with pytest.raises(DataError, match="via.csv: not a readable export of VIA") as error:
        read_via(file)
    assert "\n" not in str(error.value)
