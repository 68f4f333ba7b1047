"""Mask exports of labelling tools, in the form that their own packages write: pairs, classes and labels of each."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.photographs import image
from PIL import Image

from casnet_cli.data.annotations import masks
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.recognition import recognize
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

IDS = np.array([[0, 0, 1, 1, 2, 2]] * 4)
"""Background, car and road."""

CAR, ROAD, TREE = (250, 50, 83), (10, 20, 30), (1, 2, 3)


def write(folder: Path, texts: dict[str, str], pictures: str = "", **values: np.ndarray) -> Path:
    """texts: files by name. pictures: names of photographs with blanks between. values: masks, `/` in names as `__`."""
    for name in pictures.split():
        image(folder / name)
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, content in values.items():
        file = folder / f"{name.replace('__', '/')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(content.astype(np.uint8)).save(file)
    return folder


def painted(*colors: tuple[int, int, int], ids: np.ndarray = IDS) -> np.ndarray:
    return np.array(colors)[ids]


def found(folder: Path) -> Layout:
    return recognize(Tree.of(folder))


def names(layout: Layout) -> dict[str, str]:
    """The mask of each picture, `-` for none."""
    return {one.name: one.label.name if one.label else "-" for one in layout.pairs}


def labels(layout: Layout) -> list[list[int]]:
    """The classes of the first row of each mask."""
    assert layout.table
    return [masks.class_ids(one.label, layout.table)[0].tolist() for one in layout.pairs if one.label]


def voc(folder: Path, labelmap: str, lists: dict[str, str], mask: np.ndarray) -> Path:
    texts = {f"ImageSets/Segmentation/{name}.txt": text for name, text in lists.items()} | {"labelmap.txt": labelmap}
    instances = painted((0, 0, 0), (128, 0, 0), (0, 128, 0))
    pictures = "JPEGImages/a.jpg JPEGImages/sub/b.jpg JPEGImages/empty.jpg"
    both = {"SegmentationClass__a": mask, "SegmentationClass__sub__b": mask}
    return write(folder, texts, pictures, **both, SegmentationObject__a=instances, SegmentationObject__sub__b=instances)


MAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:250,50,83::\nroad:10,20,30::\ntree:1,2,3::\n"


def test_cvats_segmentation_mask(tmp_path: Path) -> None:
    folder = voc(tmp_path, MAP, {"default": "a\nsub/b\nempty\n"}, painted((0, 0, 0), CAR, ROAD))
    layout = found(folder)
    assert layout.what == "Pascal VOC's layout" and layout.evidence == (
        "3 pictures in JPEGImages/, 2 masks in SegmentationClass/, classes by labelmap.txt"
    )
    assert names(layout) == {"a": "a.png", "sub/b": "b.png", "empty": "-"} and not layout.splits
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 2 and not layout.spare
    assert layout.table and layout.table.labels.names == ("background", "car", "road", "tree")
    assert layout.table.labels.palette == ((0, 0, 0), CAR, ROAD, TREE)


def test_lists_of_voc_are_splits_and_choose_the_pictures(tmp_path: Path) -> None:
    folder = voc(tmp_path, MAP, {"train": "a\n", "Validation": "sub/b\n"}, painted((0, 0, 0), CAR, ROAD))
    layout = found(folder)
    assert layout.splits == {"a": "train", "sub/b": "val"}
    assert layout.evidence.endswith("classes by labelmap.txt; 1 picture in no list left out")
    (folder / "ImageSets/Segmentation/Validation.txt").unlink()
    (folder / "ImageSets/Segmentation/default.txt").write_text("empty\nsub/b\na")
    assert found(folder).splits == {"a": "train", "sub/b": "train", "empty": "train"}
    (folder / "ImageSets/Segmentation/test.txt").write_text("sub/b\na")
    with pytest.raises(DataError, match=r"(test|train).txt: line \d: a is in (train|test) too"):
        found(folder)
    (folder / "ImageSets/Segmentation/test.txt").write_text("\nsub/c\n")
    with pytest.raises(DataError, match="test.txt: line 2: sub/c is no picture of JPEGImages/"):
        found(folder)


def test_voc_without_colours_is_painted_in_vocs_or_holds_places(tmp_path: Path) -> None:
    plain = "background:::\ncar:::\nroad:::\n"
    colored = voc(tmp_path / "a", plain, {}, painted((0, 0, 0), (128, 0, 0), (0, 128, 0)))
    assert labels(found(colored)) == [[0, 0, 1, 1, 2, 2]] * 2
    valued = voc(tmp_path / "b", plain, {}, IDS)
    assert labels(found(valued)) == [[0, 0, 1, 1, 2, 2]] * 2
    coloured_values = voc(tmp_path / "c", MAP, {}, IDS)
    assert labels(found(coloured_values)) == [[0, 0, 1, 1, 2, 2]] * 2


def test_vocs_border_is_void_unless_a_class_has_it(tmp_path: Path) -> None:
    border = np.where(IDS == 2, VOID, IDS)
    grey = voc(tmp_path / "a", "background:::\ncar:::\n", {}, border)
    assert labels(found(grey)) == [[0, 0, 1, 1, VOID, VOID]] * 2
    drawn = painted((0, 0, 0), CAR, (224, 224, 192))
    assert labels(found(voc(tmp_path / "b", MAP, {}, drawn))) == [[0, 0, 1, 1, VOID, VOID]] * 2
    assert labels(found(voc(tmp_path / "c", MAP + "sand:224,224,192::\n", {}, drawn))) == [[0, 0, 1, 1, 4, 4]] * 2


def test_labelmes_voc_export(tmp_path: Path) -> None:
    palette = Image.fromarray(np.where(IDS == 2, VOID, IDS).astype(np.uint8), "P")
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    write(tmp_path, {"class_names.txt": "_background_\ncar\nroad"}, "JPEGImages/a.jpg")
    for folder in ("SegmentationClass", "SegmentationClassVisualization", "SegmentationClassNpy"):
        (tmp_path / folder).mkdir()
    palette.save(tmp_path / "SegmentationClass/a.png")
    image(tmp_path / "SegmentationClassVisualization/a.jpg")
    np.save(tmp_path / "SegmentationClassNpy/a.npy", IDS)
    layout = found(tmp_path)
    assert names(layout) == {"a": "a.png"} and layout.table
    assert layout.table.labels.names == ("background", "car", "road") and layout.table.ids == {
        0: 0,
        1: 1,
        2: 2,
        VOID: VOID,
    }


def test_an_export_without_pictures_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"labelmap.txt": MAP}, SegmentationClass__a=IDS, SegmentationObject__a=IDS)
    with pytest.raises(DataError, match="1 mask in SegmentationClass/, and no picture .export with images"):
        found(tmp_path)


COLORS = "250 50 83 car\n10 20 30 road wide\n1 2 3 Void\n"


def camvid(folder: Path, colors: str, mask: np.ndarray, lists: Sequence[str] = ("train", "val")) -> Path:
    texts = {"label_colors.txt": colors}
    for name in lists:
        texts[f"{name}.txt"] = f'/{name}/a.jpg {name}annot/a.png\n"/{name}/b b.jpg" ""\n/{name}/c.jpg \n'
        for picture in ("a", "b b", "c"):
            image(folder / name / f"{picture}.jpg")
        write(folder, {}, "", **{f"{name}annot__a": mask})
    return write(folder, texts)


def test_cvats_camvid(tmp_path: Path) -> None:
    folder = camvid(tmp_path, COLORS, painted((0, 0, 0), CAR, TREE))
    layout = found(folder)
    assert layout.what == "CamVid's layout"
    assert layout.evidence == "2 pairs in train.txt, val.txt, classes by label_colors.txt"
    pairs = {
        f"{split}/{name}": "a.png" if name == "a" else "-" for split in ("train", "val") for name in ("a", "b b", "c")
    }
    assert names(layout) == pairs and layout.splits["val/c"] == "val" and layout.splits["train/a"] == "train"
    assert layout.table and layout.table.labels.names == ("background", "car", "road wide")
    assert labels(layout) == [[0, 0, 1, 1, VOID, VOID]] * 2


def test_camvid_of_one_list_has_no_splits_and_bad_lines_are_named(tmp_path: Path) -> None:
    folder = camvid(tmp_path, COLORS, painted((0, 0, 0), CAR, ROAD), ["default"])
    assert not found(folder).splits and len(found(folder).pairs) == 3
    (folder / "default.txt").write_text("/default/a.jpg defaultannot/z.png\n")
    with pytest.raises(DataError, match="default.txt: line 1: defaultannot/z.png is not there"):
        found(folder)


def test_camvid_without_colours(tmp_path: Path) -> None:
    layout = found(camvid(tmp_path, " car\n road\n", painted((0, 0, 0), (128, 0, 0), (0, 128, 0))))
    assert layout.table and layout.table.labels.names == ("background", "car", "road")
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 2


def test_lines_of_one_name_in_lists_of_pairs_are_pictures_without_mask(tmp_path: Path) -> None:
    write(tmp_path, {"pairs.csv": "image,mask\nx/a.jpg,y/a.png\nx/b.jpg,\n"}, "x/a.jpg x/b.jpg", y__a=IDS)
    layout = found(tmp_path)
    assert names(layout) == {"x/a": "a.png", "x/b": "-"} and layout.pairs[1].fault


@pytest.mark.parametrize("place", ["imgsFine/leftImg8bit", "leftImg8bit"])
@pytest.mark.parametrize(("colors", "first"), [("0 0 0 background\n", "background"), ("", "background")])
def test_cvats_cityscapes(tmp_path: Path, place: str, colors: str, first: str) -> None:
    texts = {"label_colors.txt": f"{colors}250 50 83 car\n10 20 30 road\n"}
    pictures = f"{place}/train/x/a_leftImg8bit.jpg {place}/val/b_leftImg8bit.jpg {place}/train/empty_leftImg8bit.jpg"
    write(tmp_path, texts, pictures)
    for name in ("train__x__a", "val__b"):
        kinds = {"labelIds": IDS, "color": painted((0, 0, 0), CAR, ROAD), "instanceIds": IDS}
        write(tmp_path, {}, "", **{f"gtFine__{name}_gtFine_{kind}": values for kind, values in kinds.items()})
    layout = found(tmp_path)
    assert layout.evidence == "2 masks named …_labelIds, 3 pictures, classes by label_colors.txt"
    assert sorted(names(layout).items()) == [
        ("train/empty_leftImg8bit", "-"),
        ("train/x/a_leftImg8bit", "a_gtFine_labelIds.png"),
        ("val/b_leftImg8bit", "b_gtFine_labelIds.png"),
    ]
    assert layout.table and layout.table.labels.names == (first, "car", "road")
    assert layout.table.labels.palette == ((0, 0, 0), CAR, ROAD) and not layout.table.colors
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 2


def test_roboflows_semantic_masks(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        name = f"{split}/015-jpg_jpeg.rf.58df"
        texts = {f"{split}/_classes.csv": "Pixel Value, Class\n0, background\n1, Cow statue\n2, road\n3, tree"}
        write(tmp_path, texts, f"{name}.jpg", **{f"{split}__015-jpg_jpeg.rf.58df_mask": IDS})
    write(tmp_path, {"README.dataset.txt": "seg > v1"}, "visualizations/015-jpg_jpeg.rf.58df.jpg")
    layout = found(tmp_path)
    assert layout.evidence == "2 pictures in train/ and valid/, classes by train/_classes.csv"
    name = "015-jpg_jpeg.rf.58df"
    assert names(layout) == {f"train/{name}": f"{name}_mask.png", f"valid/{name}": f"{name}_mask.png"}
    assert layout.table and layout.table.labels.names == ("background", "Cow statue", "road", "tree")
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 2
    (tmp_path / "valid/_classes.csv").write_text("Pixel Value, Class\n0, background\n1, road\n")
    with pytest.raises(DataError, match="valid/_classes.csv: 1 is 'road', and 'Cow statue' in .*train/_classes.csv"):
        found(tmp_path)


def test_superviselys_masks(tmp_path: Path) -> None:
    colors = json.dumps({"car": [1, 1, 1], "road": [2, 2, 2]})
    write(tmp_path, {"obj_class_to_machine_color.json": colors, "meta.json": "{}"}, "one/img/a.jpg two/img/a.jpg")
    for data in ("one", "two"):
        grey, human = painted((0, 0, 0), (1, 1, 1), (2, 2, 2)), painted((0, 0, 0), CAR, ROAD)
        write(tmp_path, {}, "", **{f"{data}__masks_machine__a": grey, f"{data}__masks_human__a": human})
    layout = found(tmp_path)
    assert layout.evidence == (
        "2 pictures in img/, 2 masks in masks_machine/, classes by obj_class_to_machine_color.json"
    )
    assert [(one.name, one.label) for one in layout.pairs] == [
        (f"{data}/a", tmp_path / data / "masks_machine/a.png") for data in ("one", "two")
    ]
    assert layout.table and layout.table.labels.names == ("background", "car", "road")
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 2 and min(map(max, layout.table.labels.palette)) > 100


def test_label_studios_brush_masks_alone_are_named(tmp_path: Path) -> None:
    write(tmp_path, {}, "", **{"task-1-annotation-7-by-me@x.org-tag-car-0": IDS * 127})
    np.save(tmp_path / "task-1-annotation-7-by-1-tag-car-1.npy", IDS)
    words = "2 brush masks of Label Studio, such as task-1-.*name their pictures by the number of a task alone .put the"
    with pytest.raises(DataError, match=words):
        found(tmp_path)


def test_label_studios_brush_masks_beside_a_file_that_names_the_pictures_are_passed_by(tmp_path: Path) -> None:
    coco = json.dumps({"images": [{"file_name": "a.jpg"}], "annotations": [], "categories": []})
    write(tmp_path, {"result.json": coco}, "a.jpg", **{"brush__task-1-annotation-7-by-1-tag-car-0": IDS * 127})
    layout = found(tmp_path)
    assert layout.annotations == (tmp_path / "result.json",)
    assert layout.evidence.endswith("1 brush mask of Label Studio passed by, as that file names their pictures")


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ("imagesTr/a_0000.png imagesTr/a_0001.png", "a_0001.png: pictures are of several channels, a file each"),
        ("imagesTr/a.png", "a.png: names no channel .expected a_0000.png"),
    ],
)
def test_nnunets_pictures_of_several_files_are_refused(tmp_path: Path, pictures: str, words: str) -> None:
    write(tmp_path, {"dataset.json": '{"labels": {"background": 0, "car": 1}}'}, pictures, labelsTr__a=IDS)
    with pytest.raises(DataError, match=words):
        found(tmp_path)


def test_two_exports_in_one_folder_are_one_data_set(tmp_path: Path) -> None:
    for task in ("first", "second"):
        voc(tmp_path / "voc" / task, MAP, {"train": "a\n", "val": "sub/b"}, painted((0, 0, 0), CAR, ROAD))
        camvid(tmp_path / "camvid" / task, COLORS, painted((0, 0, 0), CAR, ROAD))
    layout = found(tmp_path / "voc")
    expected = {"first/a": "train", "first/sub/b": "val", "second/a": "train", "second/sub/b": "val"}
    assert layout.splits == expected and labels(layout) == [[0, 0, 1, 1, 2, 2]] * 4
    layout = found(tmp_path / "camvid")
    assert len(layout.pairs) == 12 and layout.splits["second/val/a"] == "val"
    assert labels(layout) == [[0, 0, 1, 1, 2, 2]] * 4
    (tmp_path / "voc/first/labelmap.txt").write_text(MAP.replace("car:250,50,83::\n", ""))
    assert labels(found(tmp_path / "voc")) == [[0, 0, 3, 3, 1, 1]] * 4
    (tmp_path / "voc/second/labelmap.txt").write_text(MAP.replace("road", "lane"))
    with pytest.raises(DataError, match=r"second/labelmap.txt: \(10, 20, 30\) is 'lane', and 'road' in .*first/lab"):
        found(tmp_path / "voc")


@pytest.mark.parametrize("text", ["", "background:0,0,0:\ncar:1,2,3::", "\0\1", "a:300,0,0::"])
def test_a_list_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    layout = found(voc(tmp_path, text, {}, painted((0, 0, 0), CAR, ROAD)))
    assert layout.table is None and layout.evidence.endswith("; labelmap.txt is no list of classes")


def test_two_classes_of_one_colour_are_refused(tmp_path: Path) -> None:
    folder = voc(tmp_path, MAP + "bush:1,2,3::\n", {}, painted((0, 0, 0), CAR, ROAD))
    with pytest.raises(DataError, match=r"labelmap.txt: \(1, 2, 3\) is the colour of 'bush' and another class"):
        found(folder)
