"""Folders of many layouts, built of tiny files: the pairs that each gives, or the message."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.photographs import image
from PIL import Image

from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pattern import by_pattern
from casnet_cli.data.layouts.recognition import recognize
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import CasnetError

COCO = json.dumps({"images": [{"file_name": "a.jpg"}], "annotations": [], "categories": []})
LABELME = json.dumps({"version": "5", "shapes": [], "imagePath": "a.jpg"})
NNUNET = json.dumps({"labels": {"background": 0, "tumour": 1}, "channel_names": {"0": "R"}})


def tree_of(folder: Path, files: str, **texts: str) -> Tree:
    """files: names with blanks between; with `=M` a mask of two values, else a photograph. texts: of other files."""
    for word in files.split():
        name, _, kind = word.partition("=")
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "M":
            values = np.zeros((4, 6), np.uint8)
            values[1:3] = 1
            np.save(file, values) if file.suffix == ".npy" else Image.fromarray(values).save(file)
        elif file.suffix in (".jpg", ".png", ".tif", ".JPG", ".bmp"):
            image(file)
        else:
            file.write_text(texts[file.suffix[1:]])
    return Tree.of(folder)


def shown(layout: Layout, folder: Path) -> list[str]:
    """`name picture mask` of each pair, `-` for no mask; of several masks class and file of each."""
    found = []
    for one in layout.pairs:
        label = str(one.label.relative_to(folder)) if one.label else "-"
        parts = ",".join(f"{name}:{file.name}" for name, file in one.parts)
        found.append(f"{one.name} {one.image.relative_to(folder)} {parts or label}")
    return sorted(found)


TREES = {
    "images and masks": ("images/a.jpg masks/a.png=M", ["a images/a.jpg masks/a.png"]),
    "other names of folders": ("imgs/a.jpg labels/a.png=M", ["a imgs/a.jpg labels/a.png"]),
    "capitals": ("JPEGImages/a.jpg SegmentationClass/a.png=M", ["a JPEGImages/a.jpg SegmentationClass/a.png"]),
    "split above": (
        "train/images/a.jpg train/masks/a.png=M val/images/a.jpg val/masks/a.png=M",
        ["train/a train/images/a.jpg train/masks/a.png", "val/a val/images/a.jpg val/masks/a.png"],
    ),
    "split below": (
        "images/train/a.jpg masks/train/a.png=M images/val/b.jpg masks/val/b.png=M",
        ["train/a images/train/a.jpg masks/train/a.png", "val/b images/val/b.jpg masks/val/b.png"],
    ),
    "split in the name": (
        "train_images/a.jpg train_masks/a.png=M test_images/b.jpg test_masks/b.png=M",
        ["test/b test_images/b.jpg test_masks/b.png", "train/a train_images/a.jpg train_masks/a.png"],
    ),
    "CamVid's": (
        "train/a.jpg trainannot/a.png=M val/b.jpg valannot/b.png=M",
        ["train/a train/a.jpg trainannot/a.png", "val/b val/b.jpg valannot/b.png"],
    ),
    "scenes": (
        "s1/rgb/1.jpg s1/gt/1.png=M s2/rgb/1.jpg s2/gt/1.png=M",
        ["s1/1 s1/rgb/1.jpg s1/gt/1.png", "s2/1 s2/rgb/1.jpg s2/gt/1.png"],
    ),
    "one folder around all": ("deep/images/a.jpg deep/masks/a.png=M", ["a deep/images/a.jpg deep/masks/a.png"]),
    "additions": ("images/a.jpg masks/a_mask.png=M", ["a images/a.jpg masks/a_mask.png"]),
    "a rule": (
        "images/img_1.jpg images/img_2.jpg masks/lbl_1.png=M masks/lbl_2.png=M",
        ["img_1 images/img_1.jpg masks/lbl_1.png", "img_2 images/img_2.jpg masks/lbl_2.png"],
    ),
    "case": ("images/A.JPG masks/a.png=M", ["A images/A.JPG masks/a.png"]),
    "npy": ("images/a.jpg masks/a.npy=M", ["a images/a.jpg masks/a.npy"]),
    "masks below pictures": ("a.jpg masks/a.png=M", ["a a.jpg masks/a.png"]),
    "beside, by ending": ("1.jpg 1.png=M 2.jpg 2.png=M", ["1 1.jpg 1.png", "2 2.jpg 2.png"]),
    "beside, one pair": ("1.jpg 1.png=M", ["1 1.jpg 1.png"]),
    "beside, by addition": ("a.png a_mask.png=M b.png b_mask.png=M", ["a a.png a_mask.png", "b b.png b_mask.png"]),
    "beside, two additions": (
        "1_sat.jpg 1_mask.png=M 2_sat.jpg 2_mask.png=M",
        ["1_sat 1_sat.jpg 1_mask.png", "2_sat 2_sat.jpg 2_mask.png"],
    ),
    "beside, by a look": (
        "x/1_p.png x/1_q.png=M x/2_p.png x/2_q.png=M",
        ["1_p x/1_p.png x/1_q.png", "2_p x/2_p.png x/2_q.png"],
    ),
    "Roboflow's": (
        "train/p_jpg.rf.1a.jpg train/p_jpg.rf.1a_mask.png=M valid/q_jpg.rf.2b.jpg valid/q_jpg.rf.2b_mask.png=M",
        [
            "train/p_jpg.rf.1a train/p_jpg.rf.1a.jpg train/p_jpg.rf.1a_mask.png",
            "valid/q_jpg.rf.2b valid/q_jpg.rf.2b.jpg valid/q_jpg.rf.2b_mask.png",
        ],
    ),
    "one mask a class, beside": (
        "s.jpg s_road.png=M s_car.png=M t.jpg t_road.png=M",
        ["s s.jpg car:s_car.png,road:s_road.png", "t t.jpg road:t_road.png"],
    ),
    "one mask a class, by name": (
        "images/s.jpg masks/s_road.png=M masks/s_car_1.png=M masks/s_car_2.png=M",
        ["s images/s.jpg car:s_car_1.png,car:s_car_2.png,road:s_road.png"],
    ),
    "one mask a class, by folder": (
        "images/s.jpg masks/road/s.png=M masks/car/s.png=M",
        ["s images/s.jpg car:s.png,road:s.png"],
    ),
    "names that begin with another picture's": (
        "images/a.jpg masks/a.png=M " + " ".join(f"images/a_{one}.jpg masks/a_{one}.png=M" for one in range(1, 6)),
        ["a images/a.jpg masks/a.png", *(f"a_{one} images/a_{one}.jpg masks/a_{one}.png" for one in range(1, 6))],
    ),
    "one mask an object": (
        "ab/images/ab.png ab/masks/9f.png=M ab/masks/7c.png=M cd/images/cd.png cd/masks/55.png=M",
        ["ab/ab ab/images/ab.png object:7c.png,object:9f.png", "cd/cd cd/images/cd.png object:55.png"],
    ),
    "two folders of any names": (
        "field/1.jpg field/2.jpg drawn/1.png=M drawn/2.png=M",
        ["1 field/1.jpg drawn/1.png", "2 field/2.jpg drawn/2.png"],
    ),
    "Cityscapes'": (
        "leftImg8bit/train/x/x_1_leftImg8bit.png gtFine/train/x/x_1_gtFine_labelIds.png=M "
        "gtFine/train/x/x_1_gtFine_instanceIds.png=M gtFine/train/x/x_1_gtFine_color.png=M",
        [
            "train/x/x_1_leftImg8bit leftImg8bit/train/x/x_1_leftImg8bit.png "
            "gtFine/train/x/x_1_gtFine_labelIds.png"
        ],
    ),
    "Cityscapes' in small letters": (
        " ".join(
            f"leftimg8bit/{top}/x/x_1_leftimg8bit.png gtfine/{top}/x/x_1_gtfine_labelids.png=M"
            for top in ("train", "val")
        ),
        [
            f"{top}/x/x_1_leftimg8bit leftimg8bit/{top}/x/x_1_leftimg8bit.png gtfine/{top}/x/x_1_gtfine_labelids.png"
            for top in ("train", "val")
        ],
    ),
    "nnU-Net's": (
        "dataset.json imagesTr/a_0000.png labelsTr/a.png=M imagesTs/b_0000.png",
        ["train/a imagesTr/a_0000.png labelsTr/a.png"],
    ),
    "Ultralytics'": (
        "data.yaml images/train/a.jpg images/val/b.jpg masks/train/a.png=M masks/val/b.png=M",
        ["train/a images/train/a.jpg masks/train/a.png", "val/b images/val/b.jpg masks/val/b.png"],
    ),
    "a list of pairs": ("x/1.jpg y/q.png=M pairs.csv", ["x/1 x/1.jpg y/q.png"]),
    "Hugging Face's folder of two splits": (
        "train/1.jpg train/q.png=M train/metadata.jsonl test/1.jpg test/q.png=M test/metadata.jsonl",
        ["test/1 test/1.jpg test/q.png", "train/1 train/1.jpg train/q.png"],
    ),
    "Hugging Face's folder": ("train/1.jpg train/q.png=M train/metadata.jsonl", ["train/1 train/1.jpg train/q.png"]),
    "a picture without mask": (
        "images/a.jpg images/b.jpg masks/a.png=M",
        ["a images/a.jpg masks/a.png", "b images/b.jpg -"],
    ),
}  # fmt: skip

TEXTS = {
    "json": NNUNET,
    "yaml": "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: road\n  1: car\n",
    "csv": "image,mask\nx/1.jpg,y/q.png\n",
    "jsonl": '{"file_name": "1.jpg", "mask_file_name": "q.png"}\n',
}


@pytest.mark.parametrize("name", TREES)
def test_pairs_of_layouts(tmp_path: Path, name: str) -> None:
    files, expected = TREES[name]
    layout = recognize(tree_of(tmp_path, files, **TEXTS))
    assert shown(layout, tmp_path) == expected
    assert layout.what and layout.evidence


def test_layouts_bring_their_classes(tmp_path: Path) -> None:
    (tmp_path / "u").mkdir()
    (tmp_path / "n").mkdir()
    yolo = recognize(tree_of(tmp_path / "u", TREES["Ultralytics'"][0], **TEXTS)).table
    assert yolo and yolo.labels.names == ("road", "car") and yolo.ids == {255: 255, 0: 0, 1: 1}
    nnunet = recognize(tree_of(tmp_path / "n", TREES["nnU-Net's"][0], **TEXTS)).table
    assert nnunet and nnunet.labels.names == ("background", "tumour") and nnunet.ids == {0: 0, 1: 1}


@pytest.mark.parametrize(
    ("files", "json_text", "what", "annotations", "outlines"),
    [
        ("images/a.jpg annotations.json", COCO, "COCO", ["annotations.json"], False),
        ("a.jpg a.json", LABELME, "LabelMe", [], True),
        ("train/a.jpg train/c.json val/b.jpg val/c.json", COCO, "COCO", ["train/c.json", "val/c.json"], False),
    ],
)
def test_annotations(
    tmp_path: Path, files: str, json_text: str, what: str, annotations: list[str], outlines: bool
) -> None:
    layout = recognize(tree_of(tmp_path, files, json=json_text))
    assert what in layout.what and bool(layout.outlines) is outlines and not layout.pairs
    assert [str(file.relative_to(tmp_path)) for file in layout.annotations] == annotations


@pytest.mark.parametrize(
    ("files", "json_text", "words"),
    [
        ("a.jpg b.jpg", "", "2 pictures in the folder itself, and nothing tells which of them are masks"),
        ("notes.csv", "", "holds no picture"),
        ("a.jpg r.json", '[{"image_id": 1, "category_id": 2}]', "this is COCO's form of results"),
        ("a.jpg a.jpg.json", '{"size": {}, "objects": [{"classTitle": "car"}]}', "this is a Supervisely annotation"),
        ("x/1.jpg pairs.csv", "", "pairs.csv: line 2: y/q.png is not there"),
        ("dataset.json imagesTr/a_0001.png labelsTr/a.png=M", NNUNET, "of several channels"),
    ],
)
def test_what_is_no_layout_is_answered_with_what_is_there(
    tmp_path: Path, files: str, json_text: str, words: str
) -> None:
    with pytest.raises(CasnetError, match=words):
        recognize(tree_of(tmp_path, files, **{**TEXTS, "json": json_text}))


@pytest.mark.parametrize(
    ("files", "pattern", "expected"),
    [
        ("a.jpg a_seg.png=M", "{stem}.jpg:{stem}_seg.png", ["a a.jpg a_seg.png"]),
        ("a.png a_seg.png=M", "{stem}.png:{stem}_seg.png", ["a a.png a_seg.png"]),
        ("p/a1.jpg q/b1.png=M r/c1.png", "a{stem}:b{stem}", ["a1 p/a1.jpg q/b1.png"]),
        ("p/1/x.jpg q/1/y.png=M", "p/{n}/x.jpg:q/{n}/y.png", ["x p/1/x.jpg q/1/y.png"]),
        (
            "leftimg/train/a_l.png leftimg/val/a_l.png gtfine/train/a_g.png=M gtfine/val/a_g.png=M",
            "{stem}_l.png:{stem}_g.png",
            [f"{top}/a_l leftimg/{top}/a_l.png gtfine/{top}/a_g.png" for top in ("train", "val")],
        ),
    ],
)
def test_patterns(tmp_path: Path, files: str, pattern: str, expected: list[str]) -> None:
    tree = tree_of(tmp_path, files)
    assert shown(by_pattern(tree, tree, pattern), tmp_path) == expected
    with pytest.raises(CasnetError, match="no pattern of pairs"):
        by_pattern(tree, tree, "{stem}")
    there = f"{len(tree.pictures)} pictures"
    with pytest.raises(CasnetError, match=rf"no picture is named like zzz\{{stem\}} \({there} in it\)"):
        by_pattern(tree, tree, "zzz{stem}:{stem}")


@pytest.mark.parametrize(
    "record", ["[", "[]", '{"classes": {"a": "b"}, "evidence": ""}', '{"classes": [], "evidence": 1}']
)
def test_the_record_of_a_table_that_another_program_wrote_is_none(tmp_path: Path, record: str) -> None:
    (tmp_path / ".tables.json").write_text(record)
    with pytest.raises(CasnetError, match="nothing tells"):
        recognize(tree_of(tmp_path, "a.jpg b.jpg"))
