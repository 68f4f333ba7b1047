"""Files in which tools list classes, each with the content of a real one."""

import json
from pathlib import Path

import pytest

from casnet_cli.data.classes.class_lists import Listed, lists_near, read_list, united
from casnet_cli.errors import DataError

ROAD, SKY, GROUND = (128, 64, 128), (70, 130, 180), Listed("background", 0, (0, 0, 0))
FILES = {
    "Roboflow": ("_classes.csv", "Pixel Value, Class\n0, background\n1, Cow statue\n7, rail track", True,
                 [Listed("background", 0), Listed("Cow statue", 1), Listed("rail track", 7)]),
    "CVAT": ("labelmap.txt", "# label:color\nbackground:0,0,0::\ntree: big:128,64,128:hand,foot:sit\n", False,
             [Listed("background", 0, (0, 0, 0)), Listed("tree: big", 1, ROAD)]),
    "datumaro without colours": ("labelmap.txt", "# label\nbackground:::\ncar:::\n", False,
                                 [Listed("background", 0), Listed("car", 1)]),
    "CamVid": ("label_colors.txt", "128 64 128\tRoad\n70 130 180 \tSky blue\r\n", False,
               [GROUND, Listed("Road", 1, ROAD), Listed("Sky blue", 2, SKY)]),
    "datumaro, names alone": ("label_colors.txt", " background\n car\n", False,
                              [Listed("background", 0), Listed("car", 1)]),
    "CamVid with the ground": ("label_colors.txt", "128 64 128 Road\n0 0 0 Void", False,
                               [Listed("Void", 0, (0, 0, 0)), Listed("Road", 1, ROAD)]),
    "names": ("classes.txt", "road\nsky: blue, or grey\n\n", False,
              [Listed("road", 0), Listed("sky: blue, or grey", 1)]),
    "YOLO": ("obj.names", "\ufeffroad\nsky", False, [Listed("road", 0), Listed("sky", 1)]),
    "LabelMe": ("labels.txt", "__ignore__\n_background_\ncar\n", False,
                [Listed("background", 0), Listed("car", 1), Listed("__ignore__", 2)]),
    "numbers": ("label_names.txt", "0: road\n5: sky", True, [Listed("road", 0), Listed("sky", 5)]),
    "Kaggle": ("class_dict_seg.csv", "name, r, g, b\nroad, 128, 64, 128\nsky, 70, 130, 180\n", False,
               [Listed("road", 0, ROAD), Listed("sky", 1, SKY)]),
    "ADE20K": ("objectInfo150.txt", "Idx\tRatio\tStuff\tName\n1\t0.15\t1\twall\n2\t0.1\t1\tedifice, building", True,
               [Listed("wall", 1), Listed("edifice, building", 2)]),
    "QGIS": ("landcover_classes.txt", "# QGIS Color Map\nINTERPOLATION:EXACT\n3,128,64,128,255,road\n", True,
             [Listed("road", 3, ROAD)]),
    "Ultralytics": ("data.yaml", "train: images\nnames:\n  0: road\n  4: sky\n", True,
                    [Listed("road", 0), Listed("sky", 4)]),
    "Ultralytics, a list": ("data.yaml", "names: [road, sky]", True, [Listed("road", 0), Listed("sky", 1)]),
    "nnU-Net": ("dataset.json", json.dumps({"labels": {"background": 0, "tumour": 2}}), True,
                [Listed("background", 0), Listed("tumour", 2)]),
    "Supervisely": ("obj_class_to_machine_color.json", json.dumps({"kiwi": [1, 1, 1], "lemon": [2, 2, 2]}), True,
                    [Listed("background", 0, (0, 0, 0)), Listed("kiwi", 1, (1, 1, 1)), Listed("lemon", 2, (2, 2, 2))]),
    "Hugging Face": ("id2label.json", json.dumps({"0": "road", "3": "sky"}), True,
                     [Listed("road", 0), Listed("sky", 3)]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_what_a_list_says(tmp_path: Path, case: str) -> None:
    name, text, numbered, expected = FILES[case]
    (tmp_path / name).write_text(text)
    found = read_list(tmp_path / name)
    assert found and list(found.classes) == expected and found.numbered is numbered


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("_classes.csv", "filename, cat, dog\na.jpg, 1, 0\n"),
        ("labelmap.txt", "background:0,0,0::\ncar:1,2\n"),
        ("labels.csv", "id,label\na83f,cat\n"),
        ("train_labels.txt", "a.jpg\nb.jpg\n"),
        ("train.txt", "road\nsky"),
        ("classes.txt", ""),
        ("classes.txt", "\n".join(map(str, range(300)))),
        ("classes.txt", "x" * 500),
        ("classes.txt", "0: road\n0: sky"),
        ("classes.txt", "0: road\n99999999999999999999: sky"),
        ("obj_class_to_machine_color.json", '{"kiwi": [1, 1e999, 1]}'),
        ("label_colors.txt", "128 64 300 road"),
        ("class_dict.csv", "name,r,g,b\nroad,128,64\n"),
        ("class_dict.csv", f"name,r,g,b\n{'road' * 40_000},1,2,3\n"),
        ("classes.txt", "road" * 40_000),
        ("data.yaml", "names: 3"),
        ("data.yaml", "names: [road"),
        ("data.yaml", "- names"),
        ("dataset.json", "{"),
        ("dataset.json", '{"labels": {"whole": [1, 2]}}'),
        ("obj_class_to_machine_color.json", "[1]"),
        ("id2label.json", '{"a": "road"}'),
        ("id2label.json", "[" * 100_000),
    ],
)
def test_what_is_no_list(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_list(tmp_path / name) is None
    (tmp_path / name).write_bytes(text.encode("utf-16"))
    assert read_list(tmp_path / name) is None


def test_void_names() -> None:
    assert [Listed(name, 0).void for name in ("Void", "__ignore__", "unlabeled", "avoid")] == [True, True, True, False]


def test_lists_near_files_come_nearest_first_up_to_the_root(tmp_path: Path) -> None:
    for folder in ("outside", "outside/set", "outside/set/masks", "outside/set/images"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "classes.txt").write_text("road")
    (tmp_path / "outside/set/labels.txt").mkdir()
    masks = [tmp_path / "outside/set/masks/1.png", tmp_path / "outside/set/masks/2.png"]
    found = [str(one.file.relative_to(tmp_path / "outside")) for one in lists_near(masks, tmp_path / "outside/set")]
    assert found == ["set/masks/classes.txt", "set/classes.txt"]


def united_texts(folder: Path, **texts: str) -> list[Listed]:
    for name, text in texts.items():
        (folder / f"{name}_classes.txt").write_text(text)
    lists = [one for name in texts if (one := read_list(folder / f"{name}_classes.txt"))]
    found = united(lists)
    return list(found.classes) if found else []


def test_several_lists_are_one_unless_they_contradict(tmp_path: Path) -> None:
    assert united([]) is None
    road, sky, tree = Listed("road", 0), Listed("sky", 1), Listed("tree", 2)
    assert united_texts(tmp_path, a="road\nsky", b="road\nsky\ntree", c="road") == [road, sky, tree]
    with pytest.raises(DataError, match="c_classes.txt: 1 is 'car', and 'sky' in .*a_classes.txt"):
        united_texts(tmp_path, a="road\nsky", b="road", c="road\ncar")
    colored = united_texts(tmp_path, a="128 64 128 road\n9 9 9 car", b="70 130 180 sky\n128 64 128 road")
    assert colored == [Listed("road", 0, ROAD), Listed("car", 1, (9, 9, 9)), Listed("sky", 2, SKY)]
    with pytest.raises(DataError, match=r"b_classes.txt: \(128, 64, 128\) is 'lane', and 'road' in .*a_classes.txt"):
        united_texts(tmp_path, a="9 9 9 car\n128 64 128 road", b="128 64 128 lane")
